//! What the owner of a pod has chosen.
//!
//! The parts that are secret go to [`Secrets`](super::secrets::Secrets), and ports and the names of what is in the cluster to fields of the pod
//! that had their names before: [`SpecParts`].

use neuropod_core::pod::Environment;
use neuropod_core::pod::PodSpec;
use neuropod_core::pod::endpoint::Endpoint;
use neuropod_core::pod::image::ImageReference;
use neuropod_core::{AccessToken, Money};
use serde::{Deserialize, Serialize};

/// The field `options` of a pod.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OptionsShape {
    image: ImageReference,
    gpu: String,
    disk_gb: u32,
    volume_gb: u32,
    mount_path: String,
    jupyter: bool,
    inject_token: bool,
    /// In micro-euros.
    #[serde(default)]
    daily_cap: Option<Money>,
}

/// A port of a pod.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EndpointShape {
    port: u16,
    service_name: String,
    is_custom: bool,
}

/// The names of what a pod has in the cluster.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResourcesShape {
    pvc_name: String,
    namespace: Option<String>,
}

/// All that a specification becomes.
pub(super) struct SpecParts {
    pub(super) template_id: Option<String>,
    pub(super) options: OptionsShape,
    pub(super) http_services: Vec<EndpointShape>,
    pub(super) kubernetes_resources: ResourcesShape,
    /// Secret.
    pub(super) chosen_token: Option<AccessToken>,
    /// Secret.
    pub(super) environment: Environment,
}

/// Where layout 1 has the fields of this file: in SQLite, then in MongoDB.
pub(super) const MOVED: [(&str, &str); 24] = [
    ("spec.template", "templateId"),
    ("spec.image", "options.image"),
    ("spec.gpu", "options.gpu"),
    ("spec.containerDiskGb", "options.diskGb"),
    ("spec.volumeDiskGb", "options.volumeGb"),
    ("spec.mountPath", "options.mountPath"),
    ("spec.jupyter", "options.jupyter"),
    ("spec.injectToken", "options.injectToken"),
    ("spec.dailyCap", "options.dailyCap"),
    ("spec.volume", "kubernetesResources.pvcName"),
    ("spec.namespace", "kubernetesResources.namespace"),
    ("spec.endpoints", "httpServices"),
    ("spec.chosenToken", "secrets.chosenToken"),
    ("spec.environment", "secrets.environment"),
    ("dockerImage", "options.image"),
    ("gpu", "options.gpu"),
    ("containerDiskSize", "options.diskGb"),
    ("volumeDiskSize", "options.volumeGb"),
    ("volumePath", "options.mountPath"),
    ("enableJupyter", "options.jupyter"),
    ("injectToken", "options.injectToken"),
    ("dailyCap", "options.dailyCap"),
    ("chosenToken", "secrets.chosenToken"),
    ("environment", "secrets.environment"),
];

impl From<PodSpec> for SpecParts {
    fn from(spec: PodSpec) -> Self {
        let PodSpec {
            template,
            image,
            gpu,
            container_disk_gb,
            volume_disk_gb,
            mount_path,
            volume,
            namespace,
            endpoints,
            jupyter,
            inject_token,
            daily_cap,
            chosen_token,
            environment,
        } = spec;
        Self {
            template_id: template,
            options: OptionsShape {
                image,
                gpu,
                disk_gb: container_disk_gb,
                volume_gb: volume_disk_gb,
                mount_path,
                jupyter,
                inject_token,
                daily_cap,
            },
            http_services: endpoints.into_iter().map(Into::into).collect(),
            kubernetes_resources: ResourcesShape {
                pvc_name: volume,
                namespace,
            },
            chosen_token,
            environment,
        }
    }
}

impl From<SpecParts> for PodSpec {
    fn from(parts: SpecParts) -> Self {
        let SpecParts {
            template_id,
            options,
            http_services,
            kubernetes_resources,
            chosen_token,
            environment,
        } = parts;
        let OptionsShape {
            image,
            gpu,
            disk_gb,
            volume_gb,
            mount_path,
            jupyter,
            inject_token,
            daily_cap,
        } = options;
        let ResourcesShape { pvc_name, namespace } = kubernetes_resources;
        Self {
            template: template_id,
            image,
            gpu,
            container_disk_gb: disk_gb,
            volume_disk_gb: volume_gb,
            mount_path,
            volume: pvc_name,
            namespace,
            endpoints: http_services.into_iter().map(Into::into).collect(),
            jupyter,
            inject_token,
            daily_cap,
            chosen_token,
            environment,
        }
    }
}

impl From<Endpoint> for EndpointShape {
    fn from(endpoint: Endpoint) -> Self {
        let Endpoint {
            port,
            service_name,
            is_custom,
        } = endpoint;
        Self {
            port,
            service_name,
            is_custom,
        }
    }
}

impl From<EndpointShape> for Endpoint {
    fn from(shape: EndpointShape) -> Self {
        let EndpointShape {
            port,
            service_name,
            is_custom,
        } = shape;
        Self {
            port,
            service_name,
            is_custom,
        }
    }
}
