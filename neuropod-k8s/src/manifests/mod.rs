//! Converts a workload to Kubernetes objects: plain functions, without a cluster.

mod claim;
mod draft;
mod mask;
mod namespace;
pub(crate) mod network_policy;
mod pod;
mod ranges;
mod render;
mod route;
pub(crate) mod secret;
mod service;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod workload;

pub use self::render::{objects, to_yaml};
