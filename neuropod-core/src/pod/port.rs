//! The public ports of a pod and their names.

/// The port of a Jupyter server.
pub const JUPYTER_PORT: u16 = 8888;
/// The name of [`JUPYTER_PORT`] where Jupyter is on.
pub const JUPYTER_NAME: &str = "Jupyter Lab";

/// A public port of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// The port of the container.
    pub number: u16,
    /// Its name; `None`: neither its template nor the platform has a name for it.
    pub name: Option<String>,
    /// Its protocol.
    pub protocol: Protocol,
}

/// The protocol of a public port. Stores know every variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP, upgrades to a WebSocket included: the port gets a public host name.
    Http,
    /// Anything over TCP. Templates may name such ports; pods can't have them yet.
    Tcp,
}

impl Port {
    /// A port that speaks HTTP.
    pub fn http(number: u16) -> Self {
        Self {
            number,
            name: None,
            protocol: Protocol::Http,
        }
    }

    /// A port that speaks anything over TCP.
    pub fn tcp(number: u16) -> Self {
        Self {
            protocol: Protocol::Tcp,
            ..Self::http(number)
        }
    }

    /// With a name, such as `TensorBoard`.
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl From<u16> for Port {
    /// A port that speaks HTTP.
    fn from(number: u16) -> Self {
        Self::http(number)
    }
}

/// Names the ports that have no name: as the template calls them, else `Jupyter Lab` for port 8888 where Jupyter is on.
///
/// ```
/// use neuropod_core::pod::port::{Port, name_ports};
///
/// let named = [Port::http(7860).with_name("Gradio")];
/// let ports = name_ports([7860, 8888, 9000].map(Port::http).into(), &named, true);
/// let names: Vec<_> = ports.iter().map(|port| port.name.as_deref()).collect();
/// assert_eq!(names, [Some("Gradio"), Some("Jupyter Lab"), None]);
/// ```
pub fn name_ports(mut ports: Vec<Port>, named: &[Port], jupyter: bool) -> Vec<Port> {
    for port in ports.iter_mut().filter(|port| port.name.is_none()) {
        let of_template = named
            .iter()
            .find(|named| (named.number, named.protocol) == (port.number, port.protocol));
        port.name = match of_template {
            Some(named) => named.name.clone(),
            None if jupyter && port.number == JUPYTER_PORT => Some(JUPYTER_NAME.to_owned()),
            None => None,
        };
    }
    ports
}
