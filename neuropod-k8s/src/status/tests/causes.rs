//! Each reason why a pod does not run, with the texts that it is derived from.

use neuropod_core::cluster::ReasonCode as Code;
use serde_json::{Value, json};

use super::{CHANGED, CREATED, back_off, observed, on_node, pod, seen, terminated, waiting};

fn unscheduled(message: &str) -> Value {
    json!({ "phase": "Pending", "conditions": [{
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
        "message": message, "lastTransitionTime": CHANGED,
    }]})
}

fn failed(reason: &str, message: &str) -> Value {
    json!({ "phase": "Failed", "reason": reason, "message": message, "startTime": CREATED })
}

/// Asserts that each of these pods has this reason.
fn say(code: Code, pods: &[Value]) {
    for status in pods {
        let reason = seen(status).reason;
        assert_eq!(reason.map(|reason| reason.code), Some(code), "{status}");
    }
}

fn pull(message: &str) -> Value {
    waiting("ErrImagePull", message)
}

fn pull_again(message: &str) -> Value {
    waiting(
        "ImagePullBackOff",
        &format!("Back-off pulling image \"a:1\"{message}"),
    )
}

#[test]
fn images_that_can_not_be_pulled() {
    say(
        Code::ImageNotFound,
        &[
            pull("rpc error: code = NotFound desc = failed to resolve reference: docker.io/a:1: not found"),
            pull("pull access denied, repository does not exist or may require authorization"),
            pull("insufficient_scope: authorization failed"),
            pull_again(": ErrImagePull: failed to authorize: unexpected status: 401 Unauthorized"),
            waiting(
                "ErrImageNeverPull",
                "Container image \"a\" is not present with pull policy of Never",
            ),
        ],
    );
    say(
        Code::ImagePullFailed,
        &[
            pull_again(": ErrImagePull: failed to do request: dial tcp: lookup a: no such host"),
            pull_again(": ErrImagePull: dial tcp 192.0.2.1:443: i/o timeout"),
            pull_again(""),
            pull("toomanyrequests: You have reached your pull rate limit"),
        ],
    );
    say(
        Code::ImageInvalid,
        &[waiting("InvalidImageName", "couldn't parse image name \"A:1\"")],
    );
    say(
        Code::ImageArchitecture,
        &[
            pull("no match for platform in manifest: not found"),
            waiting("RunContainerError", "exec /usr/bin/tini: exec format error"),
            back_off(&terminated(
                "Error",
                255,
                "exec /usr/bin/tini: exec format error\n",
            )),
        ],
    );
}

#[test]
fn containers_that_do_not_start_or_stay() {
    let ended = |reason: &str, code: i32| {
        on_node(
            "Running",
            &json!({ "name": "main", "state": { "terminated": terminated(reason, code, "") } }),
        )
    };
    let no_program = "exec: \"jupyter\": executable file not found in $PATH";
    let missing = waiting("CreateContainerConfigError", "secret \"lab-token\" not found");
    // The owner of the pod can't free a name that an earlier attempt still holds.
    let reserved = waiting("CreateContainerError", "failed to reserve container name");
    say(Code::ContainerConfig, &[missing, reserved]);
    say(
        Code::ContainerStart,
        &[
            waiting("RunContainerError", no_program),
            back_off(&terminated("StartError", 128, no_program)),
        ],
    );
    say(
        Code::CrashLoop,
        &[
            back_off(&terminated("Error", 1, "")),
            back_off(&terminated("Completed", 0, "")),
        ],
    );
    say(
        Code::OutOfMemory,
        &[
            back_off(&terminated("OOMKilled", 137, "")),
            ended("OOMKilled", 137),
        ],
    );
    say(
        Code::ContainerExited,
        &[ended("Error", 1), ended("Completed", 0), failed("", "")],
    );
}

#[test]
fn pods_without_a_node() {
    say(
        Code::NoGpuFree,
        &[
            unscheduled(
                "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient nvidia.com/gpu.",
            ),
            failed(
                "OutOfnvidia.com/gpu",
                "Pod was rejected: Node didn't have enough resource: nvidia.com/gpu",
            ),
            failed(
                "UnexpectedAdmissionError",
                "Pod was rejected: Allocate failed due to requested number of devices",
            ),
        ],
    );
    say(
        Code::Unschedulable,
        &[
            unscheduled("0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory."),
            unscheduled("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."),
            failed(
                "OutOfmemory",
                "Pod was rejected: Node didn't have enough resource: memory",
            ),
            failed("NodeAffinity", "Pod was rejected: Predicate NodeAffinity failed"),
        ],
    );
    say(
        Code::VolumePending,
        &[
            unscheduled(
                "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found",
            ),
            unscheduled("0/1 nodes are available: persistentvolumeclaim \"workspace\" not found."),
        ],
    );
    say(
        Code::ClusterSetup,
        &[unscheduled("storageclass.storage.k8s.io \"fast\" not found")],
    );
}

#[test]
fn pods_that_the_node_ended() {
    say(
        Code::Evicted,
        &[
            failed(
                "Evicted",
                "The node was low on resource: ephemeral-storage. Threshold quantity: 1Gi.",
            ),
            failed(
                "Terminated",
                "Pod was terminated in response to imminent node shutdown.",
            ),
        ],
    );
    say(
        Code::DiskExceeded,
        &[
            failed(
                "Evicted",
                "Pod ephemeral local storage usage exceeds the total limit of containers 10G. ",
            ),
            failed(
                "Evicted",
                "Container main exceeded its local ephemeral storage limit \"10G\". ",
            ),
        ],
    );
    let lost = json!({ "phase": "Running", "reason": "NodeLost", "message": "Node n1 is unresponsive" });
    say(Code::NodeLost, &[lost]);
}

#[test]
fn disruptions_say_who_ends_the_pod() {
    for (cause, code) in [
        ("DeletionByTaintManager", Code::NodeLost),
        ("DeletionByPodGC", Code::NodeLost),
        ("EvictionByEvictionAPI", Code::Evicted),
        ("PreemptionByScheduler", Code::Evicted),
        ("TerminationByKubelet", Code::Evicted),
    ] {
        let condition = json!({ "type": "DisruptionTarget", "status": "True", "reason": cause,
            "message": "this is why", "lastTransitionTime": CHANGED });
        let mut pod = pod(&json!({ "phase": "Running", "conditions": [condition] }));
        pod.metadata.deletion_timestamp = CHANGED.parse().ok();
        let reason = observed(&pod, None).reason.unwrap();
        assert_eq!(
            (reason.code, reason.detail.as_str()),
            (code, "this is why"),
            "{cause}"
        );
    }
}
