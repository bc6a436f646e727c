//! Checks templates of administrators.

use jiff::Timestamp;
use neuropod::error::{Problem, ValidationErrors, Violation};
use neuropod::pod::check::{check_image, check_volume_path};
use neuropod::pod::options::{DEFAULT_DISK_GB, DEFAULT_MOUNT_PATH};
use neuropod::pod::{ImageRules, Limits, Port, Protocol};
use neuropod::{Error, PodOptions, Template};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::contract::failure::Failure;
use crate::contract::fields::{Fields, FromFields};

/// The maximum length of a description, in characters.
const MAX_DESCRIPTION_LEN: usize = 20_000;

/// A template, or a change of one: missing fields stay as they are.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "name": "Notebook", "dockerImage": "quay.io/jupyter/base-notebook",
    "httpPorts": [{ "port": 8888, "serviceName": "Jupyter Lab" }], "containerDiskSize": 10, "volumeDiskSize": 10,
}))]
pub(crate) struct TemplateBody {
    /// Unique regardless of case; 1 to 50 characters.
    name: Option<String>,
    /// The image.
    docker_image: Option<String>,
    /// Ports with HTTP.
    http_ports: Option<Vec<PortBody>>,
    /// Ports without HTTP.
    tcp_ports: Option<Vec<PortBody>>,
    /// In GB.
    #[schema(minimum = 1, maximum = 100)]
    container_disk_size: Option<i64>,
    /// In GB.
    #[schema(minimum = 1, maximum = 150)]
    volume_disk_size: Option<i64>,
    /// Absolute, and not a folder of the system; `/workspace` unless given.
    volume_path: Option<String>,
    /// Markdown.
    description: Option<String>,
}

/// A port and its name.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PortBody {
    /// The port of the container.
    #[schema(minimum = 1, maximum = 65535)]
    port: i64,
    /// Its name.
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
    /// The new template, or the changed one if there is `before`. `rules` restrict images.
    pub(crate) fn checked(
        &self,
        before: Option<&Template>,
        rules: &ImageRules,
        limits: &Limits,
    ) -> Result<Template, Failure> {
        let proposed = before.map(|before| &before.options);
        let mut problems = Vec::new();
        let name = match (self.name.as_deref().map(str::trim), before) {
            (None | Some(""), None) | (Some(""), Some(_)) => {
                problems.push(Problem::new("name", Violation::Required));
                String::new()
            }
            (Some(name), _) => {
                if name.chars().count() > limits.name_len {
                    problems.push(Problem::new("name", Violation::TooLong(limits.name_len)));
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
            (None, Some(before)) => check_image(before.options.image(), rules),
            (None, None) => Err(Violation::Required),
        };
        let image = image.map_err(|violation| problems.push(Problem::new("image", violation)));
        let mut size = |field, given: Option<i64>, before: Option<u32>, max| {
            let before = before.unwrap_or(DEFAULT_DISK_GB);
            let size = given.map_or(before, |size| u32::try_from(size).unwrap_or(0));
            if !(1..=max).contains(&size) {
                problems.push(Problem::new(field, Violation::OutOfRange { min: 1, max }));
            }
            size
        };
        let disk_gb = proposed.map(PodOptions::disk_gb);
        let disk_gb = size("disk_gb", self.container_disk_size, disk_gb, limits.disk_gb);
        let volume_gb = proposed.map(PodOptions::volume_gb);
        let volume_gb = size("volume_gb", self.volume_disk_size, volume_gb, limits.volume_gb);
        let lists = [
            ("httpPorts", &self.http_ports, Protocol::Http),
            ("tcpPorts", &self.tcp_ports, Protocol::Tcp),
        ];
        let mut ports = Vec::new();
        for (field, given, protocol) in lists {
            if let Some(given) = given {
                ports.extend(check_ports(field, given, protocol, limits, &mut problems));
            } else {
                let kept = proposed.map_or(&[][..], PodOptions::ports).iter();
                ports.extend(kept.filter(|port| port.protocol == protocol).cloned());
            }
        }
        let before_path = proposed.map(PodOptions::mount_path);
        let path = self.volume_path.as_deref().or(before_path);
        let path = path.unwrap_or(DEFAULT_MOUNT_PATH);
        if let Err(violation) = check_volume_path(path) {
            problems.push(Problem::new("mount_path", violation));
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
        let Ok(image) = image else {
            return Err(Failure::field("image", Violation::Required));
        };
        // Options that this body does not have stay as they are.
        let options = proposed.cloned().unwrap_or_default();
        let options = options
            .with_image(image)
            .with_disks(disk_gb, volume_gb)
            .with_ports(ports)
            .with_mount_path(path);
        if let Some(before) = before {
            return Ok(Template {
                name,
                options,
                description,
                ..before.clone()
            });
        }
        let id: [u8; 12] = rand::random();
        let id = data_encoding::HEXLOWER.encode(&id);
        Ok(Template::new(id, name, options, Timestamp::now()).with_description(description))
    }
}

/// The valid ports.
fn check_ports(
    field: &'static str,
    ports: &[PortBody],
    protocol: Protocol,
    limits: &Limits,
    problems: &mut Vec<Problem>,
) -> Vec<Port> {
    if ports.len() > limits.ports {
        problems.push(Problem::new(field, Violation::TooManyPorts(limits.ports)));
    }
    let mut right: Vec<Port> = Vec::new();
    for PortBody { port, service_name } in ports {
        if service_name.trim().is_empty() {
            problems.push(Problem::new(field, Violation::Required));
        }
        if service_name.chars().count() > limits.name_len {
            problems.push(Problem::new(field, Violation::TooLong(limits.name_len)));
        }
        match u16::try_from(*port) {
            Ok(0) | Err(_) => problems.push(Problem::new(field, Violation::Port(port.to_string()))),
            Ok(port) if right.iter().any(|other| other.number == port) => {
                problems.push(Problem::new(field, Violation::PortTwice(port)));
            }
            Ok(port) => {
                let port = match protocol {
                    Protocol::Http => Port::http(port),
                    Protocol::Tcp => Port::tcp(port),
                };
                right.push(port.with_name(service_name));
            }
        }
    }
    right
}

/// An initial template, for an unused platform in development.
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
    body.checked(None, &ImageRules::default(), &Limits::default())
        .expect("the template is valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_template_is_valid() {
        assert_eq!(first().options.ports()[0].number, 8888);
    }
}
