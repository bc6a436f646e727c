//! Pods.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, State};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use neuropod::message::Language;
use neuropod::{Pod, PodId, Status, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::{App, Shared};
use crate::auth::Caller;
use crate::contract::create_body::{CreateBody, in_order};
use crate::contract::failure::{Failure, FailureBody};
use crate::contract::pod::{ConnectionsView, PodView, Shown};
use crate::contract::reply::{Answer, Parameters, Raw, data};
use crate::language::Asked;
use crate::usage::Stats;

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
    /// Per hour.
    cost: f64,
    /// So far.
    total_cost: f64,
}

/// The caller's pods, the newest first; for administrators those of the user with this address.
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
    if let Some(email) = query.user_email {
        return of_address(&app, &caller, Some(&email), language).await;
    }
    let pods = app
        .platform
        .list_all(&caller.actor(), Some(&caller.user.id))
        .await?;
    let views = pods.iter().rev().map(|pod| app.pod_view(pod, language));
    Ok(data(views.collect()))
}

/// The pods of the user with this address, or all, the newest first; for administrators.
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
    let (owner, users) = if let Some(email) = email {
        let user = app.platform.user_by_email(&caller.actor(), email.trim()).await?;
        let user = user.ok_or_else(Failure::no_user)?;
        (Some(user.id.clone()), vec![user])
    } else {
        (None, app.platform.users(&caller.actor()).await?)
    };
    let emails: HashMap<UserId, String> = users.into_iter().map(|user| (user.id, user.email)).collect();
    let pods = app.platform.list_all(&caller.actor(), owner.as_ref()).await?;
    let view = |pod: &Pod| PodView {
        user_email: emails.get(&pod.owner).cloned(),
        ..app.pod_view(pod, language)
    };
    Ok(data(pods.iter().rev().map(view).collect()))
}

/// Create a pod.
#[utoipa::path(post, path = "/api/pods", tag = "Pods", request_body = CreateBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition return the same pod")),
    security(("bearer" = [])), responses(
    (status = 201, body = Answer<CreatedPod>),
    (status = 400, description = "Everything that is wrong with the request, or too little money for an hour",
        body = FailureBody),
    (status = 401, body = FailureBody),
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
    let mut request = CreateBody::request(&body, app.platform.limits())?;
    if let Some(key) = headers.get("idempotency-key") {
        request.idempotency_key = Some(String::from_utf8_lossy(key.as_bytes()).into_owned());
    }
    let created = app.platform.create(&caller.actor(), &request).await;
    let pod = created.map_err(in_order)?;
    let created = CreatedPod {
        pod_id: pod.id.to_string(),
        pod_name: pod.name,
        status: Status::Creating.as_str(),
        message: language.pick(
            "Pod creándose. Por favor espere unos minutos.",
            "The pod is being created. Please wait a few minutes.",
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
        subdomain: url
            .as_ref()
            .and_then(|url| Some(url.split_once("//")?.1.to_owned())),
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
    let (actor, id) = (caller.actor(), parse(&id)?);
    // Somebody waits for the link: while its token is missing, the log is read at once.
    app.platform.connections(&actor, &id).await?;
    let pod = app.platform.get(&actor, &id).await?;
    Ok(data(app.shown(language).connections(&pod)))
}

/// Text that is not an id is treated like an id that does not exist.
pub(super) fn parse(id: &str) -> Result<PodId, Failure> {
    Ok(id.parse()?)
}

impl App {
    /// How pods are shown in a language.
    pub(crate) fn shown(&self, language: Language) -> Shown<'_> {
        Shown {
            naming: self.platform.naming(),
            namespace: &self.config.kube.namespace,
            language,
            now: self.platform.now(),
        }
    }

    /// The use of a pod.
    pub(crate) fn stats(&self, pod: &Pod) -> Stats {
        self.usage
            .stats_of(pod, self.platform.catalogue(), Timestamp::now())
    }

    fn pod_view(&self, pod: &Pod, language: Language) -> PodView {
        self.shown(language).pod(pod, self.stats(pod))
    }
}
