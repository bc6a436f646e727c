//! Pods.

use jiff::Timestamp;
use neuropod::connection::{self, HttpService, ServiceStatus};
use neuropod::message::{self, Language};
use neuropod::naming::Naming;
use neuropod::plan;
use neuropod::{Connections, Desired, Pod, Reason, Step};
use serde::Serialize;
use utoipa::ToSchema;

use crate::usage::Stats;

/// A pod.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodView {
    /// Its id: 16 hexadecimal digits.
    pub pod_id: String,
    /// The name as it was typed.
    pub pod_name: String,
    /// Whose it is.
    pub user_id: String,
    /// The hash of that in public names.
    pub user_hash: String,
    /// Who created it.
    pub created_by: String,
    /// `template` or `docker`.
    pub deployment_type: &'static str,
    /// The template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_id: Option<String>,
    /// The image.
    pub docker_image: String,
    /// The GPU type.
    pub gpu: String,
    /// In GB.
    pub container_disk_size: u32,
    /// In GB.
    pub volume_disk_size: u32,
    /// Whether a Jupyter server is expected.
    pub enable_jupyter: bool,
    /// `creating`, `running`, `stopped` or `error`.
    pub status: &'static str,
    /// How far it is on its way there.
    #[schema(value_type = String)]
    pub step: Step,
    /// Why it is not running.
    pub reason: Option<ReasonView>,
    /// `running`, `stopped` or `deleted`.
    pub desired: &'static str,
    /// Its HTTP services.
    pub http_services: Vec<HttpServiceView>,
    /// Its other services.
    pub tcp_services: Vec<TcpServiceView>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When its owner last did something with it.
    #[schema(value_type = String, format = DateTime)]
    pub last_active: Timestamp,
    /// Since when its container runs.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// When its volume will be deleted because nobody pays for it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub volume_deleted_at: Option<Timestamp>,
    /// In EUR per hour, while it runs.
    pub cost_per_hour: f64,
    /// In EUR per hour, while it is stopped.
    pub cost_stopped: f64,
    /// In EUR, so far.
    pub total_cost: f64,
    /// Its names in the cluster.
    pub kubernetes_resources: KubernetesResources,
    /// What it uses.
    pub stats: Stats,
    /// The e-mail address of its owner; for administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_email: Option<String>,
}

/// Why a pod is not running.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReasonView {
    /// For programs.
    #[schema(value_type = String)]
    pub code: neuropod::ReasonCode,
    /// For people.
    pub message: String,
    /// In the words of the cluster.
    pub detail: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Whether it is tried again.
    pub retryable: bool,
    /// Whether the time is paid for.
    pub billed: bool,
}

/// A port that speaks HTTP.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpServiceView {
    /// The port of the container.
    pub port: u16,
    /// What it is called.
    pub service_name: String,
    /// Its address, without a token.
    pub url: String,
    /// Whether the user added it.
    pub is_custom: bool,
    /// `creating`, `ready`, `error` or `stopped`; `starting` in connections.
    #[schema(value_type = String)]
    pub status: ServiceStatus,
    /// The token that opens it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jupyter_token: Option<String>,
    /// The Service in the cluster.
    pub kubernetes_service_name: String,
    /// The Ingress in the cluster.
    pub kubernetes_ingress_name: String,
}

/// A port that does not.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TcpServiceView {
    /// The port of the container.
    pub port: u16,
    /// What it is called.
    pub service_name: String,
    /// Its address.
    pub url: String,
    /// Whether the user added it.
    pub is_custom: bool,
    /// `disable`: not offered yet.
    #[schema(value_type = String)]
    pub status: ServiceStatus,
}

/// The names of a pod in the cluster.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KubernetesResources {
    /// The pod.
    pub pod_name: String,
    /// The volume claim.
    pub pvc_name: String,
    /// The namespace.
    pub namespace: String,
}

/// How to reach a pod.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionsView {
    /// The pod.
    pub pod_id: String,
    /// Its name.
    pub pod_name: String,
    /// `starting`, `running`, `stopped` or `error`.
    #[schema(value_type = String)]
    pub status: neuropod::ConnectionState,
    /// What is to be known about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Links that open, each with its token where it has one.
    pub http_services: Vec<LinkView>,
    /// The others.
    pub tcp_services: Vec<TcpServiceView>,
}

