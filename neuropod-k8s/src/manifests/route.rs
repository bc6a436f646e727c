//! The public host of a port: an Ingress or an `HTTPRoute`.

use std::collections::BTreeMap;

use neuropod_core::cluster::Workload;
use neuropod_core::cluster::workload::EndpointSpec;
use serde_json::{Value, json};

use super::draft::Draft;
use crate::api::kinds::Kind;
use crate::api::manifest::Manifest;
use crate::config::{Exposure, KubeConfig};
use crate::labels;

/// What controllers would do otherwise, and what it would break. Each reads its own: examples/deploy/README.md has the
/// sources.
const CONTROLLERS: [(&str, &str); 12] = [
    // Silent for a minute: closed. A kernel that computes may say nothing for long. Seconds.
    ("nginx.ingress.kubernetes.io/proxy-read-timeout", "3600"),
    ("nginx.ingress.kubernetes.io/proxy-send-timeout", "3600"),
    // Bodies of more than 1 MiB: refused. Jupyter Lab sends a file in parts of 1.4 MB, and a notebook in one.
    ("nginx.ingress.kubernetes.io/proxy-body-size", "0"),
    // A body is written to the controller's disk before the pod gets any of it.
    ("nginx.ingress.kubernetes.io/proxy-request-buffering", "off"),
    // Headers of more than 4 KiB in an answer: refused. The policy and the cookies of a server can be longer.
    ("nginx.ingress.kubernetes.io/proxy-buffer-size", "16k"),
    // Addresses of pods: asked for a while after the pod is ready, and until then the host answers 503. The Service
    // has one pod at most, and its own address from the beginning.
    ("nginx.ingress.kubernetes.io/service-upstream", "true"),
    // A connection that nobody takes up (a node that has not heard of the Service yet): a page that loads for a minute.
    ("nginx.ingress.kubernetes.io/proxy-connect-timeout", "5"),
    // Answers that are silent for 30 or 50 seconds: ended, as a kernel's that computes.
    ("haproxy-ingress.github.io/timeout-server", "1h"),
    ("haproxy.org/timeout-server", "1h"),
    ("haproxy.router.openshift.io/timeout", "1h"),
    // Contour lets WebSockets through where it is told to, and ends answers after 15 seconds.
    ("projectcontour.io/websocket-routes", "/"),
    ("projectcontour.io/response-timeout", "infinity"),
];

pub(super) fn route(workload: &Workload, endpoint: &EndpointSpec, config: &KubeConfig) -> Manifest {
    let none = BTreeMap::new();
    let (kind, fields, annotations) = match &config.exposure {
        Exposure::Ingress {
            class,
            tls_secret,
            annotations,
        } => (
            Kind::Ingress,
            ingress(endpoint, class.as_deref(), tls_secret.as_deref()),
            annotations,
        ),
        Exposure::Gateway {
            name,
            namespace,
            section,
        } => (
            Kind::HttpRoute,
            http_route(endpoint, name, namespace.as_deref(), section.as_deref()),
            &none,
        ),
    };
    let mut draft = Draft::of_run(workload, config, kind, &endpoint.route, fields);
    draft.label(labels::PORT, &endpoint.port.to_string());
    if kind == Kind::Ingress {
        for (key, value) in CONTROLLERS {
            draft.annotate(key, value);
        }
    }
    for (key, value) in annotations {
        draft.annotate(key, value);
    }
    draft.finish()
}

fn ingress(endpoint: &EndpointSpec, class: Option<&str>, tls_secret: Option<&str>) -> Value {
    let backend = json!({ "service": { "name": endpoint.service, "port": { "number": endpoint.port } } });
    let mut spec = json!({
        "rules": [{
            "host": endpoint.host,
            "http": { "paths": [{ "path": "/", "pathType": "Prefix", "backend": backend }] },
        }],
    });
    if let Some(class) = class {
        spec["ingressClassName"] = class.into();
    }
    if let Some(secret) = tls_secret {
        spec["tls"] = json!([{ "hosts": [endpoint.host], "secretName": secret }]);
    }
    json!({ "spec": spec })
}

fn http_route(
    endpoint: &EndpointSpec,
    gateway: &str,
    namespace: Option<&str>,
    section: Option<&str>,
) -> Value {
    let mut parent = json!({
        "group": "gateway.networking.k8s.io",
        "kind": "Gateway",
        "name": gateway,
    });
    if let Some(namespace) = namespace {
        parent["namespace"] = namespace.into();
    }
    if let Some(section) = section {
        parent["sectionName"] = section.into();
    }
    json!({ "spec": {
        "parentRefs": [parent],
        "hostnames": [endpoint.host],
        "rules": [{
            "matches": [{ "path": { "type": "PathPrefix", "value": "/" } }],
            // Zero: none. Some controllers end every request after 15 seconds otherwise.
            "timeouts": { "request": "0s", "backendRequest": "0s" },
            "backendRefs": [{ "name": endpoint.service, "port": endpoint.port }],
        }],
    }})
}
