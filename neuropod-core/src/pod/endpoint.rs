//! The public ports of a pod and what they are called.

use serde::{Deserialize, Serialize};

use crate::pod::template::NamedPort;

/// The port of a Jupyter server.
pub const JUPYTER_PORT: u16 = 8888;
/// What [`JUPYTER_PORT`] is called where Jupyter is enabled.
pub const JUPYTER_NAME: &str = "Jupyter Lab";

/// A public port of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// The port of the container.
    pub port: u16,
    /// What it is called.
    pub service_name: String,
    /// Whether the user added it, rather than the template or the platform naming it.
    pub is_custom: bool,
}

/// Names the ports in the order they were asked for: as the template calls them, else `Jupyter Lab` for port 8888
/// where Jupyter is enabled, else `Servicio N`. A plain image has no template: `named` is empty.
///
/// ```
/// use neuropod_core::pod::endpoint::name_endpoints;
/// use neuropod_core::pod::template::NamedPort;
///
/// let named = [NamedPort { port: 7860, service_name: "Gradio".into() }];
/// let endpoints = name_endpoints(&[7860, 8888, 9000], &named, true);
/// let names: Vec<_> = endpoints.iter().map(|endpoint| endpoint.service_name.as_str()).collect();
/// assert_eq!(names, ["Gradio", "Jupyter Lab", "Servicio 3"]);
/// assert!(endpoints[2].is_custom);
/// ```
pub fn name_endpoints(ports: &[u16], named: &[NamedPort], jupyter: bool) -> Vec<Endpoint> {
    let name = |(index, &port): (usize, &u16)| {
        let (service_name, is_custom) = match named.iter().find(|named| named.port == port) {
            Some(named) => (named.service_name.clone(), false),
            None if jupyter && port == JUPYTER_PORT => (JUPYTER_NAME.to_owned(), false),
            None => (format!("Servicio {}", index + 1), true),
        };
        Endpoint {
            port,
            service_name,
            is_custom,
        }
    };
    ports.iter().enumerate().map(name).collect()
}
