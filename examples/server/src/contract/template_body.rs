//! What administrators say of templates, checked.

use jiff::Timestamp;
use neuropod::error::validation::{MAX_CONTAINER_DISK_GB, MAX_NAME_LEN, MAX_PORTS, MAX_VOLUME_DISK_GB};
use neuropod::error::{Problem, ValidationErrors, Violation};
use neuropod::pod::check::{check_image, check_volume_path};
use neuropod::pod::image::ImageRules;
use neuropod::pod::template::{DEFAULT_VOLUME_PATH, NamedPort};
use neuropod::{Error, Template};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::contract::failure::Failure;
use crate::contract::fields::{Fields, FromFields};

/// The longest description, in characters.
const MAX_DESCRIPTION_LEN: usize = 20_000;

/// What a template is to be; what is missing in a change stays.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "name": "Notebook", "dockerImage": "quay.io/jupyter/base-notebook",
    "httpPorts": [{ "port": 8888, "serviceName": "Jupyter Lab" }], "containerDiskSize": 10, "volumeDiskSize": 10,
}))]
pub(crate) struct TemplateBody {
    /// Unique, whatever its case; 1 to 50 characters.
    name: Option<String>,
    /// The image.
    docker_image: Option<String>,
    /// Ports that speak HTTP.
    http_ports: Option<Vec<PortBody>>,
    /// Ports that do not.
    tcp_ports: Option<Vec<PortBody>>,
    /// In GB.
    #[schema(minimum = 1, maximum = 100)]
    container_disk_size: Option<i64>,
    /// In GB.
    #[schema(minimum = 1, maximum = 150)]
    volume_disk_size: Option<i64>,
    /// Absolute, and not the system's own; `/workspace` unless given.
    volume_path: Option<String>,
    /// Markdown.
    description: Option<String>,
}

/// A port and what listens there.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PortBody {
    /// The port of the container.
    #[schema(minimum = 1, maximum = 65535)]
    port: i64,
    /// What is there.
    service_name: String,
}

impl FromFields for TemplateBody {
    fn read(fields: &mut Fields) -> Self {
        Self {
            name: fields.optional("name"),
            docker_image: fields.optional("dockerImage"),
            http_ports: fields.optional("httpPorts"),
            tcp_ports: fields.optional("tcpPorts"),
            container_disk_size: fields.optional("containerDiskSize"),
            volume_disk_size: fields.optional("volumeDiskSize"),
            volume_path: fields.optional("volumePath"),
            description: fields.optional("description"),
        }
    }
}

impl TemplateBody {
    /// The template that this makes, or makes of `before`, where images are allowed by `rules`.
    pub(crate) fn checked(&self, before: Option<&Template>, rules: &ImageRules) -> Result<Template, Failure> {
        let mut problems = Vec::new();
        let name = match (self.name.as_deref().map(str::trim), before) {
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
        let image = match (self.docker_image.as_deref().map(str::trim), before) {
            (Some(image), _) => check_image(image, rules),
            // The rules may have changed since it was stored.
            (None, Some(before)) => check_image(before.docker_image.as_str(), rules),
            (None, None) => Err(Violation::Required),
        };
        let image = image.map_err(|violation| problems.push(Problem::new("dockerImage", violation)));
        let mut size = |field, given: Option<i64>, before: Option<u32>, max| {
            let size = given.map_or(before.unwrap_or(10), |size| u32::try_from(size).unwrap_or(0));
            if !(1..=max).contains(&size) {
                problems.push(Problem::new(field, Violation::OutOfRange { min: 1, max }));
            }
            size
        };
        let container = before.map(|before| before.container_disk_size);
        let container = size(
            "containerDiskSize",
            self.container_disk_size,
            container,
            MAX_CONTAINER_DISK_GB,
        );
        let volume = before.map(|before| before.volume_disk_size);
        let volume = size(
            "volumeDiskSize",
            self.volume_disk_size,
            volume,
            MAX_VOLUME_DISK_GB,
        );
        let mut ports = |field, given: &Option<Vec<PortBody>>, before: Option<&Vec<NamedPort>>| match given {
            Some(ports) => check_ports(field, ports, &mut problems),
            None => before.cloned().unwrap_or_default(),
        };
        let http_ports = ports(
            "httpPorts",
            &self.http_ports,
            before.map(|before| &before.http_ports),
        );
        let tcp_ports = ports(
            "tcpPorts",
            &self.tcp_ports,
            before.map(|before| &before.tcp_ports),
        );
        let before_path = before.map(|before| before.volume_path.clone());
        let path = self.volume_path.clone().or(before_path);
        let path = path.unwrap_or_else(|| DEFAULT_VOLUME_PATH.to_owned());
        if let Err(violation) = check_volume_path(&path) {
            problems.push(Problem::new("volumePath", violation));
        }
        let before_text = before.map(|before| before.description.clone());
        let description = self.description.clone().or(before_text).unwrap_or_default();
        if description.chars().count() > MAX_DESCRIPTION_LEN {
            problems.push(Problem::new(
                "description",
                Violation::TooLong(MAX_DESCRIPTION_LEN),
            ));
        }
        ValidationErrors::check(problems).map_err(Error::from)?;
        let Ok(docker_image) = image else {
            return Err(Failure::field("dockerImage", Violation::Required));
        };
        let id: [u8; 12] = rand::random();
        Ok(Template {
            id: before
                .as_ref()
                .map_or_else(|| data_encoding::HEXLOWER.encode(&id), |before| before.id.clone()),
            name,
            docker_image,
            http_ports,
            tcp_ports,
            container_disk_size: container,
            volume_disk_size: volume,
            volume_path: path,
            description,
            inject_token: before.is_none_or(|before| before.inject_token),
            created_at: before
                .as_ref()
                .map_or_else(Timestamp::now, |before| before.created_at),
            version: before.map_or(0, |before| before.version),
        })
    }
}

/// The ports that are right.
fn check_ports(field: &'static str, ports: &[PortBody], problems: &mut Vec<Problem>) -> Vec<NamedPort> {
    if ports.len() > MAX_PORTS {
        problems.push(Problem::new(field, Violation::TooManyPorts(MAX_PORTS)));
    }
    let mut right: Vec<NamedPort> = Vec::new();
    for PortBody { port, service_name } in ports {
        if service_name.trim().is_empty() {
            problems.push(Problem::new(field, Violation::Required));
        }
        if service_name.chars().count() > MAX_NAME_LEN {
            problems.push(Problem::new(field, Violation::TooLong(MAX_NAME_LEN)));
        }
        match u16::try_from(*port) {
            Ok(0) | Err(_) => problems.push(Problem::new(field, Violation::Port(port.to_string()))),
            Ok(port) if right.iter().any(|other| other.port == port) => {
                problems.push(Problem::new(field, Violation::PortTwice(port)));
            }
            Ok(port) => right.push(NamedPort {
                port,
                service_name: service_name.clone(),
            }),
        }
    }
    right
}

/// A template to begin with, for a platform in development that nobody has used yet.
pub(crate) fn first() -> Template {
    let body = TemplateBody {
        name: Some("Jupyter PyTorch".into()),
        docker_image: Some("quay.io/jupyter/pytorch-notebook:latest".into()),
        http_ports: Some(vec![PortBody {
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
    body.checked(None, &ImageRules::default())
        .expect("the template is valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_template_is_valid() {
        assert_eq!(first().http_ports[0].port, 8888);
    }
}
