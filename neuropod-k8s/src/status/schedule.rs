//! Why a pod has no node: the words of the schedulers.

use neuropod_core::cluster::ReasonCode;
use neuropod_core::cluster::gpus::is_accelerator;

/// What the scheduler's text says.
pub(super) fn code(message: &str) -> ReasonCode {
    // What follows is about the pods that could be ended for this one, and repeats words of the first part.
    let causes = message.split("preemption:").next().unwrap_or_default();
    let text = causes.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if text.contains("storageclass") && text.contains("not found") {
        ReasonCode::ClusterSetup
    } else if has(&[
        "unbound immediate persistentvolumeclaims",
        "ephemeral volume controller",
    ]) || (text.contains("persistentvolumeclaim") && has(&["not found", "being deleted"]))
    {
        ReasonCode::VolumePending
    } else if lacks_accelerator(causes) || has(&ACCELERATORS_ARE_SHORT) {
        ReasonCode::NoGpuFree
    } else if has(&VOLUME_IN_THE_WAY) && !has(&PASSES) {
        ReasonCode::VolumeFailed
    } else {
        ReasonCode::Unschedulable
    }
}

/// Claims of dynamic resource allocation, and what schedulers of shared GPUs say (`HAMi`, Volcano, KAI).
const ACCELERATORS_ARE_SHORT: [&str; 11] = [
    "cannot allocate all claims",
    "resourceclaim",
    "resource claim",
    "insufficientdevice",
    "cardinsufficient",
    "cardsinsufficient",
    "devicesinsufficient",
    "nodeunfitpod",
    "enough gpu",
    "resources: gpu",
    "resource: gpu",
];

/// A volume that is bound to another zone or node, that nothing provides, or that another pod has for itself.
const VOLUME_IN_THE_WAY: [&str; 13] = [
    "volume node affinity conflict",
    "persistentvolume's node affinity",
    "no available volume zone",
    "find available persistent volumes to bind",
    "non-existent pv",
    "non-existent persistentvolume",
    "persistentvolumeclaim is lost",
    "bound to non-existent",
    "readwriteoncepod",
    "enough free storage",
    "binding volumes",
    "failed to provision volume",
    "provisioning failed for pvc",
];

/// What keeps a node from taking the pod now, and may not in a while: the volume is not to blame.
const PASSES: [&str; 8] = [
    "insufficient ",
    "too many pods",
    "were unschedulable",
    "max volume count",
    "free ports",
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/unreachable",
    "-pressure",
];

/// Whether one of the resources that no node has enough of is a GPU or the like.
fn lacks_accelerator(causes: &str) -> bool {
    let lacking = causes.split("Insufficient ").skip(1);
    let mut names = lacking.map(|rest| rest.split([',', ' ']).next().unwrap_or_default());
    names.any(is_accelerator)
}
