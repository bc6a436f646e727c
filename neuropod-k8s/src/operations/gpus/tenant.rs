//! A pod on a node, with the GPUs that it requests.

use std::collections::BTreeMap;

use neuropod_core::cluster::GpuHolder;
use serde::Deserialize;

use super::names::is_gpu;
use crate::api::partial::fields::null_as_default;
use crate::api::partial::{Meta, Partial};
use crate::api::quantity::{self, quantities};

type Quantities = BTreeMap<String, String>;

/// A pod on a node, with the GPUs that the scheduler reserves for it.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "WholePod")]
pub(super) struct Tenant {
    meta: Meta,
    pub(super) node_name: String,
    /// The number of GPUs of each resource, none of which is 0.
    pub(super) gpus: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct WholePod {
    metadata: Meta,
    spec: PodSpec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodSpec {
    #[serde(default)]
    node_name: String,
    #[serde(default, deserialize_with = "null_as_default")]
    containers: Vec<Container>,
    #[serde(default, deserialize_with = "null_as_default")]
    init_containers: Vec<Container>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    #[serde(default, deserialize_with = "null_as_default")]
    resources: Resources,
    /// `Always` makes a sidecar of an init container: it runs beside the others.
    #[serde(default, deserialize_with = "null_as_default")]
    restart_policy: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resources {
    #[serde(deserialize_with = "quantities")]
    requests: Quantities,
    #[serde(deserialize_with = "quantities")]
    limits: Quantities,
}

impl Container {
    /// The requested amount of a resource. For an extended resource, request and limit are equal, and either
    /// may be left out.
    fn asks(&self, resource: &str) -> u64 {
        let Resources { requests, limits } = &self.resources;
        let quantity = requests.get(resource).or_else(|| limits.get(resource));
        quantity
            .and_then(|quantity| quantity::units(quantity))
            .unwrap_or(0)
    }
}

impl PodSpec {
    /// The number of GPUs of each resource that the scheduler reserves for it: the larger of two sums, of its
    /// containers and sidecars, and of an init container and the sidecars that run beside it.
    fn gpus(&self) -> BTreeMap<String, u64> {
        let Self {
            containers,
            init_containers,
            ..
        } = self;
        let all = containers.iter().chain(init_containers);
        let names = all.flat_map(|container| {
            let Resources { requests, limits } = &container.resources;
            requests.keys().chain(limits.keys())
        });
        let mut reserved = BTreeMap::new();
        for resource in names.filter(|resource| is_gpu(resource)) {
            let (mut sidecars, mut start) = (0_u64, 0_u64);
            for container in init_containers {
                let count = container.asks(resource);
                if container.restart_policy == "Always" {
                    sidecars = sidecars.saturating_add(count);
                    start = start.max(sidecars);
                } else {
                    start = start.max(sidecars.saturating_add(count));
                }
            }
            let running = containers.iter().map(|container| container.asks(resource));
            let count = running.fold(sidecars, u64::saturating_add).max(start);
            if count > 0 {
                reserved.insert(resource.clone(), count);
            }
        }
        reserved
    }
}

impl From<WholePod> for Tenant {
    fn from(whole: WholePod) -> Self {
        Self {
            gpus: whole.spec.gpus(),
            meta: whole.metadata,
            node_name: whole.spec.node_name,
        }
    }
}

impl Partial for Tenant {
    fn meta(&self) -> &Meta {
        &self.meta
    }

    fn is_relevant(&self) -> bool {
        !self.gpus.is_empty()
    }
}

impl Tenant {
    pub(super) fn holder(&self, count: u64, instance: &str) -> GpuHolder {
        let meta = &self.meta;
        let ours = meta.labels.instance.as_deref() == Some(instance);
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let mut holder = GpuHolder::new(&meta.namespace, &meta.name, count);
        holder.pod_id = meta.pod_id().filter(|_| ours);
        holder
    }
}
