//! Pods.

use jiff::Timestamp;
use neuropod::cluster::Step;
use neuropod::cluster::plan;
use neuropod::message::{self, Language};
use neuropod::naming::Naming;
use neuropod::pod::connection::{Connection, ConnectionState, connections};
use neuropod::pod::{Desired, PodOptionsFields};
use neuropod::{Money, Pod, Reason, Status};
use serde::Serialize;
use utoipa::ToSchema;

use crate::usage::Stats;

/// A pod.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodView {
    /// Its id: 16 hexadecimal digits.
    pub(crate) pod_id: String,
    /// The name as typed.
    pub(crate) pod_name: String,
    /// Its owner.
    pub(crate) user_id: String,
    /// The hash of the owner in public names.
    pub(crate) user_hash: String,
    /// The person who created it.
    pub(crate) created_by: String,
    /// `template` or `docker`.
    pub(crate) deployment_type: &'static str,
    /// The template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) template_id: Option<String>,
    /// The image.
    pub(crate) docker_image: String,
    /// The GPU type.
    pub(crate) gpu: String,
    /// In GB.
    pub(crate) container_disk_size: u32,
    /// In GB.
    pub(crate) volume_disk_size: u32,
    /// Whether a Jupyter server is expected.
    pub(crate) enable_jupyter: bool,
    /// `creating`, `running`, `stopped` or `error`.
    pub(crate) status: &'static str,
    /// The step that it has reached.
    #[schema(value_type = String)]
    pub(crate) step: Step,
    /// The reason why it is not running.
    pub(crate) reason: Option<ReasonView>,
    /// How its last container ended, while the next one runs.
    pub(crate) last_end: Option<ReasonView>,
    /// `running`, `stopped` or `deleted`.
    pub(crate) desired: &'static str,
    /// Its HTTP services.
    pub(crate) http_services: Vec<HttpServiceView>,
    /// Its other services.
    pub(crate) tcp_services: Vec<TcpServiceView>,
    /// Its creation time.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) created_at: Timestamp,
    /// The last time that its owner did something with it.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) last_active: Timestamp,
    /// The start of its running container.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) started_at: Option<Timestamp>,
    /// When its unpaid volume will be deleted.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) volume_deleted_at: Option<Timestamp>,
    /// Price per hour while it runs.
    pub(crate) cost_per_hour: f64,
    /// Price per hour while it is stopped.
    pub(crate) cost_stopped: f64,
    /// Price per hour as charged now: 0 while it is starting, or if it is free now.
    pub(crate) billed_per_hour: f64,
    /// Total cost so far.
    pub(crate) total_cost: f64,
    /// Its daily limit.
    pub(crate) daily_cap: Option<f64>,
    /// Its names in the cluster.
    pub(crate) kubernetes_resources: KubernetesResources,
    /// Its usage.
    pub(crate) stats: Stats,
    /// The e-mail address of its owner; for administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_email: Option<String>,
}

/// The reason why a pod is not running.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReasonView {
    /// The code, for programs.
    #[schema(value_type = String)]
    pub(crate) code: neuropod::cluster::ReasonCode,
    /// The message, for people.
    pub(crate) message: String,
    /// The remedy: what its owner can do.
    pub(crate) remedy: &'static str,
    /// The same for programs: `wait`, `change_image`, `read_logs`, `choose_more_memory`, `choose_more_disk`,
    /// `choose_another_gpu`, `choose_another_size`, `choose_another_name`, `stop_another_pod`, `add_funds`, `start_again`,
    /// `start_later` or `contact_support`.
    #[schema(value_type = String)]
    pub(crate) remedy_code: neuropod::cluster::Remedy,
    /// The cluster's own words.
    pub(crate) detail: String,
    /// The time at which it began.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) since: Timestamp,
    /// Whether the platform retries.
    pub(crate) retryable: bool,
    /// Whether the time is charged.
    pub(crate) billed: bool,
    /// Whether a rule stopped it without a failure: lack of money, a daily cap, a suspension, an unpaid volume.
    pub(crate) is_stop: bool,
    /// When it can be started again, if that only depends on time.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) startable_at: Option<Timestamp>,
}

