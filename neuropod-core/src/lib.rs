//! The domain, the traits and the driver of Neuropod, a platform of personal GPU pods.
//!
//! Applications use the facade crate `neuropod`, whose front page has the overview and a whole example. This crate
//! knows no Kubernetes, no database and no HTTP: those are behind the four traits [`ClusterBackend`], [`PodStore`],
//! [`Billing`] and [`TokenExtractor`].
//!
//! Data flows one way: [`CreatePod`] → [`validation`] → [`PodSpec`] → [`plan`](fn@plan::plan) → [`Workload`] →
//! [`ClusterBackend::apply`], and back: [`ClusterBackend::watch`] → [`Observation`] →
//! [`reconcile`](fn@reconcile::reconcile) → [`Action`](reconcile::Action)s, which the driver carries out.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod audit;
pub mod billing;
pub mod catalogue;
pub mod check;
pub mod clock;
pub mod cluster;
#[cfg(feature = "conformance")]
#[cfg_attr(docsrs, doc(cfg(feature = "conformance")))]
pub mod conformance;
pub mod connection;
pub mod endpoint;
pub mod error;
pub mod gpus;
pub mod id;
pub mod image;
pub mod message;
pub mod meter;
pub mod money;
pub mod naming;
pub mod observation;
pub mod person;
pub mod plan;
pub mod platform;
pub mod pod;
pub mod pricing;
pub mod reason;
pub mod reconcile;
pub mod request;
pub mod secret;
#[cfg(feature = "sim")]
#[cfg_attr(docsrs, doc(cfg(feature = "sim")))]
pub mod sim;
pub mod standing;
pub mod statement;
pub mod store;
pub mod template;
pub mod token;
pub mod user;
pub mod validation;
pub mod workload;

pub use self::{
    audit::{AuditEntry, AuditLog},
    billing::{AccountKind, Balance, Billing, BillingExt, Entry, EntryKind},
    catalogue::{Catalogue, GpuType},
    clock::{Clock, SystemClock, TokioClock},
    cluster::{
        ClusterBackend, ClusterEvent, Inventory, LogOptions, LogStream, OwnedVolume, OwnedWorkload, Usage,
    },
    connection::{Connection, ConnectionState},
    error::{Error, ErrorKind, Result},
    gpus::{GpuHolder, GpuStock, NodeGpus},
    id::{Actor, PodId, Role, UserId},
    money::Money,
    naming::Naming,
    observation::{Container, Ending, Objects, Observation, ObservedPod, ObservedVolume, Phase, Step},
    plan::Layout,
    platform::{AccountChange, AuditEvent, Platform, PlatformBuilder, Update},
    pod::{Desired, Pod, PodSpec, Status},
    pricing::{OpeningCredit, PriceList, PricePolicy, Quote},
    reason::{Blame, Reason, ReasonCode, Remedy},
    request::CreatePod,
    secret::AccessToken,
    standing::{Low, Standing},
    store::{
        ListOptions, Outcome as RequestOutcome, Page, PastRequest, PodStore, PriceStore, RequestStore,
        TemplateStore, UserStore,
    },
    template::Template,
    token::{JupyterTokens, RegexTokens, TokenExtractor},
    user::{EndedSession, Identity, User},
    validation::{Problem, ValidationErrors, Violation},
    workload::{VolumePolicy, Workload, WorkloadRef},
};
