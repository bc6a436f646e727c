//! The shapes of documents: the names of the HTTP contract where it has one, which are those of the existing backend.

use std::collections::BTreeMap;

use neuropod_core::cluster::observation::Step;
use neuropod_core::money::OpeningCredit;
use neuropod_core::money::billing::Spent;
use neuropod_core::money::meter::{Meter, Price};
use neuropod_core::naming::{Slug, UserHash};
use neuropod_core::pod::endpoint::Endpoint;
use neuropod_core::pod::image::ImageReference;
use neuropod_core::pod::template::NamedPort;
use neuropod_core::pod::{Desired, PodSpec};
use neuropod_core::pod::{Environment, Login, VolumeDeletion, Wait};
use neuropod_core::user::{EndedSession, Identity};
use neuropod_core::{
    AccessToken, Money, Pod, PodId, PriceList, Reason, Role, Status, Template, User, UserId,
};
use serde::{Deserialize, Serialize};

use super::codec::{Moment, Reference, Stored};
use crate::document::Document;
use crate::input::folded;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PodShape {
    pod_id: PodId,
    version: u64,
    user_id: Reference,
    user_hash: UserHash,
    created_by: Reference,
    pod_name: String,
    slug: Slug,
    /// Follows from `templateId`, for readers of the contract.
    deployment_type: DeploymentType,
    template_id: Option<Reference>,
    docker_image: ImageReference,
    gpu: String,
    container_disk_size: u32,
    volume_disk_size: u32,
    volume_path: String,
    enable_jupyter: bool,
    inject_token: bool,
    /// In micro-euros.
    #[serde(default)]
    daily_cap: Option<Money>,
    #[serde(with = "neuropod_core::token::secret::exposed")]
    chosen_token: Option<AccessToken>,
    /// A list: names of variables are no names of fields, which may have no dots and begin with no `$`.
    environment: Vec<Variable>,
    http_services: Vec<Endpoint>,
    kubernetes_resources: KubernetesResources,
    desired: Desired,
    run: u64,
    status: Status,
    step: Step,
    reason: Option<Reason>,
    login: Login,
    price: Price,
    meter: Meter,
    charged: Money,
    #[serde(default)]
    spent: Option<Spent>,
    #[serde(default)]
    owner_cap: Option<Money>,
    #[serde(default)]
    volume_deletion: Option<VolumeDeletion>,
    started_at: Option<Moment>,
    #[serde(default)]
    node: Option<String>,
    #[serde(default)]
    failed_nodes: Vec<String>,
    #[serde(default)]
    last_end: Option<Reason>,
    attempts: u32,
    failing_since: Option<Moment>,
    #[serde(default)]
    wait: Option<Wait>,
    retry_at: Option<Moment>,
    request_digest: Option<String>,
    created_at: Moment,
    /// When its owner last asked for something.
    last_active: Moment,
    updated_at: Moment,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DeploymentType {
    Template,
    Docker,
}

#[derive(Serialize, Deserialize)]
struct Variable {
    name: String,
    value: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KubernetesResources {
    pvc_name: String,
    namespace: Option<String>,
}

impl Stored for Pod {
    type Shape = PodShape;

    fn shape(&self) -> PodShape {
        let pod = self.clone();
        let spec = pod.spec;
        let variables = spec.environment.0.into_iter();
        PodShape {
            pod_id: pod.id,
            version: pod.version,
            user_id: Reference(pod.owner.to_string()),
            user_hash: pod.owner_hash,
            created_by: Reference(pod.created_by.to_string()),
            pod_name: pod.name,
            slug: pod.slug,
            deployment_type: match spec.template {
                Some(_) => DeploymentType::Template,
                None => DeploymentType::Docker,
            },
            template_id: spec.template.map(Reference),
            docker_image: spec.image,
            gpu: spec.gpu,
            container_disk_size: spec.container_disk_gb,
            volume_disk_size: spec.volume_disk_gb,
            volume_path: spec.mount_path,
            enable_jupyter: spec.jupyter,
            inject_token: spec.inject_token,
            daily_cap: spec.daily_cap,
            chosen_token: spec.chosen_token,
            environment: variables.map(|(name, value)| Variable { name, value }).collect(),
            http_services: spec.endpoints,
            kubernetes_resources: KubernetesResources {
                pvc_name: spec.volume,
                namespace: spec.namespace,
            },
            desired: pod.desired,
            run: pod.run,
            status: pod.status,
            step: pod.step,
            reason: pod.reason,
            login: pod.login,
            price: pod.price,
            meter: pod.meter,
            charged: pod.charged,
            spent: pod.spent,
            owner_cap: pod.owner_cap,
            volume_deletion: pod.volume_deletion,
            started_at: pod.started_at.map(Moment),
            node: pod.node,
            failed_nodes: pod.failed_nodes,
            last_end: pod.last_end,
            attempts: pod.attempts,
            failing_since: pod.failing_since.map(Moment),
            wait: pod.wait,
            retry_at: pod.retry_at.map(Moment),
            request_digest: pod.request_digest,
            created_at: Moment(pod.created_at),
            last_active: Moment(pod.requested_at),
            updated_at: Moment(pod.updated_at),
        }
    }

    fn from_shape(shape: PodShape) -> Self {
        let variables = shape.environment.into_iter();
        let variables: BTreeMap<_, _> = variables
            .map(|variable| (variable.name, variable.value))
            .collect();
        Self {
            id: shape.pod_id,
            version: shape.version,
            owner: UserId::new(shape.user_id.0),
            owner_hash: shape.user_hash,
            created_by: UserId::new(shape.created_by.0),
            name: shape.pod_name,
            slug: shape.slug,
            spec: PodSpec {
                template: shape.template_id.map(|id| id.0),
                image: shape.docker_image,
                gpu: shape.gpu,
                container_disk_gb: shape.container_disk_size,
                volume_disk_gb: shape.volume_disk_size,
                mount_path: shape.volume_path,
                volume: shape.kubernetes_resources.pvc_name,
                namespace: shape.kubernetes_resources.namespace,
                endpoints: shape.http_services,
                jupyter: shape.enable_jupyter,
                inject_token: shape.inject_token,
                daily_cap: shape.daily_cap,
                chosen_token: shape.chosen_token,
                environment: Environment(variables),
            },
            desired: shape.desired,
            run: shape.run,
            status: shape.status,
            step: shape.step,
            reason: shape.reason,
            login: shape.login,
            price: shape.price,
            meter: shape.meter,
            charged: shape.charged,
            spent: shape.spent,
            owner_cap: shape.owner_cap,
            volume_deletion: shape.volume_deletion,
            started_at: shape.started_at.map(|time| time.0),
            node: shape.node,
            failed_nodes: shape.failed_nodes,
            last_end: shape.last_end,
            attempts: shape.attempts,
            failing_since: shape.failing_since.map(|time| time.0),
            wait: shape.wait,
            retry_at: shape.retry_at.map(|time| time.0),
            request_digest: shape.request_digest,
            created_at: shape.created_at.0,
            requested_at: shape.last_active.0,
            updated_at: shape.updated_at.0,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserShape {
    #[serde(rename = "_id")]
    id: Reference,
    version: u64,
    email: String,
    /// By which it is unique, found and sorted.
    email_lower_case: String,
    name: String,
    role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<Identity>,
    /// By which it is unique and found. Whoever has none has a text that nobody else can have: to MongoDB, all documents
    /// without the field would have the same.
    #[serde(default)]
    identity_key: String,
    #[serde(default)]
    email_verified: bool,
    #[serde(default)]
    suspended: bool,
    #[serde(default)]
    deleted: bool,
    /// In micro-euros.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    daily_cap: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    avatar: Option<String>,
    #[serde(default)]
    ended_sessions: Vec<EndedSessionShape>,
    registration_date: Moment,
}

/// What stands for the identity of a user who has none. No [`Identity::key`] begins with a letter.
pub(super) fn no_identity(user: &UserId) -> String {
    format!("user:{user}")
}

#[derive(Serialize, Deserialize)]
struct EndedSessionShape {
    id: String,
    until: Moment,
}

impl Stored for User {
    type Shape = UserShape;

    fn shape(&self) -> UserShape {
        UserShape {
            id: Reference(self.id.to_string()),
            version: self.version,
            email: self.email.clone(),
            email_lower_case: folded(&self.email),
            name: self.name.clone(),
            role: self.role,
            identity: self.identity.clone(),
            identity_key: self.second_name().unwrap_or_else(|| no_identity(&self.id)),
            email_verified: self.email_verified,
            suspended: self.suspended,
            deleted: self.deleted,
            daily_cap: self.daily_cap,
            avatar: self.avatar.clone(),
            ended_sessions: self
                .ended_sessions
                .iter()
                .map(|ended| EndedSessionShape {
                    id: ended.id.clone(),
                    until: Moment(ended.until),
                })
                .collect(),
            registration_date: Moment(self.registration_date),
        }
    }

    fn from_shape(shape: UserShape) -> Self {
        Self {
            id: UserId::new(shape.id.0),
            email: shape.email,
            name: shape.name,
            role: shape.role,
            identity: shape.identity,
            email_verified: shape.email_verified,
            suspended: shape.suspended,
            deleted: shape.deleted,
            daily_cap: shape.daily_cap,
            avatar: shape.avatar,
            ended_sessions: shape
                .ended_sessions
                .into_iter()
                .map(|ended| EndedSession {
                    id: ended.id,
                    until: ended.until.0,
                })
                .collect(),
            registration_date: shape.registration_date.0,
            version: shape.version,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TemplateShape {
    #[serde(rename = "_id")]
    id: Reference,
    version: u64,
    name: String,
    /// By which it is unique and sorted.
    name_lower_case: String,
    docker_image: ImageReference,
    http_ports: Vec<NamedPort>,
    tcp_ports: Vec<NamedPort>,
    container_disk_size: u32,
    volume_disk_size: u32,
    volume_path: String,
    description: String,
    inject_token: bool,
    created_at: Moment,
}

impl Stored for Template {
    type Shape = TemplateShape;

    fn shape(&self) -> TemplateShape {
        let template = self.clone();
        TemplateShape {
            name_lower_case: folded(&template.name),
            id: Reference(template.id),
            version: template.version,
            name: template.name,
            docker_image: template.docker_image,
            http_ports: template.http_ports,
            tcp_ports: template.tcp_ports,
            container_disk_size: template.container_disk_size,
            volume_disk_size: template.volume_disk_size,
            volume_path: template.volume_path,
            description: template.description,
            inject_token: template.inject_token,
            created_at: Moment(template.created_at),
        }
    }

    fn from_shape(shape: TemplateShape) -> Self {
        Self {
            id: shape.id.0,
            name: shape.name,
            docker_image: shape.docker_image,
            http_ports: shape.http_ports,
            tcp_ports: shape.tcp_ports,
            container_disk_size: shape.container_disk_size,
            volume_disk_size: shape.volume_disk_size,
            volume_path: shape.volume_path,
            description: shape.description,
            inject_token: shape.inject_token,
            created_at: shape.created_at.0,
            version: shape.version,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PricesShape {
    #[serde(rename = "_id")]
    version: u64,
    /// A list, as names of GPUs are no names of fields.
    gpus: Vec<GpuPrice>,
    other_gpu: Money,
    container_disk_gb: Money,
    volume_disk_gb: Money,
    /// Lists of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    opening_credit: Option<OpeningCredit>,
}

#[derive(Serialize, Deserialize)]
struct GpuPrice {
    id: String,
    price: Money,
}

impl Stored for PriceList {
    type Shape = PricesShape;

    fn shape(&self) -> PricesShape {
        let gpus = self.gpus.iter();
        PricesShape {
            version: self.version,
            gpus: gpus
                .map(|(id, price)| GpuPrice {
                    id: id.clone(),
                    price: *price,
                })
                .collect(),
            other_gpu: self.other_gpu,
            container_disk_gb: self.container_disk_gb,
            volume_disk_gb: self.volume_disk_gb,
            opening_credit: self.opening_credit,
        }
    }

    fn from_shape(shape: PricesShape) -> Self {
        Self {
            version: shape.version,
            gpus: shape.gpus.into_iter().map(|gpu| (gpu.id, gpu.price)).collect(),
            other_gpu: shape.other_gpu,
            container_disk_gb: shape.container_disk_gb,
            volume_disk_gb: shape.volume_disk_gb,
            opening_credit: shape.opening_credit,
        }
    }
}
