//! Pods.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, State};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use neuropod::message::Language;
use neuropod::{CreatePod, Error, ErrorKind, Pod, PodId, Status, UserId, VolumePolicy};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::{App, Shared};
use crate::auth::Caller;
use crate::failure::{Failure, FailureBody};
use crate::language::Asked;
use crate::reply::{Answer, Done, Parameters, Raw, data, done};
use crate::usage::Stats;
use crate::view::pod::{ConnectionsView, PodView, Shown};

/// Whose pods.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct Whose {
    /// The e-mail address of their owner; for administrators.
    user_email: Option<String>,
}

/// A pod that was just asked for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreatedPod {
    pod_id: String,
    pod_name: String,
    status: &'static str,
    message: &'static str,
}

/// The body of a creation. What is wrong with it is told all at once.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "read by `CreatePod`, described here")]
pub(crate) struct CreateBody {
    /// 1 to 50 characters.
    name: String,
    /// `template` or `docker`.
    deployment_type: String,
    /// The id of the template.
    template: Option<String>,
    /// The image.
    docker_image: Option<String>,
    /// The GPU type.
    gpu: String,
    /// In GB.
    #[schema(minimum = 1, maximum = 100)]
    container_disk_size: u32,
    /// In GB.
    #[schema(minimum = 1, maximum = 150)]
    volume_disk_size: u32,
    /// Separated by commas, at most 10.
    ports: String,
    /// Whether a Jupyter server is expected.
    enable_jupyter: bool,
    /// The e-mail address of the client it is for; for administrators.
    assign_to_user: Option<String>,
    /// Environment variables.
    environment: Option<HashMap<String, String>>,
    /// Makes a repetition of the same request answer the same pod.
    idempotency_key: Option<String>,
}

/// A pod with its details.
#[derive(Serialize, ToSchema)]
pub(crate) struct OnePod {
    success: bool,
    pod: PodView,
    details: Details,
}

/// Details of a pod.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Details {
    /// The address of its first service.
    url: Option<String>,
    /// The host of that.
    subdomain: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    last_active: Timestamp,
    /// In EUR per hour.
    cost: f64,
    /// In EUR, so far.
    total_cost: f64,
}

/// What was done with a pod.
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

/// What becomes of the volume.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeleteQuery {
    /// `keep`, the default, or `delete`.
    #[serde(default)]
    volume: Volume,
}

/// What becomes of the volume.
#[derive(Deserialize, Default, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Volume {
    #[default]
    Keep,
    Delete,
}

/// The caller's pods; for administrators those of the user with this address.
#[utoipa::path(get, path = "/api/pods", tag = "Pods", params(Whose), security(("bearer" = [])), responses(
    (status = 200, body = Answer<Vec<PodView>>),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody), (status = 404, body = FailureBody),
))]
pub(crate) async fn list(
    State(app): State<Shared>,
    Asked(language): Asked,
    caller: Caller,
    Parameters(query): Parameters<Whose>,
) -> Result<Json<Answer<Vec<PodView>>>, Failure> {
    match query.user_email {
        Some(email) => of_address(&app, &caller, Some(&email), language).await,
        None => {
            let pods = app.all_pods(&caller.actor(), Some(&caller.user.id)).await?;
            Ok(data(pods.iter().map(|pod| app.pod_view(pod, language)).collect()))
        }
    }
}

/// The pods of the user with this address, or all; for administrators.
#[utoipa::path(get, path = "/api/pods/admin", tag = "Pods", params(Whose), security(("bearer" = [])), responses(
    (status = 200, body = Answer<Vec<PodView>>),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody), (status = 404, body = FailureBody),
))]
pub(crate) async fn of_user(
    State(app): State<Shared>,
    Asked(language): Asked,
    caller: Caller,
    Parameters(query): Parameters<Whose>,
) -> Result<Json<Answer<Vec<PodView>>>, Failure> {
    of_address(&app, &caller, query.user_email.as_deref(), language).await
}

async fn of_address(
    app: &App,
    caller: &Caller,
    email: Option<&str>,
    language: Language,
) -> Result<Json<Answer<Vec<PodView>>>, Failure> {
    if !caller.actor().is_admin() {
        return Err(Failure::admins_only());
    }
    let (owner, emails): (Option<UserId>, HashMap<UserId, String>) = match email {
        Some(email) => {
            let user = app.store.user_by_email(email.trim()).await?.ok_or_else(Failure::no_user)?;
            (Some(user.id.clone()), HashMap::from([(user.id, user.email)]))
        }
        None => {
            let users = app.store.users().await?;
            (None, users.into_iter().map(|user| (user.id, user.email)).collect())
        }
    };
    let pods = app.all_pods(&caller.actor(), owner.as_ref()).await?;
    let view = |pod: &Pod| PodView {
        user_email: emails.get(&pod.owner).cloned(),
        ..app.pod_view(pod, language)
    };
    Ok(data(pods.iter().map(view).collect()))
}

