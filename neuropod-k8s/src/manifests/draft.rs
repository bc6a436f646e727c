//! A draft of an object: adds the labels and annotations of the platform, and the digest.

use neuropod_core::cluster::Workload;
use serde_json::{Map, Value, json};

use super::mask::mask;
use crate::api::kinds::Kind;
use crate::api::manifest::Manifest;
use crate::config::KubeConfig;
use crate::labels;

/// An object with its labels, its annotations and its digest.
pub(super) struct Draft<'a> {
    kind: Kind,
    name: &'a str,
    /// `None` for a namespace.
    pub(super) namespace: Option<&'a str>,
    labels: Map<String, Value>,
    annotations: Map<String, Value>,
    /// The fields beside `metadata`.
    fields: Value,
    /// What only a new object gets.
    new_only: NewOnly,
}

/// What an object is given when it is created, and keeps: an update leaves it out, and so does the digest.
#[derive(Default)]
struct NewOnly {
    annotations: Map<String, Value>,
    /// Of `spec`.
    fields: Map<String, Value>,
}

impl<'a> Draft<'a> {
    /// A draft for an object that all pods of a namespace share.
    pub(super) fn of_platform(
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
            new_only: NewOnly::default(),
        };
        draft.label(labels::MANAGED_BY, labels::MANAGER);
        draft.label(labels::INSTANCE, &config.instance);
        draft.label(labels::NAME, name);
        draft
    }

    /// A draft for an object of the run of `workload`.
    pub(super) fn of_run(
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

    /// A draft for an object of the owner of `workload`, which outlives the run.
    pub(super) fn of_owner(
        workload: &'a Workload,
        config: &'a KubeConfig,
        kind: Kind,
        name: &'a str,
        fields: Value,
    ) -> Self {
        let reference = &workload.reference;
        let namespace = config.namespace_of(reference);
        let mut draft = Self::of_platform(config, kind, name, namespace, fields);
        draft.label(labels::USER_HASH, &reference.user_hash);
        draft
    }

    pub(super) fn label(&mut self, key: &str, value: &str) {
        self.labels.insert(key.into(), value.into());
    }

    pub(super) fn annotate(&mut self, key: &str, value: &str) {
        self.annotations.insert(key.into(), value.into());
    }

    /// Adds a field of `spec` that Kubernetes does not change.
    pub(super) fn create_with(&mut self, field: &str, value: &str) {
        self.new_only.fields.insert(field.into(), value.into());
    }

    /// Adds an annotation that only fits such a field.
    pub(super) fn annotate_new(&mut self, key: &str, value: &str) {
        self.new_only.annotations.insert(key.into(), value.into());
    }

    pub(super) fn finish(mut self) -> Manifest {
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
        let NewOnly { annotations, fields } = self.new_only;
        let is_same = annotations.is_empty() && fields.is_empty();
        let update = (!is_same).then(|| body.clone());
        for (key, value) in annotations {
            body["metadata"]["annotations"][key] = value;
        }
        for (field, value) in fields {
            body["spec"][field] = value;
        }
        Manifest {
            kind: self.kind,
            name: self.name.to_owned(),
            digest,
            body,
            update,
        }
    }
}

/// A digest of an object (BLAKE3, 128 bits in hexadecimal), without the values of Secrets: people who may not
/// read the Secret can read the digest, and could guess a short value from it. New values come with a new run
/// anyway.
fn digest(body: &Value) -> String {
    let mut public = body.clone();
    mask(&mut public);
    public.sort_all_objects();
    blake3::hash(public.to_string().as_bytes()).to_hex()[..32].to_owned()
}
