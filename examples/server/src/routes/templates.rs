//! Templates: for all who are signed in to read, for administrators to change.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use jiff::Timestamp;
use neuropod::check::check_volume_path;
use neuropod::template::DEFAULT_VOLUME_PATH;
use neuropod::{Error, ErrorKind, Problem, Template, ValidationErrors, Violation};
use neuropod::validation::{MAX_CONTAINER_DISK_GB, MAX_NAME_LEN, MAX_PORTS, MAX_VOLUME_DISK_GB};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::{App, Shared};
use crate::auth::{Admin, Caller};
use crate::failure::{Failure, FailureBody};
use crate::language::Asked;
use crate::reply::{Answer, Body, data};
use crate::view::template::{PortView, TemplateView};

/// The longest description, in characters.
const MAX_DESCRIPTION_LEN: usize = 20_000;
/// How often a change is begun anew because somebody else was quicker.
const MAX_CONFLICTS: usize = 20;

/// What a template is to be; what is missing in a change stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TemplateBody {
    /// Unique, whatever its case; 1 to 50 characters.
    name: Option<String>,
    /// The image.
    docker_image: Option<String>,
    /// Ports that speak HTTP.
    http_ports: Option<Vec<PortView>>,
    /// Ports that do not.
    tcp_ports: Option<Vec<PortView>>,
    /// In GB.
    #[schema(minimum = 1, maximum = 100)]
    container_disk_size: Option<u32>,
    /// In GB.
    #[schema(minimum = 1, maximum = 150)]
    volume_disk_size: Option<u32>,
    /// Absolute, and not the system's own; `/workspace` unless given.
    volume_path: Option<String>,
    /// Markdown.
    description: Option<String>,
}

/// A template that was changed.
#[derive(Serialize, ToSchema)]
pub(crate) struct Changed {
    success: bool,
    message: &'static str,
    template: TemplateView,
}

/// What the dashboard shows of templates.
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
    let templates = app.store.templates().await?;
    Ok(Json(templates.into_iter().map(Into::into).collect()))
}