/// Create a pod.
#[utoipa::path(post, path = "/api/pods", tag = "Pods", request_body = CreateBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition answer the same pod")),
    security(("bearer" = [])), responses(
    (status = 201, body = Answer<CreatedPod>),
    (status = 400, description = "Everything that is wrong with the request", body = FailureBody),
    (status = 401, body = FailureBody),
    (status = 402, description = "Not enough money for an hour", body = FailureBody),
    (status = 403, body = FailureBody),
    (status = 409, description = "The key was used for another request", body = FailureBody),
))]
pub(crate) async fn create(
    State(app): State<Shared>,
    Asked(language): Asked,
    headers: HeaderMap,
    caller: Caller,
    Raw(body): Raw,
) -> Result<(StatusCode, Json<Answer<CreatedPod>>), Failure> {
    let mut request = CreatePod::from_json(&body)?;
    if let Some(key) = headers.get("idempotency-key") {
        request.idempotency_key = Some(String::from_utf8_lossy(key.as_bytes()).into_owned());
    }
    let pod = app.platform.create(&caller.actor(), &request).await.map_err(start_failure)?;
    let created = CreatedPod {
        pod_id: pod.id.to_string(),
        pod_name: pod.name,
        status: Status::Creating.as_str(),
        message: language.pick(
            "Pod creándose. Por favor espere unos minutos.",
            "The pod is being created. Please wait some minutes.",
        ),
    };
    Ok((StatusCode::CREATED, data(created)))
}

/// One pod.
#[utoipa::path(get, path = "/api/pods/{podId}", tag = "Pods", params(("podId" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = OnePod),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody), (status = 404, body = FailureBody),
))]
pub(crate) async fn get(
    State(app): State<Shared>,
    Asked(language): Asked,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<OnePod>, Failure> {
    let pod = app.platform.get(&caller.actor(), &parse(&id)?).await?;
    let view = app.pod_view(&pod, language);
    let url = view.http_services.first().map(|service| service.url.clone());
    let details = Details {
        subdomain: url.as_ref().and_then(|url| Some(url.split_once("//")?.1.to_owned())),
        url,
        created_at: view.created_at,
        last_active: view.last_active,
        cost: view.cost_per_hour,
        total_cost: view.total_cost,
    };
    Ok(Json(OnePod {
        success: true,
        pod: view,
        details,
    }))
}

/// How to reach a pod.
#[utoipa::path(get, path = "/api/pods/{podId}/connections", tag = "Pods", params(("podId" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = Answer<ConnectionsView>),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody), (status = 404, body = FailureBody),
))]
pub(crate) async fn connections(
    State(app): State<Shared>,
    Asked(language): Asked,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Answer<ConnectionsView>>, Failure> {
    let pod = app.platform.get(&caller.actor(), &parse(&id)?).await?;
    let found = neuropod::connection::connections(&pod, app.platform.naming());
    Ok(data(app.shown(language).connections(&pod, found)))
}

/// Start a stopped pod.
#[utoipa::path(post, path = "/api/pods/{podId}/start", tag = "Pods", params(("podId" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = ChangedPod), (status = 400, description = "It runs already", body = FailureBody),
    (status = 401, body = FailureBody), (status = 402, body = FailureBody),
    (status = 403, body = FailureBody), (status = 404, body = FailureBody),
))]
pub(crate) async fn start(
    State(app): State<Shared>,
    Asked(language): Asked,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ChangedPod>, Failure> {
    let pod = app.platform.start(&caller.actor(), &parse(&id)?).await.map_err(start_failure)?;
    Ok(changed(&pod, language.pick("Pod iniciándose", "The pod is starting")))
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
    let stopped = app.platform.stop(&caller.actor(), &parse(&id)?).await.map_err(|error| {
        let stopped_already = *error.kind() == ErrorKind::InvalidState;
        let failure = Failure::from(error);
        if stopped_already {
            failure.saying("El pod ya está detenido", "The pod is stopped already")
        } else {
            failure
        }
    });
    Ok(changed(&stopped?, language.pick("Pod detenido correctamente", "The pod was stopped")))
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
    Ok(changed(&pod, language.pick("Pod reiniciándose", "The pod is restarting")))
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
    app.platform.delete(&caller.actor(), &parse(&id)?, volume).await?;
    Ok(done(language.pick("Pod eliminado correctamente", "The pod was deleted")))
}

/// What is no id is answered like one that does not exist.
pub(super) fn parse(id: &str) -> Result<PodId, Failure> {
    Ok(id.parse()?)
}

fn start_failure(error: Error) -> Failure {
    let suspended = *error.kind() == ErrorKind::Forbidden && error.context("user") == Some("suspended");
    let failure = Failure::from(error);
    if suspended {
        failure.saying(
            "La cuenta está suspendida; contacta con la administración",
            "The account is suspended; contact the administrators",
        )
    } else {
        failure
    }
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

impl App {
    /// How pods are shown in a language.
    pub(crate) fn shown(&self, language: Language) -> Shown<'_> {
        Shown {
            naming: self.platform.naming(),
            namespace: &self.config.kube.namespace,
            language,
        }
    }

    /// What a pod uses.
    pub(crate) fn stats(&self, pod: &Pod) -> Stats {
        self.usage.of(pod, self.platform.catalogue(), Timestamp::now())
    }

    fn pod_view(&self, pod: &Pod, language: Language) -> PodView {
        self.shown(language).pod(pod, self.stats(pod))
    }
}
