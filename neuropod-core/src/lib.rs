//! The domain, the traits and the driver of Neuropod, a platform of personal GPU pods.
//!
//! Applications use the facade crate `neuropod`, whose front page has the overview and a whole example. This crate
//! knows no Kubernetes, no database and no HTTP: those are behind the four traits [`ClusterBackend`], [`PodStore`],
//! [`Billing`] and [`TokenExtractor`].
//!
//! Data flows one way: [`CreatePod`] → [`check`](fn@pod::check::check) → [`Pod`] → [`plan`](fn@cluster::plan::plan) →
//! [`Workload`](cluster::Workload) → [`ClusterBackend::apply`], and back: [`ClusterBackend::watch`] →
//! [`Observation`](cluster::Observation) → [`reconcile`](fn@reconcile::reconcile) →
//! [`Action`](reconcile::Action)s, which the driver carries out.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod clock;
pub mod cluster;
#[cfg(feature = "conformance")]
#[cfg_attr(docsrs, doc(cfg(feature = "conformance")))]
pub mod conformance;
pub mod error;
pub mod id;
pub mod message;
pub mod money;
pub mod naming;
pub mod platform;
pub mod pod;
pub mod reconcile;
#[cfg(feature = "sim")]
#[cfg_attr(docsrs, doc(cfg(feature = "sim")))]
pub mod sim;
pub mod store;
pub mod token;
pub mod user;

pub use self::{
    cluster::{ClusterBackend, Reason},
    error::{Error, ErrorKind, Result},
    id::{Actor, PodId, Role, UserId},
    money::{Billing, Money, PriceList},
    naming::Naming,
    platform::{Platform, PlatformBuilder, Update},
    pod::{CreatePod, Pod, PodOptions, Status, Template},
    store::PodStore,
    token::{AccessToken, TokenExtractor},
    user::User,
};
