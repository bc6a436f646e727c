//! From a workload to Kubernetes objects: plain functions, with no cluster.

mod namespace;
pub(crate) mod network_policy;
mod pod;
mod ranges;
mod route;
pub(crate) mod secret;
mod service;
#[cfg(test)]
pub(crate) mod tests;
mod volume;

pub(crate) use self::pod::CONTAINER;

use std::fmt;

use neuropod_core::cluster::Workload;
use serde_json::{Map, Value, json};

use crate::config::KubeConfig;
use crate::kind::Kind;
use crate::labels;

/// One object as it is sent to the API server.
#[derive(Clone)]
pub(crate) struct Manifest {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// What makes it agree with what is there, see [`labels::DIGEST`].
    pub(crate) digest: String,
    pub(crate) body: Value,
}

/// Without the body: a Secret may be in it.
impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.kind, self.name, self.digest)
    }
}

/// All objects of a workload.
#[derive(Debug, Clone)]
pub(crate) struct Manifests {
    /// The namespace of the owner, before all others; `None` where all users share one.
    pub(crate) namespace: Option<Manifest>,
    /// The quota and the limits of that namespace, before the first pod.
    pub(crate) limits: Vec<Manifest>,
    /// The network policy of all pods of the namespace, before the first pod. It stays.
    pub(crate) policy: Manifest,
    pub(crate) volume: Manifest,
    pub(crate) pod: Manifest,
    /// Services, routes, Secret and the network policy of the pod.
    pub(crate) objects: Vec<Manifest>,
}

impl Manifests {
    /// All objects of `workload` in a cluster that is used as `config` says.
    pub(crate) fn new(workload: &Workload, config: &KubeConfig) -> Self {
        let mut objects = vec![network_policy::of_pod(workload, config)];
        objects.extend(
            workload
                .secret
                .as_ref()
                .map(|spec| secret::secret(workload, spec, config)),
        );
        for endpoint in &workload.endpoints {
            objects.push(service::service(workload, endpoint, config));
            objects.push(route::route(workload, endpoint, config));
        }
        let namespace = namespace_of(workload.reference.namespace.as_deref(), config);
        Self {
            namespace: namespace::namespace(workload, config),
            limits: namespace::limits(workload, config),
            policy: network_policy::of_namespace(config, namespace),
            volume: volume::volume(workload, config),
            pod: pod::pod(workload, config, objects.len()),
            objects,
        }
    }

    fn all(self) -> impl Iterator<Item = Manifest> {
        let first = self.namespace.into_iter().chain(self.limits).chain([self.policy]);
        first.chain([self.volume, self.pod]).chain(self.objects)
    }
}

/// The namespace that the objects of a workload are in.
pub(crate) fn namespace_of<'a>(namespace: Option<&'a str>, config: &'a KubeConfig) -> &'a str {
    namespace.unwrap_or(&config.namespace)
}

/// The workload as Kubernetes YAML, as it would be sent to a cluster. The values of secret variables are left out.
///
/// The output is the same for the same input: keys are sorted, objects come in the order in which they are made.
///
/// # Panics
/// Never: see the comment inside.
pub fn to_yaml(workload: &Workload, config: &KubeConfig) -> String {
    let documents = Manifests::new(workload, config).all().map(|manifest| {
        let mut body = manifest.body;
        body.sort_all_objects();
        secret::mask(&mut body);
        #[expect(clippy::expect_used, reason = "JSON values have text keys and finite numbers")]
        serde_yaml_ng::to_string(&body).expect("JSON is YAML")
    });
    documents.collect::<Vec<_>>().join("---\n")
}

/// An object with its labels, its annotations and its digest.
struct Draft<'a> {
    kind: Kind,
    name: &'a str,
    /// `None` for a namespace.
    namespace: Option<&'a str>,
    labels: Map<String, Value>,
    annotations: Map<String, Value>,
    /// The fields beside `metadata`.
    fields: Value,
}

impl<'a> Draft<'a> {
    /// An object of the platform itself, which all pods of a namespace share.
    fn of_platform(
        config: &KubeConfig,
        kind: Kind,
        name: &'a str,
        namespace: &'a str,
        fields: Value,
    ) -> Self {
        let mut draft = Self {
            kind,
            name,
            namespace: Some(namespace),
            labels: Map::new(),
            annotations: Map::new(),
            fields,
        };
        draft.label(labels::MANAGED_BY, labels::MANAGER);
        draft.label(labels::INSTANCE, &config.instance);
        draft.label(labels::NAME, name);
        draft
    }

    /// An object of the run of `workload`.
    fn of_run(
        workload: &'a Workload,
        config: &'a KubeConfig,
        kind: Kind,
        name: &'a str,
        fields: Value,
    ) -> Self {
        let reference = &workload.reference;
        let mut draft = Self::of_owner(workload, config, kind, name, fields);
        draft.label(labels::NAME, &reference.name);
        draft.label(labels::POD_ID, reference.pod_id.as_str());
        draft.label(labels::RUN, &workload.run.to_string());
        draft
    }

    /// An object of the owner of `workload`, which outlives the run.
    fn of_owner(
        workload: &'a Workload,
        config: &'a KubeConfig,
        kind: Kind,
        name: &'a str,
        fields: Value,
    ) -> Self {
        let reference = &workload.reference;
        let namespace = namespace_of(reference.namespace.as_deref(), config);
        let mut draft = Self::of_platform(config, kind, name, namespace, fields);
        draft.label(labels::USER_HASH, &reference.user_hash);
        draft
    }

    fn label(&mut self, key: &str, value: &str) {
        self.labels.insert(key.into(), value.into());
    }

    fn annotate(&mut self, key: &str, value: &str) {
        self.annotations.insert(key.into(), value.into());
    }

    fn finish(mut self) -> Manifest {
        let mut body = json!({
            "apiVersion": self.kind.api_version(),
            "kind": self.kind.name(),
            "metadata": { "name": self.name, "labels": self.labels },
        });
        if let Some(namespace) = self.namespace {
            body["metadata"]["namespace"] = namespace.into();
        }
        if let Value::Object(fields) = self.fields {
            for (key, value) in fields {
                body[key] = value;
            }
        }
        body["metadata"]["annotations"] = Value::Object(self.annotations.clone());
        let digest = digest(&body);
        self.annotations
            .insert(labels::DIGEST.into(), digest.as_str().into());
        body["metadata"]["annotations"] = Value::Object(self.annotations);
        Manifest {
            kind: self.kind,
            name: self.name.to_owned(),
            digest,
            body,
        }
    }
}

/// A digest of an object (BLAKE3, 128 bits in hexadecimal), without what is secret: the digest can be read by
/// people who may not read the Secret, and a short value could be guessed from it. New values come with a new run.
fn digest(body: &Value) -> String {
    let mut public = body.clone();
    secret::mask(&mut public);
    public.sort_all_objects();
    blake3::hash(public.to_string().as_bytes()).to_hex()[..32].to_owned()
}
