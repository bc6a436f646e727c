//! The pod itself.

use std::collections::BTreeMap;

use neuropod_core::cluster::Workload;
use neuropod_core::cluster::gpus::label_values;
use neuropod_core::cluster::workload::{ContainerSpec, Resources, Toleration};
use serde_json::{Map, Value, json};

use super::draft::Draft;
use crate::api::kinds::Kind;
use crate::api::manifest::Manifest;
use crate::api::quantity::from_gigabytes;
use crate::config::{KubeConfig, Security};
use crate::labels::{self, CONTAINER};

/// The name of the workspace volume inside the pod.
const WORKSPACE: &str = "workspace";

/// The group that owns the workspace, so that a server without root can write to it: `users`, the main group of
/// the Jupyter images' user. Every process of the container is in it, whatever its user.
const WORKSPACE_GROUP: i64 = 100;

/// The capabilities of images that start as root: to install packages, change owners, switch to another user,
/// listen below port 1024, run an SSH server. The Pod Security level `baseline` allows all of them. The
/// runtime's default also includes `NET_RAW` (forged packets), `MKNOD`, `SETFCAP` and `SETPCAP`, which are left
/// out.
const ROOT_CAPABILITIES: [&str; 10] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "NET_BIND_SERVICE",
    "SETGID",
    "SETUID",
    "SYS_CHROOT",
];

/// A host name is one DNS label (RFC 1123).
const HOSTNAME_LIMIT: usize = 63;

/// The maximum length of a label's value (Kubernetes).
const LABEL_LIMIT: usize = 63;

pub(super) fn pod(workload: &Workload, config: &KubeConfig, objects: usize) -> Manifest {
    let reference = &workload.reference;
    let container = &workload.container;
    let mut spec = json!({
        "restartPolicy": "Always",
        // A Service named `jupyter` would set JUPYTER_PORT=tcp://…, and the Jupyter server would not start.
        "enableServiceLinks": false,
        "automountServiceAccountToken": false,
        "hostname": hostname(&reference.name),
        "terminationGracePeriodSeconds": workload.grace_seconds,
        "securityContext": pod_security(config.security),
        "containers": [container_spec(workload, config)],
        "volumes": [{ "name": WORKSPACE, "persistentVolumeClaim": { "claimName": reference.volume } }],
    });
    // Without `..`, so that the compiler reports a new field, which belongs here or into the container below.
    let ContainerSpec {
        image: _,
        environment: _,
        ready_port: _,
        resources: _,
        node_selector: _,
        tolerations,
        runtime_class,
        avoid_nodes,
    } = container;
    select_nodes(&mut spec, container);
    if !tolerations.is_empty() {
        spec["tolerations"] = tolerations.iter().map(toleration).collect();
    }
    if !avoid_nodes.is_empty() {
        spec["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"] =
            avoiding(avoid_nodes);
    }
    // The runtime that a GPU needs takes precedence over that of all pods.
    if let Some(class) = runtime_class.as_ref().or(config.runtime_class.as_ref()) {
        spec["runtimeClassName"] = class.as_str().into();
    }
    if config.user_namespaces {
        spec["hostUsers"] = false.into();
    }
    let volume = label_value(&reference.volume);
    if config.storage.is_of_one_node() {
        spec["affinity"]["podAffinity"] = beside(&volume);
    }
    if !config.image_pull_secrets.is_empty() {
        let secrets = config
            .image_pull_secrets
            .iter()
            .map(|name| json!({ "name": name }));
        spec["imagePullSecrets"] = secrets.collect();
    }
    let fields = json!({ "spec": spec });
    let mut draft = Draft::of_run(workload, config, Kind::Pod, &reference.name, fields);
    draft.label(labels::VOLUME, &volume);
    draft.annotate(labels::SPEC_HASH, &workload.spec_hash());
    draft.annotate(labels::OBJECTS, &objects.to_string());
    draft.annotate(labels::VOLUME, &reference.volume);
    draft.finish()
}

/// Puts the pod on the nodes of its GPU type. A label with several possible values can't be in a `nodeSelector`.
fn select_nodes(spec: &mut Value, container: &ContainerSpec) {
    let mut expressions = Vec::new();
    for (label, wanted) in &container.node_selector {
        let values = label_values(label, wanted);
        if values.len() > 1 {
            expressions.push(json!({ "key": label, "operator": "In", "values": values }));
        } else {
            spec["nodeSelector"][label] = wanted.as_str().into();
        }
    }
    if !expressions.is_empty() {
        spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] =
            json!({ "nodeSelectorTerms": [{ "matchExpressions": expressions }] });
    }
}

/// Puts the pod on the node of the other pods with its volume, because the volume can only be attached to one
/// node. The first of them may go to any node: Kubernetes lets a pod satisfy its own affinity.
fn beside(volume: &str) -> Value {
    json!({ "requiredDuringSchedulingIgnoredDuringExecution": [{
        "labelSelector": { "matchLabels": { labels::MANAGED_BY: labels::MANAGER, labels::VOLUME: volume } },
        "topologyKey": "kubernetes.io/hostname",
    }]})
}

