//! The GPUs of the cluster, for administrators.

use axum::Json;
use axum::extract::State;
use neuropod::cluster::gpus::unmatched;
use neuropod::cluster::{GpuHolder, NodeGpus};
use neuropod::message::unmatched_gpu;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::{App, Shared};
use crate::auth::Admin;
use crate::contract::failure::{Failure, FailureBody};
use crate::contract::reply::{Answer, data};
use crate::directory::People;
use crate::language::Asked;

/// GPUs of one kind.
#[derive(Serialize, ToSchema)]
pub(crate) struct GpuCount {
    /// The extended resource.
    resource: String,
    /// The model, where the nodes' labels say it.
    model: Option<String>,
    /// How many there are.
    total: u32,
    /// How many no pod has asked for, on nodes that take new pods.
    free: u32,
}

/// A GPU type on offer that no node can take.
#[derive(Serialize, ToSchema)]
pub(crate) struct UnmatchedView {
    /// The type.
    id: String,
    /// Why.
    message: String,
}

/// GPUs of one kind on one node.
#[derive(Serialize, ToSchema)]
pub(crate) struct NodeView {
    /// The node.
    node: String,
    /// The extended resource.
    resource: String,
    /// The model, where the node's labels say it.
    model: Option<String>,
    /// How many there are.
    total: u32,
    /// How many pods have asked for.
    used: u32,
    /// How many a new pod can have.
    free: u32,
    /// Whether new pods are put on this node: it is ready and not cordoned.
    schedulable: bool,
    /// The pods that hold them, those of the platform first.
    holders: Vec<HolderView>,
}

/// A pod that holds GPUs.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HolderView {
    /// The pod; null: it is none of the platform.
    pod_id: Option<String>,
    /// The name of the pod; null: the platform has no record of it.
    pod_name: Option<String>,
    /// Its owner.
    user_id: Option<String>,
    /// Their e-mail address; null: they are deleted.
    user_email: Option<String>,
    /// The namespace of the pod object.
    namespace: String,
    /// Its name in the cluster.
    object_name: String,
    /// How many it has.
    count: u32,
}

/// The GPUs of the cluster.
#[derive(Serialize, ToSchema)]
pub(crate) struct InventoryView {
    /// By model. Null: the cluster does not report it.
    gpus: Option<Vec<GpuCount>>,
    /// By node. Null: the cluster does not report it.
    nodes: Option<Vec<NodeView>>,
    /// The GPU types on offer that no node can take. Null: the cluster does not report it.
    unmatched: Option<Vec<UnmatchedView>>,
}

/// The GPUs of the cluster by model and node, how many are free, and who has the others.
#[utoipa::path(get, path = "/api/inventory", tag = "Administration", security(("bearer" = [])), responses(
    (status = 200, body = Answer<InventoryView>), (status = 401, body = FailureBody), (status = 403, body = FailureBody),
))]
pub(crate) async fn get(
    State(app): State<Shared>,
    Asked(language): Asked,
    _: Admin,
) -> Result<Json<Answer<InventoryView>>, Failure> {
    let Some(stock) = app.stock.get(&app.platform).await else {
        return Ok(data(InventoryView {
            gpus: None,
            nodes: None,
            unmatched: None,
        }));
    };
    let count = |gpu: &neuropod::cluster::GpuStock| GpuCount {
        resource: gpu.resource.clone(),
        model: gpu.model.clone(),
        total: gpu.total,
        free: gpu.free,
    };
    let unmatched = unmatched(app.platform.catalogue(), &stock.nodes).into_iter();
    let unmatched = unmatched.map(|gpu| UnmatchedView {
        message: unmatched_gpu(&gpu, language),
        id: gpu.id,
    });
    let people = app.directory.get(&app.platform, std::iter::empty()).await?;
    let node = |gpus: &NodeGpus| NodeView {
        node: gpus.node.clone(),
        resource: gpus.resource.clone(),
        model: gpus.model.clone(),
        total: gpus.total,
        used: gpus.used(),
        free: gpus.free(),
        schedulable: gpus.schedulable,
        holders: gpus
            .holders
            .iter()
            .map(|holder| app.holder(holder, &people))
            .collect(),
    };
    Ok(data(InventoryView {
        gpus: Some(stock.models.iter().map(count).collect()),
        nodes: Some(stock.nodes.iter().map(node).collect()),
        unmatched: Some(unmatched.collect()),
    }))
}

impl App {
    /// A pod that holds GPUs, with its owner where the platform knows it.
    fn holder(&self, holder: &GpuHolder, people: &People) -> HolderView {
        let pod = holder.pod_id.as_ref().and_then(|id| self.live.pod(id));
        let owner = pod.as_ref().map(|pod| &pod.owner);
        HolderView {
            pod_id: holder.pod_id.as_ref().map(ToString::to_string),
            pod_name: pod.as_ref().map(|pod| pod.name.clone()),
            user_id: owner.map(ToString::to_string),
            user_email: owner.and_then(|owner| Some(people.get(owner)?.email.clone())),
            namespace: holder.namespace.clone(),
            object_name: holder.name.clone(),
            count: holder.count,
        }
    }
}