/// A port with HTTP.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HttpServiceView {
    /// The port of the container.
    pub(crate) port: u16,
    /// Its name.
    pub(crate) service_name: String,
    /// Its address, without a token.
    pub(crate) url: String,
    /// Whether the user added it.
    pub(crate) is_custom: bool,
    /// `creating`, `ready`, `error` or `stopped`; `starting` in connections.
    pub(crate) status: &'static str,
    /// The token for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) jupyter_token: Option<String>,
    /// The Service in the cluster.
    pub(crate) kubernetes_service_name: String,
    /// The Ingress in the cluster.
    pub(crate) kubernetes_ingress_name: String,
}

/// A port without HTTP.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TcpServiceView {
    /// The port of the container.
    pub(crate) port: u16,
    /// Its name.
    pub(crate) service_name: &'static str,
    /// Its address.
    pub(crate) url: String,
    /// Whether the user added it.
    pub(crate) is_custom: bool,
    /// `disable`: not offered yet.
    pub(crate) status: &'static str,
}

/// The names of a pod in the cluster.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KubernetesResources {
    /// The pod.
    pub(crate) pod_name: String,
    /// The volume claim.
    pub(crate) pvc_name: String,
    /// The namespace.
    pub(crate) namespace: String,
}

/// How to reach a pod.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConnectionsView {
    /// The pod.
    pub(crate) pod_id: String,
    /// Its name.
    pub(crate) pod_name: String,
    /// `starting`, `running`, `stopped` or `error`.
    pub(crate) status: &'static str,
    /// A message about the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// Links to open, with their tokens.
    pub(crate) http_services: Vec<LinkView>,
    /// The others.
    pub(crate) tcp_services: Vec<TcpServiceView>,
}

/// A link to open.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LinkView {
    /// The port of the container.
    pub(crate) port: u16,
    /// Its name.
    pub(crate) service_name: String,
    /// The link, with its token if it has one.
    pub(crate) url: String,
    /// Whether the user added it.
    pub(crate) is_custom: bool,
    /// `starting`, `ready`, `creating` or `error`.
    pub(crate) status: &'static str,
}

/// The context for showing pods.
pub(crate) struct Shown<'a> {
    /// Makes their names.
    pub(crate) naming: &'a Naming,
    /// The namespace of pods without their own.
    pub(crate) namespace: &'a str,
    /// The language of reasons.
    pub(crate) language: Language,
    /// The time up to which costs are shown.
    pub(crate) now: Timestamp,
}

