use std::cell::Cell;
use std::hash::{BuildHasher, DefaultHasher};

use serde_json::{from_value, json};

use super::{Claims, Notes, place};
use crate::api::partial::{PartialClaim, PartialEvent, PartialPod};
use crate::status::observed;

thread_local! {
    static LOOKUPS: Cell<usize> = const { Cell::new(0) };
}

/// Counts how often something is looked up or added.
#[derive(Clone, Default)]
struct Counted;

impl BuildHasher for Counted {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        LOOKUPS.set(LOOKUPS.get() + 1);
        DefaultHasher::new()
    }
}

fn pod(n: usize) -> PartialPod {
    from_value(json!({ "metadata": {
        "name": format!("pod-{n}"), "namespace": "users", "uid": format!("uid-{n}"),
        "annotations": { "neuropod.io/volume": format!("volume-{n}") },
    }, "status": { "phase": "Pending" } }))
    .unwrap()
}

fn event(kind: &str, name: &str, uid: &str, reason: &str) -> PartialEvent {
    from_value(json!({
        "metadata": { "uid": format!("{reason}-{name}"), "creationTimestamp": "2026-11-01T10:00:00Z" },
        "involvedObject": { "kind": kind, "namespace": "users", "name": name, "uid": uid },
        "type": "Warning", "reason": reason, "message": format!("of {name}"), "count": 1,
    }))
    .unwrap()
}

/// How many lookups it takes to add the claims and warnings of so many pods, and to find them again.
fn lookups(pods: usize) -> usize {
    let mut claims: Claims<Counted> = Claims::default();
    let mut notes: Notes<Counted> = Notes::default();
    LOOKUPS.set(0);
    for n in 0..pods {
        let volume = format!("volume-{n}");
        let claim = json!({ "metadata": { "name": volume, "namespace": "users" } });
        let claim: PartialClaim = from_value(claim).unwrap();
        claims.insert(place(&claim.metadata), claim);
        notes.add(&event(
            "Pod",
            &format!("pod-{n}"),
            &format!("uid-{n}"),
            "FailedMount",
        ));
        notes.add(&event(
            "PersistentVolumeClaim",
            &volume,
            "claim",
            "ProvisioningFailed",
        ));
    }
    for n in 0..pods {
        let pod = pod(n);
        let place = ("users".to_owned(), format!("volume-{n}"));
        assert_eq!(claims[&place].metadata.name, place.1);
        assert!(!notes.about(&pod).is_empty());
    }
    LOOKUPS.get()
}

#[test]
fn ten_times_as_many_pods_are_ten_times_as_many_lookups() {
    let (few, many) = (lookups(100), lookups(1000));
    assert!(few >= 600, "{few} lookups: they are counted");
    // A table that grows hashes its keys again, which is at most twice as many. A search would be a hundred times as many.
    assert!(many <= 20 * few, "{few} lookups for 100 pods, {many} for 1000");
}

#[test]
fn a_pod_has_its_own_warnings_and_those_of_its_claim() {
    let mut notes: Notes = Notes::default();
    notes.add(&event("Pod", "pod-1", "uid-1", "FailedMount"));
    notes.add(&event("Pod", "pod-2", "uid-2", "FailedScheduling"));
    let mut of_claims: Notes = Notes::default();
    of_claims.add(&event(
        "PersistentVolumeClaim",
        "volume-1",
        "claim",
        "ProvisioningFailed",
    ));
    // Progress is no warning.
    of_claims.add(&event(
        "PersistentVolumeClaim",
        "volume-2",
        "claim",
        "Provisioning",
    ));
    notes.extend(of_claims);
    let events = [
        event("Pod", "pod-1", "uid-1", "FailedMount"),
        event("PersistentVolumeClaim", "volume-1", "claim", "ProvisioningFailed"),
    ];
    let expected = crate::status::Warnings::about("uid-1", &events[..1]).and_of_claim(&events[1..]);
    assert_eq!(notes.about(&pod(1)), expected);
    let alone = [event("Pod", "pod-2", "uid-2", "FailedScheduling")];
    let expected = crate::status::Warnings::about("uid-2", &alone);
    assert_eq!(notes.about(&pod(2)), expected);
    assert!(notes.about(&pod(3)).is_empty());
    let seen = observed(&pod(1), Some(&notes.about(&pod(1))));
    assert!(seen.reason.is_some(), "{seen:?}");
}
