//! Options that the owner of a pod has chosen, or that a template proposes.
//!
//! Secrets are not among them; they go to [`Secrets`](super::secrets::Secrets).

use neuropod_core::pod::{Environment, ImageReference, Jupyter, PodOptionsFields, Port, Protocol};
use neuropod_core::{AccessToken, Money, PodOptions};
use serde::{Deserialize, Serialize};

use super::tree::{Tree, find, find_mut, move_field, remove};

/// The field `options` of a pod or a template. Options not chosen are absent.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OptionsShape {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    image: Option<ImageReference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gpu: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disk_gb: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    volume_gb: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mount_path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ports: Option<Vec<PortShape>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jupyter: Option<JupyterShape>,
    /// In micro-euros.
    #[serde(default)]
    daily_cap: Option<Money>,
}

/// A public port.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PortShape {
    port: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service_name: Option<String>,
    #[serde(default)]
    protocol: ProtocolShape,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum ProtocolShape {
    #[default]
    Http,
    Tcp,
}

/// The source of the token of a Jupyter server. A chosen token is among the secrets.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum JupyterShape {
    Off,
    Generated,
    Chosen,
    Read,
}

/// The stored parts of the options.
pub(super) struct OptionsParts {
    pub(super) options: OptionsShape,
    /// Secret.
    pub(super) chosen_token: Option<AccessToken>,
    /// Secret.
    pub(super) environment: Environment,
}

/// The options that layout 1 stores elsewhere: in SQLite, then in MongoDB and in templates.
const MOVED: [(&str, &str); 26] = [
    ("spec.template", "templateId"),
    ("spec.image", "options.image"),
    ("spec.gpu", "options.gpu"),
    ("spec.containerDiskGb", "options.diskGb"),
    ("spec.volumeDiskGb", "options.volumeGb"),
    ("spec.mountPath", "options.mountPath"),
    ("spec.jupyter", "options.jupyter"),
    ("spec.injectToken", "injectToken"),
    ("spec.dailyCap", "options.dailyCap"),
    ("spec.volume", "kubernetesResources.pvcName"),
    ("spec.namespace", "kubernetesResources.namespace"),
    ("spec.endpoints", "options.ports"),
    ("spec.chosenToken", "secrets.chosenToken"),
    ("spec.environment", "secrets.environment"),
    ("dockerImage", "options.image"),
    ("gpu", "options.gpu"),
    ("containerDiskSize", "options.diskGb"),
    ("volumeDiskSize", "options.volumeGb"),
    ("volumePath", "options.mountPath"),
    ("enableJupyter", "options.jupyter"),
    ("dailyCap", "options.dailyCap"),
    ("chosenToken", "secrets.chosenToken"),
    ("environment", "secrets.environment"),
    ("httpServices", "options.ports"),
    ("httpPorts", "options.ports"),
    ("tcpPorts", TCP_PORTS),
];

/// The path of a template's TCP ports during an upgrade.
const TCP_PORTS: &str = "options.tcpPorts";

/// Moves the options of a document of layout 1 to their present places.
pub(super) fn upgrade<T: Tree>(document: &mut T) {
    for (from, to) in MOVED {
        move_field(document, from, to);
    }
    upgrade_jupyter(document);
    let ports = find_mut(document, "options.ports").map_or(&mut [][..], Tree::items_mut);
    for (place, port) in ports.iter_mut().enumerate() {
        // Unnamed ports got a generated name, which their position already says.
        let is_custom = port.remove_field("isCustom").and_then(|flag| flag.as_bool());
        let of_place = format!("Servicio {}", place + 1);
        let name = port.field("serviceName").and_then(Tree::as_text);
        if is_custom == Some(true) && name == Some(&of_place) {
            port.remove_field("serviceName");
        }
    }
    if let Some(mut tcp) = remove(document, TCP_PORTS) {
        for port in tcp.items_mut() {
            port.add_field("protocol", T::text("tcp"));
        }
        match find_mut(document, "options.ports") {
            Some(ports) => ports.append(tcp),
            None => move_in(document, tcp),
        }
    }
}

