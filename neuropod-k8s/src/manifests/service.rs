//! The Service of a port.

use neuropod_core::cluster::Workload;
use neuropod_core::cluster::workload::EndpointSpec;
use serde_json::json;

use super::draft::Draft;
use crate::api::kinds::Kind;
use crate::api::manifest::Manifest;
use crate::config::{Exposure, KubeConfig, Services};
use crate::labels;

/// Makes Traefik use the address of the Service, if it has one, for Ingresses and Gateways. By default it sends
/// requests to ready pods, and the host returns 404 or 503 until it has learnt of one. The Service has at most one
/// pod, so nothing is lost. Traefik refuses a Service with these annotations and no address.
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
    if let Exposure::Gateway(_) = config.exposure {
        // Gateways recognise WebSockets by it. Not set otherwise, because some ingress controllers refuse
        // unknown values.
        port["appProtocol"] = "kubernetes.io/ws".into();
    }
    let fields = json!({ "spec": {
        "type": "ClusterIP",
        "selector": {
            labels::MANAGED_BY: labels::MANAGER,
            labels::POD_ID: workload.reference.pod_id,
        },
        "ports": [port],
        // Readiness refers to the Jupyter server. The other ports may serve before or after it.
        "publishNotReadyAddresses": true,
    }});
    let mut draft = Draft::of_run(workload, config, Kind::Service, &endpoint.service, fields);
    draft.label(labels::PORT, &endpoint.port.to_string());
    match config.services {
        Services::Headless => draft.create_with("clusterIP", "None"),
        Services::ClusterIp => {
            let [ingress, gateway] = TRAEFIK;
            let annotation = match config.exposure {
                Exposure::Ingress(_) => ingress,
                Exposure::Gateway(_) => gateway,
            };
            draft.annotate_new(annotation, "true");
        }
    }
    draft.finish()
}
