//! Starting, stopping, restarting and deleting pods.

use axum::Json;
use axum::extract::{Path, State};
use neuropod::cluster::VolumePolicy;
use neuropod::{ErrorKind, Pod};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::pods::parse;
use crate::app::Shared;
use crate::auth::Caller;
use crate::contract::failure::{Failure, FailureBody};
use crate::contract::reply::{Done, Parameters, done};
use crate::language::Asked;

/// A completed change of a pod.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChangedPod {
    success: bool,
    message: &'static str,
    data: PodStatus,
}

/// How a pod is now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodStatus {
    pod_id: String,
    status: &'static str,
}

/// Whether the volume is kept or deleted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeleteQuery {
    /// `keep`, the default, or `delete`.
    #[serde(default)]
    #[param(inline)]
    volume: Volume,
}

/// Whether the volume is kept or deleted.
#[derive(Deserialize, Default, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Volume {
    #[default]
    Keep,
    Delete,
}

/// Start a stopped pod.
#[utoipa::path(post, path = "/api/pods/{podId}/start", tag = "Pods", params(("podId" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = ChangedPod), (status = 400, description = "It runs already, or there is too little money for an hour", body = FailureBody),
    (status = 401, body = FailureBody),
    (status = 403, body = FailureBody), (status = 404, body = FailureBody),
))]
pub(crate) async fn start(
    State(app): State<Shared>,
    Asked(language): Asked,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ChangedPod>, Failure> {
    let pod = app.platform.start(&caller.actor(), &parse(&id)?).await?;
    Ok(changed(
        &pod,
        language.pick("Pod iniciándose", "The pod is starting"),
    ))
}

/// Stop a pod.
#[utoipa::path(post, path = "/api/pods/{podId}/stop", tag = "Pods", params(("podId" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = ChangedPod), (status = 400, description = "It is stopped already", body = FailureBody),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody), (status = 404, body = FailureBody),
))]
pub(crate) async fn stop(
    State(app): State<Shared>,
    Asked(language): Asked,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ChangedPod>, Failure> {
    let stopped = app
        .platform
        .stop(&caller.actor(), &parse(&id)?)
        .await
        .map_err(|error| {
            let stopped_already = *error.kind() == ErrorKind::InvalidState;
            let failure = Failure::from(error);
            if stopped_already {
                failure.saying("El pod ya está detenido", "The pod is already stopped")
            } else {
                failure
            }
        });
    Ok(changed(
        &stopped?,
        language.pick("Pod detenido correctamente", "The pod was stopped"),
    ))
}

/// End the container of a pod and start a new one.
#[utoipa::path(post, path = "/api/pods/{podId}/restart", tag = "Pods", params(("podId" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = ChangedPod), (status = 400, description = "It is stopped", body = FailureBody),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody), (status = 404, body = FailureBody),
))]
pub(crate) async fn restart(
    State(app): State<Shared>,
    Asked(language): Asked,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ChangedPod>, Failure> {
    let pod = app.platform.restart(&caller.actor(), &parse(&id)?).await?;
    Ok(changed(
        &pod,
        language.pick("Pod reiniciándose", "The pod is restarting"),
    ))
}

/// Delete a pod.
#[utoipa::path(delete, path = "/api/pods/{podId}", tag = "Pods", params(("podId" = String, Path), DeleteQuery),
    security(("bearer" = [])), responses(
    (status = 200, body = Done), (status = 400, description = "Another pod uses its volume", body = FailureBody),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody), (status = 404, body = FailureBody),
))]
pub(crate) async fn delete(
    State(app): State<Shared>,
    Asked(language): Asked,
    caller: Caller,
    Path(id): Path<String>,
    Parameters(query): Parameters<DeleteQuery>,
) -> Result<Json<Done>, Failure> {
    let volume = match query.volume {
        Volume::Keep => VolumePolicy::Keep,
        Volume::Delete => VolumePolicy::Delete,
    };
    let deleted = app.platform.delete(&caller.actor(), &parse(&id)?, volume).await;
    deleted.map_err(|error| {
        Failure::from(error).forbidding(
            "No tienes permiso para eliminar este pod",
            "You do not have permission to delete this pod",
        )
    })?;
    Ok(done(
        language.pick("Pod eliminado correctamente", "The pod was deleted"),
    ))
}

fn changed(pod: &Pod, message: &'static str) -> Json<ChangedPod> {
    Json(ChangedPod {
        success: true,
        message,
        data: PodStatus {
            pod_id: pod.id.to_string(),
            status: pod.status.as_str(),
        },
    })
}
