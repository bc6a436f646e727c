//! The public host of a port: an Ingress or an `HTTPRoute`.

use neuropod_core::cluster::Workload;
use neuropod_core::cluster::workload::EndpointSpec;
use serde_json::{Value, json};

use super::draft::Draft;
use crate::api::kinds::Kind;
use crate::api::manifest::Manifest;
use crate::config::{Exposure, GatewayRoutes, IngressRoutes, KubeConfig, Services};
use crate::labels;

/// Annotations against defaults of controllers that break pods. Each controller reads its own; the sources are in
/// examples/deploy/README.md.
const CONTROLLERS: [(&str, &str); 11] = [
    // Seconds. By default a connection is closed after a minute of silence, but a kernel may compute for longer.
    ("nginx.ingress.kubernetes.io/proxy-read-timeout", "3600"),
    ("nginx.ingress.kubernetes.io/proxy-send-timeout", "3600"),
    // By default bodies above 1 MiB are refused. Jupyter Lab sends files in parts of 1.4 MB, and a notebook in one.
    ("nginx.ingress.kubernetes.io/proxy-body-size", "0"),
    // By default a body is written to the controller's disk before the pod gets any of it.
    ("nginx.ingress.kubernetes.io/proxy-request-buffering", "off"),
    // By default response headers above 4 KiB are refused. The policy and the cookies of a server can be longer.
    ("nginx.ingress.kubernetes.io/proxy-buffer-size", "16k"),
    // By default a page loads for a minute if nobody accepts the connection, as on a node that does not know the Service yet.
    ("nginx.ingress.kubernetes.io/proxy-connect-timeout", "5"),
    // By default responses end after 30 or 50 seconds of silence, as while a kernel computes.
    ("haproxy-ingress.github.io/timeout-server", "1h"),
    ("haproxy.org/timeout-server", "1h"),
    ("haproxy.router.openshift.io/timeout", "1h"),
    // Contour allows WebSockets only on listed paths, and by default ends responses after 15 seconds.
    ("projectcontour.io/websocket-routes", "/"),
    ("projectcontour.io/response-timeout", "infinity"),
];

/// By default ingress-nginx uses the addresses of ready pods, and the host returns 503 until it has learnt one. The
/// Service has at most one pod. If it has an address of its own, it has it from the beginning.
const OWN_ADDRESS: (&str, &str) = ("nginx.ingress.kubernetes.io/service-upstream", "true");

pub(super) fn route(workload: &Workload, endpoint: &EndpointSpec, config: &KubeConfig) -> Manifest {
    let (kind, fields) = match &config.exposure {
        Exposure::Ingress(routes) => (Kind::Ingress, ingress(endpoint, routes)),
        Exposure::Gateway(routes) => (Kind::HttpRoute, http_route(endpoint, routes)),
    };
    let mut draft = Draft::of_run(workload, config, kind, &endpoint.route, fields);
    draft.label(labels::PORT, &endpoint.port.to_string());
    if let Exposure::Ingress(routes) = &config.exposure {
        let own_address = (config.services == Services::ClusterIp).then_some(OWN_ADDRESS);
        for (key, value) in CONTROLLERS.into_iter().chain(own_address) {
            draft.annotate(key, value);
        }
        for (key, value) in &routes.annotations {
            draft.annotate(key, value);
        }
    }
    draft.finish()
}

fn ingress(endpoint: &EndpointSpec, routes: &IngressRoutes) -> Value {
    let backend = json!({ "service": { "name": endpoint.service, "port": { "number": endpoint.port } } });
    let mut spec = json!({
        "rules": [{
            "host": endpoint.host,
            "http": { "paths": [{ "path": "/", "pathType": "Prefix", "backend": backend }] },
        }],
    });
    if let Some(class) = &routes.class {
        spec["ingressClassName"] = class.as_str().into();
    }
    if let Some(secret) = &routes.tls_secret {
        spec["tls"] = json!([{ "hosts": [endpoint.host], "secretName": secret }]);
    }
    json!({ "spec": spec })
}

fn http_route(endpoint: &EndpointSpec, routes: &GatewayRoutes) -> Value {
    let mut parent = json!({
        "group": "gateway.networking.k8s.io",
        "kind": "Gateway",
        "name": routes.name,
    });
    if let Some(namespace) = &routes.namespace {
        parent["namespace"] = namespace.as_str().into();
    }
    if let Some(section) = &routes.section {
        parent["sectionName"] = section.as_str().into();
    }
    json!({ "spec": {
        "parentRefs": [parent],
        "hostnames": [endpoint.host],
        "rules": [{
            "matches": [{ "path": { "type": "PathPrefix", "value": "/" } }],
            // Zero means no time-out. Otherwise some controllers end every request after 15 seconds.
            "timeouts": { "request": "0s", "backendRequest": "0s" },
            "backendRefs": [{ "name": endpoint.service, "port": endpoint.port }],
        }],
    }})
}
