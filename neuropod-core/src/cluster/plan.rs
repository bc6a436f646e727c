//! Derives the workload of a stored pod: a plain function, without a cluster or clock.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cluster::catalogue::{Catalogue, GpuType};
use crate::cluster::workload::{
    ContainerSpec, EndpointSpec, Isolation, ObjectNames, Quota, Resources, SecretSpec, VolumeSpec, Workload,
    WorkloadRef,
};
use crate::error::kind::{Error, ErrorKind, Result};
use crate::naming::{Naming, Slug, UserHash};
use crate::pod::check::JUPYTER_TOKEN;
use crate::pod::environment::Environment;
use crate::pod::options::PodOptions;
use crate::pod::port::Protocol;
use crate::pod::record::Pod;

/// The layout of a platform's pods in the cluster: data, the same for all pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Layout {
    /// The pods that share a workspace volume. A change applies to new pods only.
    pub volume: VolumeScope,
    /// The pods that share a namespace. A change applies to new pods only.
    pub namespace: NamespaceScope,
    /// Whether pods of the same owner may connect to each other.
    pub same_owner_traffic: bool,
    /// Limits on the total of each user; only with [`NamespaceScope::User`].
    pub quota: Option<Quota>,
    /// How long a container may take to end before it is killed, in seconds.
    pub grace_seconds: u32,
}

impl Default for Layout {
    /// One volume per user, one namespace for all, no traffic between pods, 30 seconds to end.
    fn default() -> Self {
        Self {
            volume: VolumeScope::User,
            namespace: NamespaceScope::Platform,
            same_owner_traffic: false,
            quota: None,
            grace_seconds: 30,
        }
    }
}

/// The pods that share a workspace volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VolumeScope {
    /// All pods of a user.
    User,
    /// None: each pod has its own.
    Pod,
}

/// The pods that share a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NamespaceScope {
    /// All pods of the platform.
    Platform,
    /// All pods of a user.
    User,
}

impl Layout {
    /// The names of the volume and the namespace of a new pod.
    pub fn places(&self, naming: &Naming, slug: &Slug, hash: &UserHash) -> (String, Option<String>) {
        let volume = match self.volume {
            VolumeScope::User => naming.workspace(hash),
            VolumeScope::Pod => naming.pod_workspace(slug, hash),
        };
        let namespace = match self.namespace {
            NamespaceScope::Platform => None,
            NamespaceScope::User => Some(naming.namespace(hash)),
        };
        (volume, namespace)
    }
}

/// The names by which all objects of a pod are found in the cluster.
pub fn reference(pod: &Pod, naming: &Naming) -> WorkloadRef {
    let (slug, hash) = (&pod.slug, &pod.owner_hash);
    let ports = || pod.options.ports().iter().map(|port| port.number);
    let objects = ObjectNames {
        services: ports().map(|port| naming.service(slug, hash, port)).collect(),
        routes: ports().map(|port| naming.ingress(slug, hash, port)).collect(),
        secret: naming.token_secret(slug, hash),
    };
    WorkloadRef {
        pod_id: pod.id.clone(),
        user_hash: pod.owner_hash.to_string(),
        namespace: pod.namespace.clone(),
        name: naming.pod(&pod.slug, &pod.owner_hash),
        volume: pod.volume.clone(),
        objects: Some(objects),
    }
}

