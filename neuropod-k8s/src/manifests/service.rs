//! The Service of a port.

use neuropod_core::cluster::Workload;
use neuropod_core::cluster::workload::EndpointSpec;
use serde_json::json;

use super::draft::Draft;
use crate::api::kinds::Kind;
use crate::api::manifest::Manifest;
use crate::config::{Exposure, KubeConfig};
use crate::labels;

/// Traefik asks which pods are ready and hands requests on to those; until it has heard of one, the host answers 404 or
/// 503. The Service has one pod at most, so Traefik can as well use the address of the Service from the beginning. For
/// Ingresses, and for Gateways.
const TRAEFIK: [&str; 2] = [
    "traefik.ingress.kubernetes.io/service.nativelb",
    "traefik.io/service.nativelb",
];

pub(super) fn service(workload: &Workload, endpoint: &EndpointSpec, config: &KubeConfig) -> Manifest {
    let mut port = json!({
        // At most 15 characters, at least one of them a letter.
        "name": format!("port-{}", endpoint.port),
        "port": endpoint.port,
        "protocol": "TCP",
        "targetPort": endpoint.port,
    });
    if let Exposure::Gateway { .. } = config.exposure {
        // Gateways tell WebSockets by this; some ingress controllers refuse values that they don't know.
        port["appProtocol"] = "kubernetes.io/ws".into();
    }
    let fields = json!({ "spec": {
        "type": "ClusterIP",
        "selector": {
            labels::MANAGED_BY: labels::MANAGER,
            labels::POD_ID: workload.reference.pod_id,
        },
        "ports": [port],
        // Readiness is that of the Jupyter server: the other ports answer when they answer.
        "publishNotReadyAddresses": true,
    }});
    let mut draft = Draft::of_run(workload, config, Kind::Service, &endpoint.service, fields);
    draft.label(labels::PORT, &endpoint.port.to_string());
    let [ingress, gateway] = TRAEFIK;
    let annotation = match config.exposure {
        Exposure::Ingress { .. } => ingress,
        Exposure::Gateway { .. } => gateway,
    };
    draft.annotate(annotation, "true");
    draft.finish()
}