fn move_in<T: Tree>(document: &mut T, ports: T) {
    if let Some(options) = find_mut(document, "options") {
        options.add_field("ports", ports);
    }
}

/// Layout 1 has two flags: whether Jupyter is on (never for templates), and whether a token is injected.
fn upgrade_jupyter<T: Tree>(document: &mut T) {
    let injected = remove(document, "injectToken").and_then(|flag| flag.as_bool());
    let on = find(document, "options.jupyter").map(Tree::as_bool);
    let word = match (on, injected) {
        (Some(Some(false)), _) => "off",
        (None | Some(Some(true)), Some(false)) => "read",
        (Some(Some(true)), _) | (None, Some(true)) => "generated",
        // Neither flag is set, or the document has the present layout.
        (None, None) | (Some(None), _) => return,
    };
    remove(document, "options.jupyter");
    if let Some(options) = find_mut(document, "options") {
        options.add_field("jupyter", T::text(word));
    }
}

impl From<PodOptions> for OptionsParts {
    fn from(options: PodOptions) -> Self {
        let PodOptionsFields {
            image,
            gpu,
            disk_gb,
            volume_gb,
            mount_path,
            ports,
            jupyter,
            environment,
            daily_cap,
        } = options.into();
        let (jupyter, chosen_token) = match jupyter {
            Some(Jupyter::Off) => (Some(JupyterShape::Off), None),
            Some(Jupyter::Generated) => (Some(JupyterShape::Generated), None),
            Some(Jupyter::Chosen(token)) => (Some(JupyterShape::Chosen), Some(token)),
            Some(Jupyter::Read) => (Some(JupyterShape::Read), None),
            None => (None, None),
        };
        Self {
            options: OptionsShape {
                image,
                gpu,
                disk_gb,
                volume_gb,
                mount_path,
                ports: ports.map(|ports| ports.into_iter().map(Into::into).collect()),
                jupyter,
                daily_cap,
            },
            chosen_token,
            environment,
        }
    }
}

impl From<OptionsParts> for PodOptions {
    fn from(parts: OptionsParts) -> Self {
        let OptionsParts {
            options,
            chosen_token,
            environment,
        } = parts;
        let OptionsShape {
            image,
            gpu,
            disk_gb,
            volume_gb,
            mount_path,
            ports,
            jupyter,
            daily_cap,
        } = options;
        let jupyter = match (jupyter, chosen_token) {
            (Some(JupyterShape::Off), _) => Some(Jupyter::Off),
            // A document of layout 1 has the token without saying that it was chosen.
            (_, Some(token)) => Some(Jupyter::Chosen(token)),
            // A lost token can't be restored, so a new one is generated.
            (Some(JupyterShape::Generated | JupyterShape::Chosen), None) => Some(Jupyter::Generated),
            (Some(JupyterShape::Read), None) => Some(Jupyter::Read),
            (None, None) => None,
        };
        PodOptionsFields {
            image,
            gpu,
            disk_gb,
            volume_gb,
            mount_path,
            ports: ports.map(|ports| ports.into_iter().map(Into::into).collect()),
            jupyter,
            environment,
            daily_cap,
        }
        .into()
    }
}

impl From<Port> for PortShape {
    fn from(port: Port) -> Self {
        let Port {
            number,
            name,
            protocol,
        } = port;
        Self {
            port: number,
            service_name: name,
            protocol: match protocol {
                Protocol::Http => ProtocolShape::Http,
                Protocol::Tcp => ProtocolShape::Tcp,
            },
        }
    }
}

impl From<PortShape> for Port {
    fn from(shape: PortShape) -> Self {
        let PortShape {
            port,
            service_name,
            protocol,
        } = shape;
        Self {
            number: port,
            name: service_name,
            protocol: match protocol {
                ProtocolShape::Http => Protocol::Http,
                ProtocolShape::Tcp => Protocol::Tcp,
            },
        }
    }
}