/// Templates in short.
#[utoipa::path(get, path = "/api/templates/summary", tag = "Templates", security(("bearer" = [])), responses(
    (status = 200, body = Answer<Summary>), (status = 401, body = FailureBody),
))]
pub(crate) async fn summary(State(app): State<Shared>, caller: Caller) -> Result<Json<Answer<Summary>>, Failure> {
    let pods = app.all_pods(&caller.actor(), None).await?;
    let line = |template: Template| SummaryLine {
        pods: pods.iter().filter(|pod| pod.spec.template.as_ref() == Some(&template.id)).count(),
        id: template.id,
        name: template.name,
        docker_image: template.docker_image.to_string(),
    };
    let templates: Vec<_> = app.store.templates().await?.into_iter().map(line).collect();
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
    _: Admin,
    Body(body): Body<TemplateBody>,
) -> Result<(StatusCode, Json<Changed>), Failure> {
    let template = body.checked(None)?;
    let stored = app.store.insert_template(&template).await.map_err(taken)?;
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
    _: Admin,
    Path(id): Path<String>,
    Body(body): Body<TemplateBody>,
) -> Result<Json<Changed>, Failure> {
    let mut conflicts = 0;
    let stored = loop {
        let template = body.checked(Some(known(&app, &id).await?))?;
        match app.store.update_template(&template).await {
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
    _: Admin,
    Path(id): Path<String>,
) -> Result<Json<Changed>, Failure> {
    let template = known(&app, &id).await?;
    app.store.remove_template(&id).await?;
    Ok(changed(
        template,
        language.pick("Template eliminado correctamente", "The template was deleted"),
    ))
}

async fn known(app: &App, id: &str) -> Result<Template, Failure> {
    app.store.template(id).await?.ok_or_else(Failure::no_template)
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

impl TemplateBody {
    /// The template that this makes, or makes of `before`.
    fn checked(&self, before: Option<Template>) -> Result<Template, Failure> {
        let mut problems = Vec::new();
        let name = match (self.name.as_deref().map(str::trim), &before) {
            (None | Some(""), None) | (Some(""), Some(_)) => {
                problems.push(Problem::new("name", Violation::Required));
                String::new()
            }
            (Some(name), _) => {
                if name.chars().count() > MAX_NAME_LEN {
                    problems.push(Problem::new("name", Violation::TooLong(MAX_NAME_LEN)));
                }
                if name.chars().any(char::is_control) {
                    problems.push(Problem::new("name", Violation::ControlCharacter));
                }
                name.to_owned()
            }
            (None, Some(before)) => before.name.clone(),
        };
        let image = match (self.docker_image.as_deref().map(str::trim), &before) {
            (Some(image), _) => image.parse().map_err(Violation::Image),
            (None, Some(before)) => Ok(before.docker_image.clone()),
            (None, None) => Err(Violation::Required),
        };
        let image = image.map_err(|violation| problems.push(Problem::new("dockerImage", violation)));
        let mut size = |field, given: Option<u32>, before: Option<u32>, max| {
            let size = given.or(before).unwrap_or(10);
            if !(1..=max).contains(&size) {
                problems.push(Problem::new(field, Violation::OutOfRange { min: 1, max }));
            }
            size
        };
        let container = before.as_ref().map(|before| before.container_disk_size);
        let container = size("containerDiskSize", self.container_disk_size, container, MAX_CONTAINER_DISK_GB);
        let volume = before.as_ref().map(|before| before.volume_disk_size);
        let volume = size("volumeDiskSize", self.volume_disk_size, volume, MAX_VOLUME_DISK_GB);
        for (field, ports) in [("httpPorts", &self.http_ports), ("tcpPorts", &self.tcp_ports)] {
            check_ports(field, ports.as_deref().unwrap_or_default(), &mut problems);
        }
        let before_path = before.as_ref().map(|before| before.volume_path.clone());
        let path = self.volume_path.clone().or(before_path);
        let path = path.unwrap_or_else(|| DEFAULT_VOLUME_PATH.to_owned());
        if let Err(violation) = check_volume_path(&path) {
            problems.push(Problem::new("volumePath", violation));
        }
        let before_text = before.as_ref().map(|before| before.description.clone());
        let description = self.description.clone().or(before_text).unwrap_or_default();
        if description.chars().count() > MAX_DESCRIPTION_LEN {
            problems.push(Problem::new("description", Violation::TooLong(MAX_DESCRIPTION_LEN)));
        }
        ValidationErrors::check(problems).map_err(Error::from)?;
        let Ok(docker_image) = image else {
            return Err(Failure::field("dockerImage", Violation::Required));
        };
        let ports = |given: &Option<Vec<PortView>>, before: Option<Vec<_>>| match given {
            Some(ports) => ports.iter().cloned().map(Into::into).collect(),
            None => before.unwrap_or_default(),
        };
        let id: [u8; 12] = rand::random();
        Ok(Template {
            id: before.as_ref().map_or_else(|| data_encoding::HEXLOWER.encode(&id), |before| before.id.clone()),
            name,
            docker_image,
            http_ports: ports(&self.http_ports, before.as_ref().map(|before| before.http_ports.clone())),
            tcp_ports: ports(&self.tcp_ports, before.as_ref().map(|before| before.tcp_ports.clone())),
            container_disk_size: container,
            volume_disk_size: volume,
            volume_path: path,
            description,
            inject_token: before.as_ref().is_none_or(|before| before.inject_token),
            created_at: before.as_ref().map_or_else(Timestamp::now, |before| before.created_at),
            version: before.as_ref().map_or(0, |before| before.version),
        })
    }
}

fn check_ports(field: &'static str, ports: &[PortView], problems: &mut Vec<Problem>) {
    if ports.len() > MAX_PORTS {
        problems.push(Problem::new(field, Violation::TooManyPorts(MAX_PORTS)));
    }
    for (place, port) in ports.iter().enumerate() {
        if port.port == 0 {
            problems.push(Problem::new(field, Violation::Port("0".into())));
        }
        if ports[..place].iter().any(|other| other.port == port.port) {
            problems.push(Problem::new(field, Violation::PortTwice(port.port)));
        }
        if port.service_name.trim().is_empty() {
            problems.push(Problem::new(field, Violation::Required));
        }
        if port.service_name.chars().count() > MAX_NAME_LEN {
            problems.push(Problem::new(field, Violation::TooLong(MAX_NAME_LEN)));
        }
    }
}

/// A template to begin with, for a platform in development that nobody has used yet.
pub(crate) fn first() -> Template {
    let body = TemplateBody {
        name: Some("Jupyter PyTorch".into()),
        docker_image: Some("quay.io/jupyter/pytorch-notebook:latest".into()),
        http_ports: Some(vec![PortView {
            port: 8888,
            service_name: "Jupyter Lab".into(),
        }]),
        tcp_ports: None,
        container_disk_size: Some(20),
        volume_disk_size: Some(20),
        volume_path: Some("/home/jovyan/work".into()),
        description: Some("**PyTorch** + JupyterLab: `/home/jovyan/work`".into()),
    };
    #[expect(clippy::expect_used, reason = "a test checks it")]
    body.checked(None).expect("the template is valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_template_is_valid() {
        assert_eq!(first().http_ports[0].port, 8888);
    }
}
