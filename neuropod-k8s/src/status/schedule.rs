//! The reason why a pod has no node, in the words of the schedulers.

use neuropod_core::cluster::ReasonCode;
use neuropod_core::cluster::gpus::is_accelerator;

/// The reason code for the scheduler's text.
pub(super) fn classify(message: &str) -> ReasonCode {
    // The part after it is about pods that could be evicted for this one, and repeats words of the first part.
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

/// Phrases of dynamic resource allocation, and of schedulers for shared GPUs (`HAMi`, Volcano, KAI).
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

/// Phrases for a volume that is bound to another zone or node, that no class provides, or that another pod
/// uses.
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

/// Phrases for a node that can't take the pod now, but may soon. The volume is not to blame then.
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

/// Whether an accelerator is among the resources that no node has enough of.
fn lacks_accelerator(causes: &str) -> bool {
    let lacking = causes.split("Insufficient ").skip(1);
    let mut names = lacking.map(|rest| rest.split([',', ' ']).next().unwrap_or_default());
    names.any(is_accelerator)
}