impl Shown<'_> {
    /// A pod with its usage.
    pub(crate) fn pod(&self, pod: &Pod, stats: Stats) -> PodView {
        let reference = plan::reference(pod, self.naming);
        let has_jupyter = pod.options.has_jupyter();
        // Field by field, so that a new option is mapped here. Ports are among the services, and the values of
        // variables are for the pod alone.
        let PodOptionsFields {
            image,
            gpu,
            disk_gb,
            volume_gb,
            mount_path: _,
            ports: _,
            jupyter: _,
            environment: _,
            daily_cap,
        } = pod.options.clone().into();
        PodView {
            pod_id: pod.id.to_string(),
            pod_name: pod.name.clone(),
            user_id: pod.owner.to_string(),
            user_hash: pod.owner_hash.to_string(),
            created_by: pod.created_by.to_string(),
            deployment_type: if pod.template.is_some() {
                "template"
            } else {
                "docker"
            },
            template_id: pod.template.clone(),
            docker_image: image.map(|image| image.to_string()).unwrap_or_default(),
            gpu: gpu.unwrap_or_default(),
            container_disk_size: disk_gb.unwrap_or_default(),
            volume_disk_size: volume_gb.unwrap_or_default(),
            enable_jupyter: has_jupyter,
            status: pod.status.as_str(),
            step: pod.step,
            reason: pod.reason.as_ref().map(|reason| self.reason(reason)),
            last_end: pod.last_end.as_ref().map(|reason| self.reason(reason)),
            desired: match pod.desired {
                Desired::Running => "running",
                Desired::Stopped => "stopped",
                Desired::Deleted { .. } => "deleted",
            },
            http_services: connections(pod, self.naming)
                .into_iter()
                .enumerate()
                .map(http_service)
                .collect(),
            tcp_services: vec![ssh(pod, self.naming)],
            created_at: pod.created_at,
            last_active: pod.requested_at,
            started_at: pod.started_at,
            volume_deleted_at: pod
                .volume_deletion
                .filter(|deletion| !deletion.decided)
                .map(|deletion| deletion.at),
            daily_cap: daily_cap.map(Money::as_f64),
            cost_per_hour: pod.price.hourly.as_f64(),
            cost_stopped: pod.price.stopped.as_f64(),
            billed_per_hour: pod.meter.hourly_now().as_f64(),
            total_cost: pod.cost(self.now).as_f64(),
            kubernetes_resources: KubernetesResources {
                pod_name: reference.name,
                pvc_name: pod.volume.clone(),
                namespace: pod.namespace.clone().unwrap_or_else(|| self.namespace.to_owned()),
            },
            stats,
            user_email: None,
        }
    }

    fn reason(&self, reason: &Reason) -> ReasonView {
        ReasonView {
            code: reason.code,
            message: message::reason_of(reason, self.language).to_owned(),
            remedy: message::remedy_of(reason, self.language),
            remedy_code: reason.remedy(),
            detail: reason.detail.clone(),
            since: reason.since,
            retryable: reason.code.is_retryable(),
            billed: reason.code.is_billable(),
            is_stop: reason.code.is_stop(),
            startable_at: reason.startable_at(),
        }
    }

    /// How to reach a pod: nothing for a stopped pod, addresses without tokens for a starting one, and links
    /// with tokens for a running one.
    pub(crate) fn connections(&self, pod: &Pod) -> ConnectionsView {
        let message = match pod.status {
            Status::Stopped if pod.reason.is_none() => Some(
                self.language
                    .pick("El pod está detenido", "The pod is stopped")
                    .to_owned(),
            ),
            _ => pod.reason.as_ref().map(|reason| self.reason(reason).message),
        };
        ConnectionsView {
            pod_id: pod.id.to_string(),
            pod_name: pod.name.clone(),
            status: match pod.status {
                Status::Creating => "starting",
                Status::Running => "running",
                Status::Stopped => "stopped",
                Status::Error => "error",
            },
            message,
            http_services: if pod.status == Status::Stopped {
                Vec::new()
            } else {
                connections(pod, self.naming)
                    .into_iter()
                    .enumerate()
                    .map(link)
                    .collect()
            },
            tcp_services: if pod.status == Status::Running {
                vec![ssh(pod, self.naming)]
            } else {
                Vec::new()
            },
        }
    }
}

/// The name of a port in the contract: generated from its position if it has none.
pub(crate) fn service_name(index: usize, connection: &Connection) -> String {
    let name = connection.name.clone();
    name.unwrap_or_else(|| format!("Servicio {}", index + 1))
}

/// A public port in the list of pods. For a starting pod its status is `creating`.
fn http_service((index, connection): (usize, Connection)) -> HttpServiceView {
    HttpServiceView {
        port: connection.port,
        is_custom: connection.name.is_none(),
        service_name: service_name(index, &connection),
        url: connection.url,
        status: match connection.state {
            ConnectionState::Ready => "ready",
            ConnectionState::Stopped => "stopped",
            ConnectionState::Failed => "error",
            _ => "creating",
        },
        // This view is for the owner and administrators only.
        jupyter_token: connection.token.map(|token| token.expose().to_owned()),
        kubernetes_service_name: connection.objects.service,
        kubernetes_ingress_name: connection.objects.route,
    }
}

/// A public port in the connections. For a starting pod its status is `starting`.
fn link((index, connection): (usize, Connection)) -> LinkView {
    LinkView {
        url: connection.link(),
        port: connection.port,
        is_custom: connection.name.is_none(),
        service_name: service_name(index, &connection),
        status: match connection.state {
            ConnectionState::Starting => "starting",
            ConnectionState::Ready => "ready",
            ConnectionState::Stopped => "stopped",
            ConnectionState::Failed => "error",
            _ => "creating",
        },
    }
}

/// The port of SSH, which the contract shows but is not offered yet.
const SSH_PORT: u16 = 22;

fn ssh(pod: &Pod, naming: &Naming) -> TcpServiceView {
    let host = naming.host(&pod.slug, &pod.owner_hash, SSH_PORT);
    TcpServiceView {
        port: SSH_PORT,
        service_name: "SSH",
        url: format!("tcp://{host}:{SSH_PORT}"),
        is_custom: false,
        status: "disable",
    }
}
