//! The objects of a cluster by kind and name.

use crate::cluster::workload::WorkloadRef;

/// The kind of an object in the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// The pod.
    Pod,
    /// The workspace volume.
    Volume,
    /// A Service of one port.
    Service,
    /// An Ingress or `HTTPRoute` of one port.
    Route,
    /// A network policy.
    Policy,
    /// The Secret of the access token.
    Secret,
}

/// Identifies an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// The namespace, where there is one per user.
    pub namespace: Option<String>,
    /// The kind of the object.
    pub kind: ObjectKind,
    /// Its name.
    pub name: String,
}

impl ObjectKey {
    /// The key of an object in the namespace of a workload.
    pub fn new(reference: &WorkloadRef, kind: ObjectKind, name: &str) -> Self {
        Self {
            namespace: reference.namespace.clone(),
            kind,
            name: name.to_owned(),
        }
    }

    /// The key of the pod object of a workload.
    pub fn pod(reference: &WorkloadRef) -> Self {
        Self::new(reference, ObjectKind::Pod, &reference.name)
    }

    /// The key of the workspace volume of a workload.
    pub fn volume(reference: &WorkloadRef) -> Self {
        Self::new(reference, ObjectKind::Volume, &reference.volume)
    }
}
