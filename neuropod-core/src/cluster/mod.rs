//! The cluster: what a backend must do, what should exist in it, what was seen there and why something hangs.
//!
//! [`plan`](fn@plan::plan) turns a stored pod into a [`Workload`]; a [`ClusterBackend`] makes it exist and reports
//! [`Observation`]s; a [`Reason`] says why a pod does not run.

pub mod backend;
pub mod catalogue;
pub mod gpus;
pub mod observation;
pub mod plan;
pub mod reason;
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
    workload::{VolumePolicy, Workload, WorkloadRef},
};
