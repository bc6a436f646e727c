//! The cluster: the interface of a backend, the objects that should exist, their observation, and the reasons
//! for failures.
//!
//! [`plan`](fn@plan::plan) turns a stored pod into a [`Workload`]; a [`ClusterBackend`] creates it and returns
//! [`Observation`]s; a [`Reason`] explains why a pod does not run.

pub mod backend;
pub mod catalogue;
pub mod gpus;
pub mod observation;
pub mod plan;
pub mod reason;
pub mod replicas;
pub mod workload;

pub use self::{
    backend::{
        ClusterBackend, ClusterEvent, Inventory, LogOptions, LogStream, OwnedVolume, OwnedWorkload, Usage,
    },
    catalogue::{Catalogue, GpuType},
    gpus::{GpuHolder, GpuStock, NodeGpus},
    observation::{Container, Ending, Objects, Observation, ObservedPod, ObservedVolume, Phase, Step},
    plan::Layout,
    reason::{Blame, Reason, ReasonCode, Remedy},
    replicas::{Presence, ReplicaId, Replicas},
    workload::{VolumePolicy, Workload, WorkloadRef},
};
