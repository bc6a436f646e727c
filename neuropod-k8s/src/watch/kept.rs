//! A pod as a watch keeps it: most are looked at once in a while, so they are kept as bytes, a few hundred each.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::api::partial::PartialPod;

/// A pod.
#[derive(Debug)]
pub(super) struct Kept(Box<[u8]>);

impl Kept {
    pub(super) fn new(pod: &PartialPod) -> Self {
        // It does not fail: there is no end of the memory that it writes to, and every field has a form.
        Self(postcard::to_allocvec(&Packing(pod)).unwrap_or_default().into())
    }

    /// The pod. There always is one, as the bytes were written here.
    pub(super) fn pod(&self) -> Option<PartialPod> {
        let unpacked: Unpacked = postcard::from_bytes(&self.0).ok()?;
        Some(unpacked.0)
    }
}

/// Writes a pod by the function that is derived for it.
struct Packing<'a>(&'a PartialPod);

impl Serialize for Packing<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        PartialPod::serialize(self.0, serializer)
    }
}

/// Reads a pod by the function that is derived for it, and not leniently: these are our own bytes.
struct Unpacked(PartialPod);

impl<'de> Deserialize<'de> for Unpacked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        PartialPod::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    fn pod(ready: &str) -> PartialPod {
        from_value(json!({
            "metadata": {
                "name": "lab-0123456789", "namespace": "neuropod-pods", "uid": "f1d1b2a0-0000-4000-8000-000000000001",
                "resourceVersion": "123", "creationTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["example.com/a"],
                "labels": { "neuropod.io/pod-id": "0123456789abcdef", "neuropod.io/run": "3" },
                "annotations": { "neuropod.io/spec-hash": "0a", "neuropod.io/objects": "7" },
            },
            "spec": { "nodeName": "node-1" },
            "status": {
                "phase": "Running", "startTime": "2026-01-01T00:00:01Z",
                "conditions": [{ "type": "Ready", "status": ready, "lastTransitionTime": "2026-01-01T00:00:09Z" }],
                "containerStatuses": [{
                    "name": "main", "ready": ready == "True", "started": true, "restartCount": 2,
                    "containerID": "containerd://0123",
                    "state": { "running": { "startedAt": "2026-01-01T00:00:05Z" } },
                    "lastState": { "terminated": {
                        "exitCode": -9, "reason": "Error", "message": "", "finishedAt": "2026-01-01T00:00:04Z",
                    } },
                }],
            },
        }))
        .unwrap()
    }

    #[test]
    fn what_is_kept_is_what_was_seen() {
        for seen in [pod("True"), pod("False"), PartialPod::default()] {
            assert_eq!(Kept::new(&seen).pod(), Some(seen));
        }
    }

    #[test]
    fn a_pod_takes_a_few_hundred_bytes() {
        let Kept(bytes) = Kept::new(&pod("True"));
        assert!(bytes.len() < 400, "{} bytes", bytes.len());
    }
}
