//! Pods of real clusters, with their expected reasons: every file of `tests/trials/pod`. A new case is a new
//! file.

use std::fs;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use neuropod_core::Reason;
use serde_json::{Value, json};

use crate::api::partial::{List, PartialEvent, PartialPod};
use crate::status::{Warnings, observed};

/// A time by which every warning counts.
const LATER: SignedDuration = SignedDuration::from_mins(10);

/// Reads all trials of a folder: their names and contents.
pub(crate) fn trials(folder: &str) -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/trials")
        .join(folder);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut trials: Vec<_> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).unwrap();
            let trial: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(trial["source"].is_string(), "{name} says where it comes from");
            (name, trial)
        })
        .collect();
    trials.sort_by(|one, other| one.0.cmp(&other.0));
    assert!(!trials.is_empty());
    trials
}

/// The pod of a trial and the events about it and its claim, as the backend decodes the lists of them.
fn decoded(trial: &Value) -> (PartialPod, Vec<PartialEvent>) {
    let mut pod = json!({
        "metadata": { "name": "lab", "uid": "u1", "creationTimestamp": "2026-01-02T03:04:00Z" },
        "spec": trial["spec"],
        "status": trial["status"],
    });
    for (key, value) in trial["metadata"].as_object().into_iter().flatten() {
        pod["metadata"][key] = value.clone();
    }
    let mut events = trial["events"].as_array().cloned().unwrap_or_default();
    for event in &mut events {
        let about = &event["involvedObject"]["uid"];
        if about.is_null() {
            event["involvedObject"]["uid"] = "u1".into();
        }
    }
    let list = |items: Value| json!({ "metadata": { "resourceVersion": "1" }, "items": items }).to_string();
    let pods: List<PartialPod> = serde_json::from_str(&list(json!([pod]))).unwrap();
    let events: List<PartialEvent> = serde_json::from_str(&list(events.into())).unwrap();
    (pods.items.into_iter().next().unwrap(), events.items)
}

/// Whether the result of a trial is among the expected ones.
fn is_right(expected: &Value, reported: &Value) -> bool {
    match expected {
        Value::Array(codes) => codes.contains(reported),
        expected => expected == reported,
    }
}

#[test]
fn every_pod_has_the_right_reason() {
    let mut wrong = Vec::new();
    for (name, trial) in trials("pod") {
        let (pod, events) = decoded(&trial);
        let warnings = Warnings::about("u1", &events).and_of_claim(&events);
        let seen = observed(&pod, Some(&warnings));
        let code = seen.reason.as_ref().map(|reason| reason.code);
        let reported = serde_json::to_value(code).unwrap();
        if !is_right(&trial["expect"], &reported) {
            wrong.push(format!(
                "{name}: {} and not {reported}: {:?}",
                trial["expect"], seen.reason
            ));
        }
        if let Some(remedy) = trial.get("remedy") {
            let reported = seen.reason.as_ref().map(Reason::remedy);
            assert_eq!(remedy, &serde_json::to_value(reported).unwrap(), "{name}");
        }
        let latest: Option<Timestamp> = events.iter().filter_map(PartialEvent::last_at).max();
        if let (Some(until), Some(latest)) = (seen.passes_until, latest) {
            assert!(
                until <= latest.checked_add(LATER).unwrap(),
                "{name}: it is never reported"
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
