//! Records the rights that the requests of a backend use.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use http::header::CONTENT_TYPE;
use http::{Method, Request};
use kube::client::{Body, ClientBuilder};
use neuropod_k8s::{KubeCluster, KubeConfig};
use tower::util::MapRequestLayer;

use super::Right;

/// The content of a server-side apply.
const APPLY: &str = "application/apply-patch+yaml";

/// Connects backends, and records their requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<BTreeSet<Used>>>);

/// A right used by a request. Without a namespace: all namespaces, or a cluster-wide object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Used {
    verb: &'static str,
    group: String,
    resource: String,
    namespace: Option<String>,
}

impl Recorder {
    /// A backend whose requests are recorded.
    pub(crate) fn connect(&self, connection: &kube::Config, config: KubeConfig) -> KubeCluster {
        let used = self.0.clone();
        let note = move |request: Request<Body>| {
            let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
            let mut used = used.lock().unwrap();
            let right = read(request.method(), path, query);
            // An apply creates what does not exist, and then takes the right to that too.
            if request
                .headers()
                .get(CONTENT_TYPE)
                .is_some_and(|content| content == APPLY)
            {
                used.extend(right.clone().map(|right| Used {
                    verb: "create",
                    ..right
                }));
            }
            used.extend(right);
            drop(used);
            request
        };
        let client = ClientBuilder::try_from(connection.clone())
            .unwrap()
            .with_layer(&MapRequestLayer::new(note))
            .build();
        KubeCluster::with_client(client, config)
    }

    /// Whether a watch on this resource was opened.
    pub(crate) fn has_watched(&self, resource: &str) -> bool {
        let used = self.0.lock().unwrap();
        used.iter()
            .any(|used| used.verb == "watch" && used.resource == resource)
    }

    /// Whether a watch on this resource in all namespaces was opened.
    pub(crate) fn has_watched_everywhere(&self, resource: &str) -> bool {
        let used = self.0.lock().unwrap();
        used.contains(&Used {
            verb: "watch",
            group: String::new(),
            resource: resource.to_owned(),
            namespace: None,
        })
    }

    /// Whether a right was used: one of a `Role` in its namespace, one of a `ClusterRole` anywhere else, or in
    /// any namespace if no other rule grants it.
    pub(crate) fn has_used(&self, right: &Right, namespace: &str, others: &BTreeSet<Right>) -> bool {
        let is_in_role = others.contains(&Right {
            in_namespace: true,
            ..right.clone()
        });
        let fits = |used: &Used| {
            let same =
                used.verb == right.verb && used.group == right.group && used.resource == right.resource;
            let is_there = used.namespace.as_deref() == Some(namespace);
            same && if right.in_namespace {
                is_there
            } else {
                !(is_there && is_in_role)
            }
        };
        self.0.lock().unwrap().iter().any(fits)
    }
}

/// The right that a request uses, according to the API server's `RequestInfo`; none for discovery and for
/// access reviews, which are open to everybody.
fn read(method: &Method, path: &str, query: &str) -> Option<Used> {
    let mut parts = path.trim_start_matches('/').split('/');
    let group = match parts.next()? {
        "api" => "",
        "apis" => parts.next()?,
        _ => return None,
    };
    let _version = parts.next()?;
    let rest: Vec<_> = parts.collect();
    let (namespace, rest) = match rest.as_slice() {
        // A namespace itself is in itself.
        ["namespaces", name] => (Some(*name), rest.as_slice()),
        ["namespaces", name, rest @ ..] => (Some(*name), rest),
        rest => (None, rest),
    };
    let (resource, has_name) = match rest {
        [] => return None,
        [resource] => ((*resource).to_owned(), false),
        [resource, _name] => ((*resource).to_owned(), true),
        [resource, _name, below, ..] => (format!("{resource}/{below}"), true),
    };
    let verb = match *method {
        Method::GET if query.contains("watch=true") => "watch",
        Method::GET if has_name => "get",
        Method::GET => "list",
        Method::POST => "create",
        Method::PATCH => "patch",
        Method::PUT => "update",
        Method::DELETE if has_name => "delete",
        Method::DELETE => "deletecollection",
        _ => return None,
    };
    (group != "authorization.k8s.io").then(|| Used {
        verb,
        group: group.to_owned(),
        resource,
        namespace: namespace.map(str::to_owned),
    })
}
