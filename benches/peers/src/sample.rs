//! Names that those who measure and those who are measured have in common.

/// The namespace of Neuropod's pods, and of the raw wave.
pub(crate) const NAMESPACE: &str = "bench";
/// The namespace of kubespawner's pods.
pub(crate) const HUB_NAMESPACE: &str = "bench-hub";
/// The plan's namespace.
pub(crate) const PLAN_NAMESPACE: &str = "default";
/// The ingress class and the storage class.
pub(crate) const CLASS: &str = "bench";
/// The namespace of a whole platform.
pub(crate) const FLEET_NAMESPACE: &str = "bench-fleet";
