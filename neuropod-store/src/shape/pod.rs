//! Pods.

use jiff::Timestamp;
use neuropod_core::cluster::observation::Step;
use neuropod_core::money::billing::Spent;
use neuropod_core::money::meter::Price;
use neuropod_core::naming::{Slug, UserHash};
use neuropod_core::pod::Desired;
use neuropod_core::pod::{VolumeDeletion, Wait};
use neuropod_core::{Money, Pod, PodId, Reason, Status, UserId};
use serde::{Deserialize, Serialize};

use super::layout::Layout;
use super::login::{self, LoginParts, LoginShape};
use super::meter::MeterShape;
use super::options::{self, OptionsParts, OptionsShape};
use super::secrets::{self, Secrets};
use super::stored::Stored;
use super::tree::{Tree, find_mut, move_field, remove};

/// The document of a pod. Fields have the names of the HTTP contract where it has one, as in the existing
/// backend. Amounts are in micro-euros.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodShape {
    #[serde(default)]
    layout: Layout<2>,
    pod_id: PodId,
    version: u64,
    user_id: String,
    user_hash: UserHash,
    created_by: String,
    pod_name: String,
    slug: Slug,
    template_id: Option<String>,
    options: OptionsShape,
    kubernetes_resources: ResourcesShape,
    desired: Desired,
    run: u64,
    status: Status,
    step: Step,
    reason: Option<Reason>,
    login: LoginShape,
    price: Price,
    meter: MeterShape,
    charged: Money,
    #[serde(default)]
    spent: Option<Spent>,
    #[serde(default)]
    owner_cap: Option<Money>,
    #[serde(default)]
    volume_deletion: Option<VolumeDeletion>,
    started_at: Option<Timestamp>,
    #[serde(default)]
    node: Option<String>,
    #[serde(default)]
    failed_nodes: Vec<String>,
    #[serde(default)]
    last_end: Option<Reason>,
    attempts: u32,
    #[serde(default)]
    failing_since: Option<Timestamp>,
    #[serde(default)]
    wait: Option<Wait>,
    retry_at: Option<Timestamp>,
    request_digest: Option<String>,
    created_at: Timestamp,
    /// The owner's last request.
    last_active: Timestamp,
    updated_at: Timestamp,
    #[serde(default)]
    secrets: Secrets,
}

/// The names of a pod's objects in the cluster.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourcesShape {
    pvc_name: String,
    namespace: Option<String>,
}

/// The fields of this file that layout 1 stores elsewhere in SQLite: from, to.
const MOVED: [(&str, &str); 5] = [
    ("id", "podId"),
    ("owner", "userId"),
    ("ownerHash", "userHash"),
    ("name", "podName"),
    ("requestedAt", "lastActive"),
];

/// Derived from `templateId`; layout 1 stores it in MongoDB.
const DEPLOYMENT_TYPE: &str = "deploymentType";
/// Lists of ports as the existing backend writes them; layout 1 kept some as unknown fields.
const SERVICES: [&str; 2] = ["options.ports", "beforeMigration.httpServices"];
/// Fields with a token in such a port. The migration of the document has read them.
const SECRETS_OF_SERVICE: [&str; 2] = ["jupyterToken", "url"];

impl Stored for Pod {
    type Shape = PodShape;

    fn to_shape(&self) -> PodShape {
        let Self {
            id,
            version,
            owner,
            owner_hash,
            created_by,
            name,
            slug,
            template,
            options,
            volume,
            namespace,
            desired,
            run,
            status,
            step,
            reason,
            login,
            price,
            meter,
            charged,
            spent,
            owner_cap,
            volume_deletion,
            started_at,
            node,
            failed_nodes,
            last_end,
            attempts,
            failing_since,
            wait,
            retry_at,
            request_digest,
            created_at,
            requested_at,
            updated_at,
        } = self.clone();
        let OptionsParts {
            options,
            chosen_token,
            environment,
        } = options.into();
        let LoginParts {
            login,
            injected_token,
            found_token,
        } = login.into();
        PodShape {
            layout: Layout,
            pod_id: id,
            version,
            user_id: owner.to_string(),
            user_hash: owner_hash,
            created_by: created_by.to_string(),
            pod_name: name,
            slug,
            template_id: template,
            options,
            kubernetes_resources: ResourcesShape {
                pvc_name: volume,
                namespace,
            },
            desired,
            run,
            status,
            step,
            reason,
            login,
            price,
            meter: meter.into(),
            charged,
            spent,
            owner_cap,
            volume_deletion,
            started_at,
            node,
            failed_nodes,
            last_end,
            attempts,
            failing_since,
            wait,
            retry_at,
            request_digest,
            created_at,
            last_active: requested_at,
            updated_at,
            secrets: Secrets {
                chosen_token,
                injected_token,
                found_token,
                environment: secrets::from_environment(environment),
            },
        }
    }

    fn from_shape(shape: PodShape) -> Self {
        let PodShape {
            layout: _,
            pod_id,
            version,
            user_id,
            user_hash,
            created_by,
            pod_name,
            slug,
            template_id,
            options,
            kubernetes_resources,
            desired,
            run,
            status,
            step,
            reason,
            login,
            price,
            meter,
            charged,
            spent,
            owner_cap,
            volume_deletion,
            started_at,
            node,
            failed_nodes,
            last_end,
            attempts,
            failing_since,
            wait,
            retry_at,
            request_digest,
            created_at,
            last_active,
            updated_at,
            secrets,
        } = shape;
        let Secrets {
            chosen_token,
            injected_token,
            found_token,
            environment,
        } = secrets;
        let ResourcesShape { pvc_name, namespace } = kubernetes_resources;
        Self {
            id: pod_id,
            version,
            owner: UserId::new(user_id),
            owner_hash: user_hash,
            created_by: UserId::new(created_by),
            name: pod_name,
            slug,
            template: template_id,
            options: OptionsParts {
                options,
                chosen_token,
                environment: secrets::to_environment(environment),
            }
            .into(),
            volume: pvc_name,
            namespace,
            desired,
            run,
            status,
            step,
            reason,
            login: LoginParts {
                login,
                injected_token,
                found_token,
            }
            .into(),
            price,
            meter: meter.into(),
            charged,
            spent,
            owner_cap,
            volume_deletion,
            started_at,
            node,
            failed_nodes,
            last_end,
            attempts,
            failing_since,
            wait,
            retry_at,
            request_digest,
            created_at,
            requested_at: last_active,
            updated_at,
        }
    }

    fn upgrade<T: Tree>(document: &mut T) {
        for (from, to) in MOVED.into_iter().chain(login::MOVED) {
            move_field(document, from, to);
        }
        options::upgrade(document);
        remove(document, DEPLOYMENT_TYPE);
        for services in SERVICES {
            let Some(services) = find_mut(document, services) else {
                continue;
            };
            for service in services.items_mut() {
                for secret in SECRETS_OF_SERVICE {
                    service.remove_field(secret);
                }
            }
        }
    }
}
