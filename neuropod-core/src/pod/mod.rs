//! A pod: its options, its stored record, and its connections.
//!
//! [`PodOptions`] is what an owner chooses: in a request ([`CreatePod`]), as the defaults of a [`Template`] and in the
//! stored record ([`Pod`]). [`check`](fn@check::check) finds what is wrong with a request, and [`connection::connections`]
//! returns how a pod is opened.

pub mod check;
pub mod connection;
pub mod environment;
pub mod image;
pub mod limits;
pub mod options;
pub mod port;
pub mod record;
pub mod request;
#[cfg(any(test, feature = "conformance"))]
mod sample;
pub mod template;
pub mod wait;

pub use self::{
    connection::{Connection, ConnectionState},
    environment::Environment,
    image::{ImageReference, ImageRules},
    limits::Limits,
    options::{Jupyter, PodOptions, PodOptionsFields},
    port::{Port, Protocol},
    record::{Desired, Login, Pod, Status, VolumeDeletion},
    request::CreatePod,
    template::Template,
    wait::{Awaited, Wait},
};
