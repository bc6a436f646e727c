//! How the platform labels its objects: labels, annotations, the name of its container.

/// The manager of an object: always [`MANAGER`].
pub(crate) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The platform that an object belongs to, as several may share a cluster: [`KubeConfig::instance`](crate::KubeConfig::instance).
pub(crate) const INSTANCE: &str = "app.kubernetes.io/instance";
/// The name of the object's pod; for a volume, its own name.
pub(crate) const NAME: &str = "app.kubernetes.io/name";
/// The id of the pod. A volume has none: several pods may share it.
pub(crate) const POD_ID: &str = "neuropod.io/pod-id";
/// The hash of the owner.
pub(crate) const USER_HASH: &str = "neuropod.io/user-hash";
/// The run that the object was created for.
pub(crate) const RUN: &str = "neuropod.io/run";
/// The port of a Service or route.
pub(crate) const PORT: &str = "neuropod.io/port";

/// Annotation of the pod: [`Workload::spec_hash`](neuropod_core::cluster::Workload::spec_hash).
pub(crate) const SPEC_HASH: &str = "neuropod.io/spec-hash";
/// Annotation of the pod: the number of other objects of its run, so that a missing one can be noticed without
/// the workload.
pub(crate) const OBJECTS: &str = "neuropod.io/objects";
/// Annotation of the pod: the name of its volume. Also a label, by which the scheduler puts pods of one volume together.
pub(crate) const VOLUME: &str = "neuropod.io/volume";
/// Annotation: a digest of the object as sent. An object with the same digest is not written again.
pub(crate) const DIGEST: &str = "neuropod.io/digest";

/// The value of [`MANAGED_BY`], and the field manager of every write.
pub(crate) const MANAGER: &str = "neuropod";

/// The name of the platform's container in each pod.
pub(crate) const CONTAINER: &str = "main";

/// Selects all objects of the platform that belong to a pod.
pub(crate) fn of_all_pods(instance: &str) -> String {
    format!("{},{POD_ID}", of_platform(instance))
}

/// Selects all objects of one pod.
pub(crate) fn of_pod(instance: &str, id: &neuropod_core::PodId) -> String {
    format!("{},{POD_ID}={id}", of_platform(instance))
}

/// Selects all objects of the platform that belong to no pod.
pub(crate) fn of_no_pod(instance: &str) -> String {
    format!("{},!{POD_ID}", of_platform(instance))
}

/// Selects all objects of the platform.
pub(crate) fn of_platform(instance: &str) -> String {
    format!("{MANAGED_BY}={MANAGER},{INSTANCE}={instance}")
}