/// A link that opens.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LinkView {
    /// The port of the container.
    pub port: u16,
    /// What it is called.
    pub service_name: String,
    /// The link, with its token where it has one.
    pub url: String,
    /// Whether the user added it.
    pub is_custom: bool,
    /// `starting`, `ready`, `creating` or `error`.
    #[schema(value_type = String)]
    pub status: ServiceStatus,
}

/// What pods are shown with.
pub struct Shown<'a> {
    /// Makes their names.
    pub naming: &'a Naming,
    /// The namespace where none is told.
    pub namespace: &'a str,
    /// The language of reasons.
    pub language: Language,
}

impl Shown<'_> {
    /// A pod, with what it uses.
    pub fn pod(&self, pod: &Pod, stats: Stats) -> PodView {
        let reference = plan::reference(pod, self.naming);
        PodView {
            pod_id: pod.id.to_string(),
            pod_name: pod.name.clone(),
            user_id: pod.owner.to_string(),
            user_hash: pod.owner_hash.to_string(),
            created_by: pod.created_by.to_string(),
            deployment_type: if pod.spec.template.is_some() { "template" } else { "docker" },
            template_id: pod.spec.template.clone(),
            docker_image: pod.spec.image.to_string(),
            gpu: pod.spec.gpu.clone(),
            container_disk_size: pod.spec.container_disk_gb,
            volume_disk_size: pod.spec.volume_disk_gb,
            enable_jupyter: pod.spec.jupyter,
            status: pod.status.as_str(),
            step: pod.step,
            reason: pod.reason.as_ref().map(|reason| self.reason(reason)),
            desired: match pod.desired {
                Desired::Running => "running",
                Desired::Stopped => "stopped",
                Desired::Deleted { .. } => "deleted",
            },
            http_services: connection::http_services(pod, self.naming).into_iter().map(http).collect(),
            tcp_services: tcp(connection::tcp_services(pod, self.naming)),
            created_at: pod.created_at,
            last_active: pod.requested_at,
            started_at: pod.started_at,
            volume_deleted_at: None,
            cost_per_hour: pod.price.hourly.as_euros(),
            cost_stopped: pod.price.stopped.as_euros(),
            total_cost: pod.charged.as_euros(),
            kubernetes_resources: KubernetesResources {
                pod_name: reference.name,
                pvc_name: pod.spec.volume.clone(),
                namespace: pod.spec.namespace.clone().unwrap_or_else(|| self.namespace.to_owned()),
            },
            stats,
            user_email: None,
        }
    }

    fn reason(&self, reason: &Reason) -> ReasonView {
        ReasonView {
            code: reason.code,
            message: message::reason(reason.code, self.language).to_owned(),
            detail: reason.detail.clone(),
            since: reason.since,
            retryable: reason.code.is_retryable(),
            billed: reason.code.is_billable(),
        }
    }

    /// How to reach a pod.
    pub fn connections(&self, pod: &Pod, found: Connections) -> ConnectionsView {
        let message = match found.state {
            neuropod::ConnectionState::Stopped => {
                Some(self.language.pick("El pod está detenido", "The pod is stopped").to_owned())
            }
            _ => pod.reason.as_ref().map(|reason| self.reason(reason).message),
        };
        let link = |service: HttpService| LinkView {
            url: service.link(),
            port: service.port,
            service_name: service.service_name,
            is_custom: service.is_custom,
            status: service.status,
        };
        ConnectionsView {
            pod_id: pod.id.to_string(),
            pod_name: pod.name.clone(),
            status: found.state,
            message,
            http_services: found.http.into_iter().map(link).collect(),
            tcp_services: tcp(found.tcp),
        }
    }
}

fn http(service: HttpService) -> HttpServiceView {
    HttpServiceView {
        port: service.port,
        service_name: service.service_name,
        url: service.url,
        is_custom: service.is_custom,
        status: service.status,
        // For the owner's own eyes: this view goes to them and to administrators only.
        jupyter_token: service.token.map(|token| token.expose().to_owned()),
        kubernetes_service_name: service.kubernetes_service_name,
        kubernetes_ingress_name: service.kubernetes_ingress_name,
    }
}

fn tcp(services: Vec<neuropod::TcpService>) -> Vec<TcpServiceView> {
    let view = |service: neuropod::TcpService| TcpServiceView {
        port: service.port,
        service_name: service.service_name,
        url: service.url,
        is_custom: service.is_custom,
        status: service.status,
    };
    services.into_iter().map(view).collect()
}
