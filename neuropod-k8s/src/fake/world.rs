//! A cluster for tests that stores the objects created in it. Pods end only at the test's command; other
//! objects are deleted at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use http::Method;
use kube::Client;
use serde_json::{Value, json};

use crate::fake::server::{self, Log, Received, Reply};

const PODS: &str = "/pods";
const COLLECTIONS: [&str; 11] = [
    PODS,
    "/services",
    "/secrets",
    "/networkpolicies",
    "/ingresses",
    "/httproutes",
    "/persistentvolumeclaims",
    "/ingressclasses",
    "/storageclasses",
    "/events",
    "/nodes",
];

/// A forbidden request: the method and a part of the path.
type Refusal = (Method, &'static str);

/// The objects of a cluster, by their path.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) objects: BTreeMap<String, Value>,
    made: u32,
    /// The forbidden requests.
    pub(crate) refused: Vec<Refusal>,
}

impl World {
    /// A cluster with the namespace `users` and default classes.
    pub(crate) fn set_up() -> Self {
        let mut world = Self::default();
        for (path, class) in [
            ("/api/v1/namespaces/users", ""),
            ("/apis/networking.k8s.io/v1/ingressclasses/a", "ingressclass"),
            ("/apis/storage.k8s.io/v1/storageclasses/a", "storageclass"),
        ] {
            let default = format!("{class}.kubernetes.io/is-default-class");
            let object = json!({ "metadata": { "name": "a", "annotations": { default: "true" } } });
            world.objects.insert(path.to_owned(), object);
        }
        world
    }

    /// A client of this cluster.
    pub(crate) fn client(self) -> (Client, Log, Arc<Mutex<Self>>) {
        let world = Arc::new(Mutex::new(self));
        let received = world.clone();
        let (client, log) = server::client(move |request| received.lock().unwrap().reply(request));
        (client, log, world)
    }

    fn reply(&mut self, received: &Received) -> Reply {
        let path = received.path.as_str();
        let name = path.rsplit('/').next().unwrap_or_default();
        let is_refused =
            |(method, part): &Refusal| *method == received.method && format!("{path}/").contains(part);
        if self.refused.iter().any(is_refused) {
            let text = r#"User "x" cannot do that to resource "objects" in API group """#;
            return Reply::refused(403, "Forbidden", text);
        }
        match received.method {
            Method::POST if path.ends_with("/selfsubjectaccessreviews") => {
                Reply::Json(201, json!({ "metadata": {}, "status": { "allowed": true } }))
            }
            Method::POST => self.create(path, received.body.clone()),
            Method::PATCH => self.patch(path, &received.body),
            Method::DELETE => self.delete(path),
            _ if COLLECTIONS.iter().any(|collection| path.ends_with(collection)) => {
                self.list(path, &received.query)
            }
            _ => match self.objects.get(path) {
                Some(object) => Reply::Json(200, object.clone()),
                None => Reply::absent("objects", name),
            },
        }
    }

    fn create(&mut self, collection: &str, mut object: Value) -> Reply {
        let path = format!("{collection}/{}", object["metadata"]["name"].as_str().unwrap());
        if self.objects.contains_key(&path) {
            return Reply::refused(409, "AlreadyExists", "already exists");
        }
        self.made += 1;
        object["metadata"]["uid"] = self.made.to_string().into();
        object["metadata"]["resourceVersion"] = "1".into();
        self.objects.insert(path, object.clone());
        Reply::Json(201, object)
    }

    /// Each field of a patch replaces that of the object.
    fn patch(&mut self, path: &str, fields: &Value) -> Reply {
        let Some(object) = self.objects.get_mut(path) else {
            return Reply::absent("objects", path);
        };
        for field in ["spec", "data", "type"] {
            if let Some(new) = fields.get(field) {
                object[field] = new.clone();
            }
        }
        for field in ["labels", "annotations"] {
            if let Some(new) = fields["metadata"].get(field) {
                object["metadata"][field] = new.clone();
            }
        }
        Reply::Json(200, object.clone())
    }

    /// The objects of a collection, in one namespace or in all, that the label selector matches.
    fn list(&self, collection: &str, query: &str) -> Reply {
        let (root, plural) = collection.rsplit_once('/').unwrap();
        let inside = |path: &str| {
            let (place, _) = path.rsplit_once('/').unwrap();
            let everywhere = || place.starts_with(&format!("{root}/namespaces/")) && place.ends_with(plural);
            place == collection || (!root.contains("/namespaces/") && everywhere())
        };
        let mut query = form_urlencoded::parse(query.as_bytes());
        let selector = query.find_map(|(key, value)| (key == "labelSelector").then_some(value));
        let fits = |object: &Value| {
            let labels = &object["metadata"]["labels"];
            let mut terms = selector.iter().flat_map(|terms| terms.split(','));
            terms.all(|term| match (term.split_once('='), term.strip_prefix('!')) {
                (Some((key, value)), _) => labels[key] == value,
                (None, Some(key)) => labels[key].is_null(),
                (None, None) => !labels[term].is_null(),
            })
        };
        let items = self
            .objects
            .iter()
            .filter(|(path, object)| inside(path) && fits(object));
        let items: Vec<_> = items.map(|(_, object)| object.clone()).collect();
        Reply::Json(200, json!({ "metadata": {}, "items": items }))
    }

    /// Pods become terminating, other objects are gone at once.
    fn delete(&mut self, path: &str) -> Reply {
        match self.objects.get_mut(path) {
            Some(pod) if path.contains("/pods/") => {
                pod["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z".into();
                Reply::Json(200, pod.clone())
            }
            Some(_) => {
                self.objects.remove(path);
                Reply::Json(200, json!({ "kind": "Status", "status": "Success" }))
            }
            None => Reply::absent("objects", path),
        }
    }

    /// Ends all terminating pods, as a kubelet would.
    pub(crate) fn end_pods(&mut self) {
        self.objects
            .retain(|_, object| object["metadata"]["deletionTimestamp"].is_null());
    }

    /// The paths of all objects.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.objects.keys().cloned().collect()
    }
}