/// The name of an object as a label value, which may be shorter than a name: a name that does not fit is
/// replaced by a digest. The names that the platform makes always fit.
fn label_value(name: &str) -> String {
    if name.len() <= LABEL_LIMIT {
        name.to_owned()
    } else {
        blake3::hash(name.as_bytes()).to_hex()[..32].to_owned()
    }
}

fn container_spec(workload: &Workload, config: &KubeConfig) -> Value {
    let container = &workload.container;
    let resources = resources(&container.resources);
    let mut spec = json!({
        "name": CONTAINER,
        "image": container.image,
        "imagePullPolicy": config.image_pull_policy.as_str(),
        "env": environment(workload),
        "resources": { "requests": resources, "limits": resources },
        "volumeMounts": [{ "name": WORKSPACE, "mountPath": workload.volume.mount_path }],
        "securityContext": container_security(config.security),
        // With it the kubelet reports the end of the log of a failed container, which reveals an image for
        // another processor.
        "terminationMessagePolicy": "FallbackToLogsOnError",
    });
    if !workload.endpoints.is_empty() {
        let ports = workload
            .endpoints
            .iter()
            .map(|endpoint| json!({ "containerPort": endpoint.port, "protocol": "TCP" }));
        spec["ports"] = ports.collect();
    }
    if let Some(port) = container.ready_port {
        // Becomes ready soon after the port opens, and unready only after 30 seconds, as a busy server may be slow.
        spec["readinessProbe"] = json!({
            "tcpSocket": { "port": port },
            "periodSeconds": 2,
            "timeoutSeconds": 2,
            "failureThreshold": 15,
        });
    }
    spec
}

/// The platform's own variables in clear, those of the owner as references to the Secret, because everybody who
/// may read pods can read their spec. If the Secret lacks a variable, the container does not start.
fn environment(workload: &Workload) -> Value {
    let own = &workload.container.environment;
    let secret = workload.secret.iter().flat_map(|secret| {
        secret.variables.0.keys().map(|name| {
            let key = json!({ "name": secret.name, "key": name });
            (
                name,
                json!({ "name": name, "valueFrom": { "secretKeyRef": key } }),
            )
        })
    });
    let plain = own
        .iter()
        .map(|(name, value)| (name, json!({ "name": name, "value": escaped(value) })));
    // Each name once; the Secret takes precedence.
    let all: BTreeMap<_, _> = plain.chain(secret).collect();
    all.into_values().collect()
}

/// Escapes a value. Kubernetes expands `$(NAME)` and turns `$$` into `$`, but our values are literal.
fn escaped(value: &str) -> String {
    value.replace('$', "$$")
}

/// The same for requests and limits, so that no pod uses more than its share, and the kubelet evicts it last.
fn resources(resources: &Resources) -> Value {
    let mut quantities = Map::new();
    quantities.insert("cpu".into(), format!("{}m", resources.cpu_millis).into());
    quantities.insert("memory".into(), format!("{}Mi", resources.memory_mib).into());
    quantities.insert(
        "ephemeral-storage".into(),
        from_gigabytes(resources.disk_gb).into(),
    );
    if let Some(accelerator) = &resources.accelerator {
        quantities.insert(accelerator.resource.clone(), accelerator.count.to_string().into());
    }
    Value::Object(quantities)
}

fn pod_security(security: Security) -> Value {
    let mut context = json!({
        "fsGroup": WORKSPACE_GROUP,
        // Otherwise every start changes the owner of every file, which takes minutes on a large volume.
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": { "type": "RuntimeDefault" },
    });
    if security == Security::Restricted {
        context["runAsNonRoot"] = true.into();
    }
    context
}

fn container_security(security: Security) -> Value {
    let mut capabilities = json!({ "drop": ["ALL"] });
    if security == Security::Baseline {
        capabilities["add"] = json!(ROOT_CAPABILITIES);
    }
    json!({ "allowPrivilegeEscalation": false, "capabilities": capabilities })
}

/// Prefers other nodes. A failed node is only used if no other fits: it may have been repaired.
fn avoiding(nodes: &[String]) -> Value {
    // The API server allows only one value for each field.
    let others = nodes
        .iter()
        .map(|node| json!({ "key": "metadata.name", "operator": "NotIn", "values": [node] }));
    let others: Vec<_> = others.collect();
    let term = json!({ "weight": 100, "preference": { "matchFields": others } });
    json!([term])
}

fn toleration(toleration: &Toleration) -> Value {
    let mut value = match &toleration.value {
        Some(value) => json!({ "key": toleration.key, "operator": "Equal", "value": value }),
        None => json!({ "key": toleration.key, "operator": "Exists" }),
    };
    if let Some(effect) = &toleration.effect {
        value["effect"] = effect.as_str().into();
    }
    value
}

fn hostname(name: &str) -> &str {
    // Names are ASCII, so any length is a boundary. A label may not end with a hyphen.
    let cut = name.get(..HOSTNAME_LIMIT).unwrap_or(name);
    cut.trim_end_matches('-')
}
