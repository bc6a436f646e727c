//! A pod: what its owner may ask for, what is stored of it, and how it is reached.
//!
//! [`CreatePod`] is a request, [`check`](fn@check::check) finds what is wrong with it, [`Pod`] is the stored record, and
//! [`connection::connections`] returns how to open it.

pub mod check;
pub mod connection;
pub mod endpoint;
pub mod image;
pub mod record;
pub mod request;
#[cfg(any(test, feature = "conformance"))]
mod sample;
pub mod template;
pub mod wait;

pub use self::{
    connection::{Connection, ConnectionState},
    endpoint::Endpoint,
    image::{ImageReference, ImageRules},
    record::{Desired, Environment, Login, Pod, PodSpec, Status, VolumeDeletion},
    request::{CreatePod, DeploymentType},
    template::{NamedPort, Template},
    wait::{Awaited, Wait},
};
