//! `metadata` of an object, with the labels and annotations that the platform reads.

use jiff::Timestamp;
use neuropod_core::PodId;
use serde::{Deserialize, Serialize};

use super::fields::time;
use crate::labels;

/// `metadata`, without `managedFields`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Meta {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) uid: String,
    pub(crate) resource_version: String,
    #[serde(deserialize_with = "time")]
    pub(crate) creation_timestamp: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    pub(crate) deletion_timestamp: Option<Timestamp>,
    pub(crate) labels: Labels,
    pub(crate) annotations: Annotations,
    /// The controllers that have to finish before a deleted object is gone.
    pub(crate) finalizers: Vec<String>,
}

impl Meta {
    /// The pod that this object belongs to, if the platform manages it.
    pub(crate) fn pod_id(&self) -> Option<PodId> {
        self.is_ours()
            .then(|| self.labels.pod_id.as_deref()?.parse().ok())?
    }

    /// Whether a platform of ours manages this object.
    pub(crate) fn is_ours(&self) -> bool {
        self.labels.managed_by.as_deref() == Some(labels::MANAGER)
    }

    /// The run that this object was created for; `u64::MAX`, which no run has, without the label.
    pub(crate) fn run(&self) -> u64 {
        let run = self.labels.run.as_deref();
        run.and_then(|run| run.parse().ok()).unwrap_or(u64::MAX)
    }

    /// Whether this object is being deleted.
    pub(crate) fn is_leaving(&self) -> bool {
        self.deletion_timestamp.is_some()
    }
}

/// The labels of [`crate::labels`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Labels {
    #[serde(rename = "app.kubernetes.io/managed-by")]
    pub(crate) managed_by: Option<String>,
    #[serde(rename = "app.kubernetes.io/instance")]
    pub(crate) instance: Option<String>,
    #[serde(rename = "app.kubernetes.io/name")]
    pub(crate) name: Option<String>,
    #[serde(rename = "neuropod.io/pod-id")]
    pub(crate) pod_id: Option<String>,
    #[serde(rename = "neuropod.io/user-hash")]
    pub(crate) user_hash: Option<String>,
    #[serde(rename = "neuropod.io/run")]
    pub(crate) run: Option<String>,
    /// The Pod Security level, on namespaces.
    #[serde(rename = "pod-security.kubernetes.io/enforce")]
    pub(crate) pod_security: Option<String>,
}

/// The annotations of [`crate::labels`], and those of default classes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Annotations {
    #[serde(rename = "neuropod.io/spec-hash")]
    pub(crate) spec_hash: Option<String>,
    #[serde(rename = "neuropod.io/objects")]
    pub(crate) objects: Option<String>,
    #[serde(rename = "neuropod.io/volume")]
    pub(crate) volume: Option<String>,
    #[serde(rename = "neuropod.io/digest")]
    pub(crate) digest: Option<String>,
    #[serde(rename = "storageclass.kubernetes.io/is-default-class")]
    pub(crate) default_storage_class: Option<String>,
    #[serde(rename = "ingressclass.kubernetes.io/is-default-class")]
    pub(crate) default_ingress_class: Option<String>,
}
