//! Neuropod turns a Kubernetes cluster into a platform of personal GPU pods.
//!
//! A person picks an image or a template, a GPU, ports and disk sizes. Neuropod checks the request, holds the money
//! of the first hour, creates a workspace volume, a pod, and for every port one Service and one public host name. It
//! follows the pod until it answers, finds the token of its Jupyter server, and hands back links that open. Time is
//! charged by the second, from the start of the container to its end.
//!
//! # A whole example
//!
//! Here on the simulated cluster (feature `sim`), which needs nothing; in production `KubeCluster` (feature
//! `k8s`) takes its place.
//!
//! ```
//! use std::sync::Arc;
//!
//! use futures::StreamExt;
//! use neuropod::sim::{Settings, SimCluster};
//! use neuropod::store::MemoryStore;
//! use neuropod::{Actor, Billing, CreatePod, Money, Naming, Platform, Status, Update};
//! use neuropod::money::{AccountKind, BillingExt};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
//! # runtime.block_on(async {
//! let cluster = SimCluster::new(Settings::default());
//! let store = Arc::new(MemoryStore::new());
//! let platform = Platform::builder()
//!     .naming(Naming::new("pods.example.com", "a secret of at least 16 bytes")?)
//!     .clock(Arc::new(cluster.clock()))
//!     .cluster(Arc::new(cluster))
//!     .store(store.clone())
//!     .billing(store.clone())
//!     .build()?;
//! // The driver carries out the changes that the calls below store.
//! let driver = platform.clone();
//! let driver = tokio::spawn(async move { driver.run(std::future::pending()).await });
//!
//! let ana = Actor::client("ana");
//! store.open(&ana.id, AccountKind::Prepaid).await?;
//! store.deposit("welcome-ana", &ana.id, Money::from_cents(1000)).await?;
//!
//! let mut updates = platform.subscribe(&ana);
//! let request = CreatePod::from_image("training", "quay.io/jupyter/pytorch-notebook").gpu("rtx-4090");
//! let pod = platform.create(&ana, &request).await?;
//! while let Some(update) = updates.next().await {
//!     if let Update::Changed(pod) = update? && pod.status == Status::Running {
//!         break;
//!     }
//! }
//! let connections = platform.connections(&ana, &pod.id).await?;
//! let link = connections[0].link();
//! assert!(link.starts_with("https://training-") && link.contains("-8888.pods.example.com?token="), "{link}");
//! # driver.abort();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Traits
//!
//! | trait | purpose | implementations |
//! |---|---|---|
//! | [`ClusterBackend`] | the cluster on which pods run | `k8s::KubeCluster` (feature `k8s`), `sim::SimCluster` (feature `sim`) |
//! | [`PodStore`] | keeps pods | [`store::MemoryStore`], `store::SqliteStore` (feature `sqlite`), `store::PostgresStore` (feature `postgres`), `store::MongoStore` (feature `mongo`) |
//! | [`Billing`] | accounts and their money | the same |
//! | [`TokenExtractor`] | finds access tokens in logs | [`token::JupyterTokens`], [`token::RegexTokens`] |
//! | [`store::UserStore`], [`TemplateStore`](store::TemplateStore), [`PriceStore`](store::PriceStore), [`RequestStore`](store::RequestStore), optional | users, templates, price lists, past requests | the same stores |
//! | [`store::AuditLog`], optional | the audit log | the same stores |
//! | [`cluster::Replicas`], optional | lets replicas divide the pods among them | `k8s::KubeCluster`, `sim::SimCluster` |
//! | [`money::LedgerFolding`], optional | keeps ledgers short | the same stores |
//!
//! [`Platform`] ties them together. Everything it decides is a plain function: [`check`](mod@pod::check),
//! [`naming`], [`plan`](fn@cluster::plan::plan), [`reconcile`](fn@reconcile::reconcile), [`token`].
//!
//! # Features
//!
//! All are off by default.
//!
//! | feature | adds |
//! |---|---|
//! | `k8s` | `k8s::KubeCluster`, the Kubernetes backend |
//! | `mongo` | `store::MongoStore`, on a server that speaks the protocol of MongoDB |
//! | `postgres` | `store::PostgresStore`, on a PostgreSQL server; TLS is rustls |
//! | `sim` | `sim::SimCluster`, the simulated cluster |
//! | `sqlite` | `store::SqliteStore`, in a file; takes a C compiler |
//! | `full` | the five above |
//! | `conformance` | `conformance`, the suites that every implementation of the traits passes; for tests |
//! | `mock` | mocks of the four traits, by mockall; for tests |
//!
//! # Examples
//!
//! The folder `examples` of the repository has one small program for each capability. They run on the simulated cluster
//! and end by themselves: `create_and_wait`, `subscribe`, `follow_logs`, `price_list`, `own_store`, `own_billing`,
//! `embed_axum`, `sim_faults`, `plan_without_cluster`.
#![cfg_attr(docsrs, feature(doc_cfg))]

/// The Kubernetes backend.
#[cfg(feature = "k8s")]
#[cfg_attr(docsrs, doc(cfg(feature = "k8s")))]
pub use neuropod_k8s as k8s;

/// The traits of stores, and the included stores.
pub mod store {
    #[doc(inline)]
    pub use neuropod_core::store::*;
    #[doc(inline)]
    pub use neuropod_store::*;
}

#[cfg(feature = "conformance")]
#[cfg_attr(docsrs, doc(cfg(feature = "conformance")))]
#[doc(inline)]
pub use neuropod_core::conformance;
#[cfg(feature = "sim")]
#[cfg_attr(docsrs, doc(cfg(feature = "sim")))]
#[doc(inline)]
pub use neuropod_core::sim;
#[doc(inline)]
pub use neuropod_core::{
    AccessToken, Actor, Billing, ClusterBackend, CreatePod, Error, ErrorKind, Money, Naming, Platform,
    PlatformBuilder, Pod, PodId, PodOptions, PodStore, PriceList, Reason, Result, Role, Status, Template,
    TokenExtractor, Update, User, UserId, clock, cluster, error, id, message, money, naming, platform, pod,
    reconcile, token, user,
};

/// Compiles the example of the README.
#[cfg(all(doctest, feature = "k8s"))]
#[doc = include_str!("../README.md")]
struct Readme;