/// The objects that should exist in the cluster for this run of the pod.
///
/// # Errors
/// `NotConfigured` if its GPU type is no longer in the catalogue.
pub fn plan(pod: &Pod, catalogue: &Catalogue, naming: &Naming, layout: &Layout) -> Result<Workload> {
    let gpu = catalogue.get(pod.options.gpu()).ok_or_else(|| {
        Error::new(
            ErrorKind::NotConfigured,
            "the GPU type is not in the catalogue any more: put it back, not offered, until its pods are gone",
        )
        .with_context("gpu", pod.options.gpu())
    })?;
    // Without `..`, so that a new option is mapped to the workload here. Most are read through their methods.
    let PodOptions {
        image: _,
        gpu: _,
        disk_gb: _,
        volume_gb: _,
        mount_path: _,
        ports: _,
        jupyter: _,
        environment: _,
        daily_cap: _,
    } = &pod.options;
    let reference = reference(pod, naming);
    let (slug, hash) = (&pod.slug, &pod.owner_hash);
    let ports = pod.options.ports().iter();
    let http = ports.filter(|port| port.protocol == Protocol::Http);
    let endpoints = http.map(|port| EndpointSpec {
        port: port.number,
        service: naming.service(slug, hash, port.number),
        route: naming.ingress(slug, hash, port.number),
        host: naming.host(slug, hash, port.number),
    });
    let container = container(pod, gpu);
    let variables = secret_variables(pod, &container.environment);
    let secret = (!variables.0.is_empty()).then(|| SecretSpec {
        name: naming.token_secret(slug, hash),
        variables,
    });
    Ok(Workload {
        run: pod.run,
        container,
        volume: VolumeSpec {
            size_gb: pod.options.volume_gb(),
            mount_path: pod.options.mount_path().to_owned(),
        },
        endpoints: endpoints.collect(),
        isolation: Isolation {
            policy: reference.name.clone(),
            same_owner: layout.same_owner_traffic,
            quota: layout.quota.clone().filter(|_| reference.namespace.is_some()),
        },
        secret,
        grace_seconds: layout.grace_seconds,
        reference,
    })
}

/// The owner's variables and the injected token, without those that the platform sets itself: the platform
/// takes precedence, even over a record of an earlier version.
fn secret_variables(pod: &Pod, own: &BTreeMap<String, String>) -> Environment {
    let mut variables = pod.options.environment.clone();
    variables.0.retain(|name, _| !own.contains_key(name));
    if let Some(token) = &pod.login.injected {
        variables.0.insert(JUPYTER_TOKEN.into(), token.expose().into());
    }
    variables
}

/// The variables that the container runtimes of GPU makers read, with the value that gives a container none of
/// their devices.
const NO_DEVICES: [(&str, &str); 4] = [
    ("AMD_VISIBLE_DEVICES", "none"),
    ("ASCEND_VISIBLE_DEVICES", "void"),
    ("HABANA_VISIBLE_DEVICES", "void"),
    ("NVIDIA_VISIBLE_DEVICES", "void"),
];

/// The variables that the platform sets in every container, overriding those of the image.
fn platform_variables(gpu: &GpuType) -> BTreeMap<String, String> {
    // Hooks of container runtimes run as root on the node, with the variables of the container, before it is
    // isolated: an image that sets its own library there would run it on the node (CVE-2025-23266). A program
    // of the image may still set them for its own children.
    let mut variables =
        BTreeMap::from(["LD_AUDIT", "LD_PRELOAD"].map(|name| (name.to_owned(), String::new())));
    if gpu.accelerator.is_none() {
        // Common configurations of container runtimes expose every GPU of the node to a container that
        // requested none, or whose image asks for them.
        let nothing = NO_DEVICES.map(|(name, nothing)| (name.to_owned(), nothing.to_owned()));
        variables.extend(nothing);
    }
    variables
}

fn container(pod: &Pod, gpu: &GpuType) -> ContainerSpec {
    ContainerSpec {
        image: pod.options.image().to_owned(),
        environment: platform_variables(gpu),
        ready_port: pod.jupyter_port(),
        resources: Resources {
            cpu_millis: gpu.size.cpu_millis,
            memory_mib: gpu.size.memory_mib,
            disk_gb: pod.options.disk_gb(),
            accelerator: gpu.accelerator.clone(),
        },
        node_selector: gpu.node_selector.clone(),
        tolerations: gpu.tolerations.clone(),
        runtime_class: gpu.runtime_class.clone(),
        avoid_nodes: pod.failed_nodes.clone(),
    }
}

#[cfg(test)]
mod tests;
