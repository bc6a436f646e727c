//! Templates: for all who are signed in to read, for administrators to change.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use neuropod::error::Violation;
use neuropod::{Error, ErrorKind, Template};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::{App, Shared};
use crate::auth::{Admin, Caller};
use crate::contract::failure::{Failure, FailureBody};
use crate::contract::fields::Body;
use crate::contract::reply::{Answer, data};
use crate::contract::template::TemplateView;
use crate::contract::template_body::TemplateBody;
use crate::language::Asked;

/// How often a change is retried after a conflict.
const MAX_CONFLICTS: usize = 20;

/// A template that was changed.
#[derive(Serialize, ToSchema)]
pub(crate) struct Changed {
    success: bool,
    message: &'static str,
    template: TemplateView,
}

/// Templates, as the dashboard shows them.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary {
    total: usize,
    templates: Vec<SummaryLine>,
}

/// One template, in short.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SummaryLine {
    id: String,
    name: String,
    docker_image: String,
    /// How many pods were made from it that are still there.
    pods: usize,
}

/// All templates: an array, without an envelope.
#[utoipa::path(get, path = "/api/templates", tag = "Templates", security(("bearer" = [])), responses(
    (status = 200, body = Vec<TemplateView>), (status = 401, body = FailureBody),
))]
pub(crate) async fn list(State(app): State<Shared>, _: Caller) -> Result<Json<Vec<TemplateView>>, Failure> {
    let templates = app.platform.templates().await?;
    Ok(Json(templates.into_iter().map(Into::into).collect()))
}

/// Templates in short.
#[utoipa::path(get, path = "/api/templates/summary", tag = "Templates", security(("bearer" = [])), responses(
    (status = 200, body = Answer<Summary>), (status = 401, body = FailureBody),
))]
pub(crate) async fn summary(
    State(app): State<Shared>,
    caller: Caller,
) -> Result<Json<Answer<Summary>>, Failure> {
    let pods = app.platform.list_all(&caller.actor(), None).await?;
    let line = |template: Template| SummaryLine {
        pods: pods
            .iter()
            .filter(|pod| pod.template.as_ref() == Some(&template.id))
            .count(),
        id: template.id,
        name: template.name,
        docker_image: template.options.image().to_owned(),
    };
    let templates: Vec<_> = app.platform.templates().await?.into_iter().map(line).collect();
    Ok(data(Summary {
        total: templates.len(),
        templates,
    }))
}

/// One template.
#[utoipa::path(get, path = "/api/templates/{id}", tag = "Templates", params(("id" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = TemplateView), (status = 401, body = FailureBody), (status = 404, body = FailureBody),
))]
pub(crate) async fn get(
    State(app): State<Shared>,
    _: Caller,
    Path(id): Path<String>,
) -> Result<Json<TemplateView>, Failure> {
    Ok(Json(known(&app, &id).await?.into()))
}

/// Create a template.
#[utoipa::path(post, path = "/api/templates", tag = "Templates", request_body = TemplateBody,
    security(("bearer" = [])), responses(
    (status = 201, body = Changed), (status = 400, body = FailureBody),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody),
))]
pub(crate) async fn create(
    State(app): State<Shared>,
    Asked(language): Asked,
    Admin(admin): Admin,
    Body(body): Body<TemplateBody>,
) -> Result<(StatusCode, Json<Changed>), Failure> {
    let template = body.checked(None, app.platform.image_rules(), app.platform.limits())?;
    let stored = app.platform.create_template(&admin.actor(), &template).await;
    let stored = stored.map_err(taken)?;
    let message = language.pick("Template creado correctamente", "The template was created");
    Ok((StatusCode::CREATED, changed(stored, message)))
}

/// Change a template. Pods that were made from it stay as they are.
#[utoipa::path(put, path = "/api/templates/{id}", tag = "Templates", params(("id" = String, Path)),
    request_body = TemplateBody, security(("bearer" = [])), responses(
    (status = 200, body = Changed), (status = 400, body = FailureBody),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody), (status = 404, body = FailureBody),
))]
pub(crate) async fn update(
    State(app): State<Shared>,
    Asked(language): Asked,
    Admin(admin): Admin,
    Path(id): Path<String>,
    Body(body): Body<TemplateBody>,
) -> Result<Json<Changed>, Failure> {
    let mut conflicts = 0;
    let stored = loop {
        let template = body.checked(
            Some(&known(&app, &id).await?),
            app.platform.image_rules(),
            app.platform.limits(),
        )?;
        match app.platform.change_template(&admin.actor(), &template).await {
            Err(error) if *error.kind() == ErrorKind::Conflict && conflicts < MAX_CONFLICTS => conflicts += 1,
            Err(error) if *error.kind() == ErrorKind::NotFound => return Err(Failure::no_template()),
            other => break other.map_err(taken)?,
        }
    };
    Ok(changed(
        stored,
        language.pick("Template actualizado correctamente", "The template was changed"),
    ))
}

/// Delete a template. Pods that were made from it stay.
#[utoipa::path(delete, path = "/api/templates/{id}", tag = "Templates", params(("id" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = Changed),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody), (status = 404, body = FailureBody),
))]
pub(crate) async fn delete(
    State(app): State<Shared>,
    Asked(language): Asked,
    Admin(admin): Admin,
    Path(id): Path<String>,
) -> Result<Json<Changed>, Failure> {
    let template = known(&app, &id).await?;
    app.platform.delete_template(&admin.actor(), &template).await?;
    Ok(changed(
        template,
        language.pick("Template eliminado correctamente", "The template was deleted"),
    ))
}

async fn known(app: &App, id: &str) -> Result<Template, Failure> {
    app.platform
        .template(id)
        .await
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => Failure::no_template(),
            _ => error.into(),
        })
}

fn changed(template: Template, message: &'static str) -> Json<Changed> {
    Json(Changed {
        success: true,
        message,
        template: template.into(),
    })
}

fn taken(error: Error) -> Failure {
    if *error.kind() == ErrorKind::AlreadyExists {
        Failure::field("name", Violation::AlreadyTaken)
    } else {
        error.into()
    }
}
