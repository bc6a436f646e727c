//! The GPUs of the cluster, for administrators.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::Shared;
use crate::auth::Admin;
use crate::failure::{Failure, FailureBody};
use crate::reply::{Answer, data};

/// GPUs of one kind.
#[derive(Serialize, ToSchema)]
pub(crate) struct GpuCount {
    /// The extended resource.
    resource: String,
    /// The model, where the nodes' labels say it.
    model: Option<String>,
    /// How many there are.
    total: u32,
    /// How many no pod has asked for.
    free: u32,
}

/// What is in the cluster.
#[derive(Serialize, ToSchema)]
pub(crate) struct InventoryView {
    /// Null: the cluster does not tell.
    gpus: Option<Vec<GpuCount>>,
}

/// The GPUs of the cluster, and how many are free.
#[utoipa::path(get, path = "/api/inventory", tag = "Cluster", security(("bearer" = [])), responses(
    (status = 200, body = Answer<InventoryView>), (status = 401, body = FailureBody), (status = 403, body = FailureBody),
))]
pub(crate) async fn get(State(app): State<Shared>, _: Admin) -> Result<Json<Answer<InventoryView>>, Failure> {
    let stock = app.stock.get(&*app.cluster).await;
    let count = |gpu: &neuropod::GpuStock| GpuCount {
        resource: gpu.resource.clone(),
        model: gpu.model.clone(),
        total: gpu.total,
        free: gpu.free,
    };
    let gpus = stock.map(|stock| stock.iter().map(count).collect());
    Ok(data(InventoryView { gpus }))
}
