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
//!
//! # Modules
//!
//! | module | contents |
//! |---|---|
//! | [`platform`] | [`Platform`], the only entry point: calls, and the driver that carries out the stored intentions |
//! | [`pod`] | the owner's choices ([`PodOptions`]), the request, its check, the stored record |
//! | [`cluster`] | the backend's trait, the GPU catalogue, the plan of a pod, observations and reasons of failures |
//! | [`money`] | billing, prices, the meter, statements |
//! | [`store`] | the traits of stores, and the audit log |
//! | [`reconcile`] | the next actions for a pod: one pure function |
//! | [`naming`], [`token`], [`user`], [`id`] | public names, access tokens, people, identities |
//! | [`message`] | every text for people, in English and Spanish |
//! | [`error`], [`clock`] | errors with their kinds; the only source of the time |
//! | `sim` (feature `sim`) | the simulated cluster, with the failures of real clusters |
//! | `conformance` (feature `conformance`) | the suites that every implementation of the traits passes |
//!
//! # Invariants
//!
//! - Decisions are pure functions without async, clock or I/O.
//! - A pod's first hour is held before any of its objects is created. Time that a pod did not run is not charged.
//! - A record is stored before its objects are created, and removed after them.
//! - The time is read only through [`clock::Clock`].
//! - Secrets are neither printed nor serialised implicitly.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `conformance` | the suites, and `sim` |
//! | `mock` | mocks of the four traits, by mockall |
//! | `sim` | the simulated cluster |
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

/// The example of the README runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
