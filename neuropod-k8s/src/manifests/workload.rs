//! All objects of a workload.

use neuropod_core::cluster::Workload;

use super::{claim, namespace, network_policy, pod, route, secret, service};
use crate::api::manifest::Manifest;
use crate::config::KubeConfig;

/// All objects of a workload.
#[derive(Debug, Clone)]
pub(crate) struct Manifests {
    /// The namespace of the owner, created before all others; `None` if all users share one.
    pub(crate) namespace: Option<Manifest>,
    /// The quota and the limits of that namespace, created before the first pod.
    pub(crate) limits: Vec<Manifest>,
    /// The network policy of all pods of the namespace, created before the first pod. It is never removed.
    pub(crate) policy: Manifest,
    pub(crate) volume: Manifest,
    pub(crate) pod: Manifest,
    /// Services, routes, Secret and the network policy of the pod.
    pub(crate) objects: Vec<Manifest>,
}

impl Manifests {
    /// All objects of `workload`, laid out according to `config`.
    pub(crate) fn new(workload: &Workload, config: &KubeConfig) -> Self {
        let mut objects = vec![network_policy::of_pod(workload, config)];
        objects.extend(
            workload
                .secret
                .as_ref()
                .map(|spec| secret::secret(workload, spec, config)),
        );
        for endpoint in &workload.endpoints {
            objects.push(service::service(workload, endpoint, config));
            objects.push(route::route(workload, endpoint, config));
        }
        let namespace = config.namespace_of(&workload.reference);
        Self {
            namespace: namespace::namespace(workload, config),
            limits: namespace::limits(workload, config),
            policy: network_policy::of_namespace(config, namespace),
            volume: claim::claim(workload, config),
            pod: pod::pod(workload, config, objects.len()),
            objects,
        }
    }

    /// All of them, in the order in which they are created.
    pub(super) fn all(self) -> impl Iterator<Item = Manifest> {
        let first = self.namespace.into_iter().chain(self.limits).chain([self.policy]);
        first.chain([self.volume, self.pod]).chain(self.objects)
    }
}
