use std::fs;

use jiff::Timestamp;
use serde_json::Value;

use super::*;
use crate::error::kind::{Error, ErrorKind};
use crate::message::{self, Language, reason_of, remedy_of};
use crate::reconcile::unmade;

fn read(text: &str) -> Option<Refusal> {
    Refusal::read(text)
}

/// Every file of `tests/trials/api` with the expected report for the owner: the code of the reason, the remedy,
/// the text.
#[test]
fn each_trial_has_its_reason_and_remedy_and_says_so_in_both_languages() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/trials/api");
    let mut count = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let trial: Value = match path.extension() {
            Some(kind) if kind == "json" => {
                serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap()
            }
            _ => continue,
        };
        let Some(code) = trial["reason"].as_str() else {
            continue;
        };
        count += 1;
        let kind = match trial["expect"].as_str().unwrap() {
            "QuotaExceeded" => ErrorKind::QuotaExceeded,
            "Rejected" => ErrorKind::Rejected,
            other => panic!("{name}: {other}"),
        };
        // In the format of a backend.
        let error = Error::new(kind, trial["body"]["message"].as_str().unwrap())
            .with_context("request", "create pods")
            .with_context("name", "lab-1");
        let reason = unmade(&error, Timestamp::UNIX_EPOCH);
        assert_eq!(reason.code.name(), code, "{name}: {reason:?}");
        let remedy = serde_json::to_value(reason.remedy()).unwrap();
        assert_eq!(remedy, trial["remedy"], "{name}");
        assert_eq!(reason_of(&reason, Language::En), trial["shown"], "{name}");
        let both = [Language::Es, Language::En];
        let [es, en] = both.map(|language| (reason_of(&reason, language), remedy_of(&reason, language)));
        assert!(es.0 != en.0 && es.1 != en.1, "{name}: {es:?}");
        if code != "rejected" {
            assert_ne!(
                en.0,
                message::reason(ReasonCode::Rejected, Language::En),
                "{name}"
            );
        }
        // After giving up, the remedy stays the same.
        let given_up = reason.given_up(Timestamp::UNIX_EPOCH);
        assert_eq!(given_up.remedy(), reason.remedy(), "{name}");
    }
    assert!(count >= 20, "{count} trials");
}

#[test]
fn counted_resources_have_readable_names() {
    for (resource, counted) in [
        ("requests.nvidia.com/gpu", Some(Counted::Gpus)),
        ("requests.nvidia.com/gpu.shared", Some(Counted::Gpus)),
        ("requests.nvidia.com/mig-1g.5gb", Some(Counted::Gpus)),
        ("limits.nvidia.com/gpumem", Some(Counted::Gpus)),
        ("requests.amd.com/gpu", Some(Counted::Gpus)),
        ("requests.gpu.intel.com/i915", Some(Counted::Gpus)),
        ("requests.gpu.intel.com/xe", Some(Counted::Gpus)),
        ("requests.google.com/tpu", Some(Counted::Gpus)),
        ("requests.habana.ai/gaudi", Some(Counted::Gpus)),
        ("requests.huawei.com/Ascend910", Some(Counted::Gpus)),
        ("requests.huawei.com/ascend-1980", Some(Counted::Gpus)),
        ("requests.aws.amazon.com/neuroncore", Some(Counted::Gpus)),
        ("requests.cambricon.com/smlu", Some(Counted::Gpus)),
        ("requests.tenstorrent.com/n150", Some(Counted::Gpus)),
        (
            "gpu.nvidia.com.deviceclass.resource.k8s.io/devices",
            Some(Counted::Gpus),
        ),
        (
            "requests.deviceclass.resource.kubernetes.io/gpu.nvidia.com",
            Some(Counted::Gpus),
        ),
        ("requests.gpu", Some(Counted::Gpus)),
        ("GPUs", Some(Counted::Gpus)),
        ("limits.memory", Some(Counted::Memory)),
        ("cpu", Some(Counted::Processors)),
        ("requests.storage", Some(Counted::Storage)),
        (
            "gold.storageclass.storage.k8s.io/requests.storage",
            Some(Counted::Storage),
        ),
        ("persistentvolumeclaims", Some(Counted::Storage)),
        ("requests.ephemeral-storage", Some(Counted::Disk)),
        ("count/pods", Some(Counted::Pods)),
        // Not known to owners, or not GPUs.
        ("services", None),
        ("count/ingresses.networking.k8s.io", None),
        ("requests.rdma/hca_shared_devices", None),
        ("requests.intel.com/sriov", None),
        ("requests.hugepages-2Mi", None),
    ] {
        assert_eq!(Counted::of(resource), counted, "{resource}");
    }
}

#[test]
fn names_of_quotas_webhooks_and_objects_are_not_causes() {
    for (text, refusal) in [
        (
            r#"pods "gpu-lab" is forbidden: exceeded quota: gpu-memory, requested: services=1, used: services=9, limited: services=9"#,
            Some(Refusal::UsedUp(None)),
        ),
        (
            r#"admission webhook "quota-exceeded.example.com" denied the request: images come from ghcr.io only"#,
            None,
        ),
        (
            r#"admission webhook "vquota.kb.io" denied the request: team-a has parentName team but IsParent is false"#,
            None,
        ),
        (
            r#"admission webhook "a.example.com" denied the request: pods must specify a team"#,
            None,
        ),
        (
            r#"pods "lab-1" is forbidden: ValidatingAdmissionPolicy 'gpu-quota' with binding 'gpu-quota' denied request: the namespace has reached its quota of 2 GPUs"#,
            Some(Refusal::UsedUp(Some(Counted::Gpus))),
        ),
        (
            r#"admission webhook "a.b" denied the request: failed to read the quota of team-a: context deadline exceeded"#,
            None,
        ),
        (
            r#"admission webhook "a.b" denied the request: insufficient permissions to read the quota of team-a"#,
            None,
        ),
        (
            r#"admission webhook "a.b" denied the request: pods must specify the label quota.example.com/team"#,
            None,
        ),
        (
            r#"admission webhook "a.b" denied the request: the length of the name exceeds the maximum allowed of 20"#,
            None,
        ),
        // The suffix of the error names pods, but the resource of the quota is unknown.
        (
            r#"admission webhook "a.b" denied the request: tenant quota exceeded (request: create pods, name: lab-1)"#,
            Some(Refusal::UsedUp(None)),
        ),
        ("the cluster has no address left for a Service", None),
        ("", None),
    ] {
        assert_eq!(read(text), refusal, "{text}");
    }
}

#[test]
fn the_most_specific_of_several_causes_is_reported() {
    let limits = "pods \"lab-1\" is forbidden: [maximum cpu usage per Pod is 4, but limit is 8, maximum nvidia.com/gpu usage \
                  per Container is 1, but limit is 2]";
    assert_eq!(read(limits), Some(Refusal::Size(Some(Counted::Gpus))));
    let quotas = "exceeded hierarchical quota in namespace \"a\": \"h\", requested: pods=1, used: pods=3, limited: pods=3, \
                  requested: requests.memory=8Gi, used: requests.memory=9Gi, limited: requests.memory=9Gi";
    assert_eq!(read(quotas), Some(Refusal::UsedUp(Some(Counted::Memory))));
}
