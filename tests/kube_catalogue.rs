//! Checks in advance whether the GPU types on offer match a cluster's nodes: on a real API server, with nodes
//! that are labelled and tainted like those of clouds and of NVIDIA's operator. Nothing else in this file may
//! have nodes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod kube;

use ::kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use ::kube::{Api, ResourceExt};
use k8s_openapi::api::core::v1::Node;
use neuropod_core::cluster::Catalogue;
use neuropod_core::cluster::gpus::Misfit;
use neuropod_core::message::{Language, unmatched_gpu};
use serde_json::{Value, from_value, json};

use self::kube::{Right, Site, cluster, logged, rbac, without};

/// A node with these labels and GPUs, and the taints of its owner.
struct NodeOf {
    labels: Value,
    gpus: Value,
    taints: Value,
}

/// Puts exactly these nodes into the cluster.
async fn set_nodes(site: &Site, nodes: &[NodeOf]) {
    let api: Api<Node> = Api::all(site.admin.clone());
    for node in api.list(&ListParams::default().labels("test=gpu")).await.unwrap() {
        api.delete(&node.name_any(), &DeleteParams::default())
            .await
            .unwrap();
    }
    for (index, node) in nodes.iter().enumerate() {
        let name = format!("gpu-{index}");
        let mut labels = node.labels.clone();
        labels["test"] = "gpu".into();
        let object =
            json!({ "metadata": { "name": name, "labels": labels }, "spec": { "taints": node.taints } });
        kube::make(api.clone(), object).await;
        let status = json!({ "status": { "capacity": node.gpus, "allocatable": node.gpus } });
        let patch = Patch::Merge(&status);
        api.patch_status(&name, &PatchParams::default(), &patch)
            .await
            .unwrap();
    }
}

fn node_of(labels: Value, resource: &str, count: u32, taints: Value) -> NodeOf {
    NodeOf {
        labels,
        gpus: json!({ resource: count.to_string() }),
        taints,
    }
}

/// A catalogue with one type, `x`.
fn catalogue(resource: &str, count: u32, selector: &Value, tolerations: &Value) -> Catalogue {
    let gpu = json!({
        "name": "X",
        "size": { "cpuMillis": 4000, "memoryMib": 8192 },
        "accelerator": { "resource": resource, "count": count },
        "nodeSelector": selector,
        "tolerations": tolerations,
    });
    from_value(json!({ "x": gpu })).unwrap()
}

const NVIDIA: &str = "nvidia.com/gpu";

fn product(name: &str) -> Value {
    json!({ "nvidia.com/gpu.product": name })
}

/// Nodes, a catalogue for them, and the report for its type: nothing if a node can take it.
fn cases() -> Vec<(&'static str, Vec<NodeOf>, Catalogue, &'static str)> {
    let none = || json!([]);
    let t4 = |count| node_of(product("Tesla-T4"), NVIDIA, count, none());
    let plain = |name, count| catalogue(NVIDIA, count, &product(name), &none());
    let gke = || {
        let labels = json!({ "cloud.google.com/gke-accelerator": "nvidia-tesla-t4" });
        let taint = json!([{ "key": NVIDIA, "value": "present", "effect": "NoSchedule" }]);
        node_of(labels, NVIDIA, 1, taint)
    };
    let aks = || {
        let labels = json!({ "kubernetes.azure.com/accelerator": "nvidia",
            "node.kubernetes.io/instance-type": "Standard_NC24ads_A100_v4" });
        let taint = json!([{ "key": "sku", "value": "gpu", "effect": "NoSchedule" }]);
        node_of(labels, NVIDIA, 1, taint)
    };
    let aks_selector = || json!({ "kubernetes.azure.com/accelerator": "nvidia" });
    let shared = || node_of(product("Tesla-T4-SHARED"), NVIDIA, 4, none());
    let renamed = || node_of(product("Tesla-T4"), "nvidia.com/gpu.shared", 4, none());
    vec![
        (
            "no GPUs",
            vec![],
            plain("Tesla-T4", 1),
            "no node has its resource; the nodes have: none",
        ),
        ("a match", vec![t4(1)], plain("Tesla-T4", 1), ""),
        (
            "another model",
            vec![t4(8)],
            plain("NVIDIA-A100-SXM4-80GB", 1),
            "no node has the label nvidia.com/gpu.product=NVIDIA-A100-SXM4-80GB; the nodes have: Tesla-T4",
        ),
        (
            "another resource",
            vec![t4(8)],
            catalogue("amd.com/gpu", 1, &json!({}), &none()),
            "no node has its resource; the nodes have: nvidia.com/gpu",
        ),
        (
            "4 on nodes of 2",
            vec![t4(2), t4(2)],
            plain("Tesla-T4", 4),
            "a pod gets 4 GPUs of one node, and no node has more than 2",
        ),
        ("4 on one of 4", vec![t4(2), t4(4)], plain("Tesla-T4", 4), ""),
        (
            "GKE, by the label of NVIDIA's operator",
            vec![gke()],
            plain("Tesla-T4", 1),
            "no node has the label nvidia.com/gpu.product=Tesla-T4; the nodes have: none",
        ),
        (
            "GKE, by its own label: it tolerates its taint itself",
            vec![gke()],
            catalogue(
                NVIDIA,
                1,
                &json!({ "cloud.google.com/gke-accelerator": "nvidia-tesla-t4" }),
                &none(),
            ),
            "",
        ),
        (
            "AKS, without the toleration",
            vec![aks()],
            catalogue(NVIDIA, 1, &aks_selector(), &none()),
            "its nodes have the taint sku=gpu:NoSchedule, which it does not tolerate",
        ),
        (
            "AKS",
            vec![aks()],
            catalogue(
                NVIDIA,
                1,
                &aks_selector(),
                &json!([{ "key": "sku", "value": "gpu" }]),
            ),
            "",
        ),
        ("time-slicing", vec![shared()], plain("Tesla-T4", 1), ""),
        (
            "time-slicing under another name",
            vec![renamed()],
            plain("Tesla-T4", 1),
            "no node has its resource; the nodes have: nvidia.com/gpu.shared",
        ),
        (
            "time-slicing by that name",
            vec![renamed()],
            catalogue("nvidia.com/gpu.shared", 1, &product("Tesla-T4"), &none()),
            "",
        ),
    ]
}

#[tokio::test]
async fn an_unmatched_catalogue_is_reported_with_the_reason() {
    let Some(cluster) = cluster("kube_catalogue/an_unmatched_catalogue_is_reported_with_the_reason") else {
        return;
    };
    let site = Site::new(cluster).await;
    for (name, nodes, catalogue, why) in cases() {
        set_nodes(&site, &nodes).await;
        let said = site.backend.check_catalogue(&catalogue).await.unwrap();
        let texts: Vec<_> = said.iter().map(|gpu| unmatched_gpu(gpu, Language::En)).collect();
        let expected = format!("No node can take the GPU type x: {why}");
        let expected: Vec<_> = (!why.is_empty()).then_some(expected).into_iter().collect();
        // The API server taints a new node as not ready, which is not the catalogue's fault.
        assert_eq!(texts, expected, "{name}");

        let backend = site.another(|config| config.catalogue = Some(catalogue));
        let (checked, log) = logged(backend.check_setup()).await;
        checked.unwrap();
        let warned = log.lines().filter(|line| line.contains("No node can take"));
        let warned: Vec<_> = warned.collect();
        assert_eq!(warned.len(), expected.len(), "{name}: {log}");
        for line in warned {
            assert!(line.contains("WARN") && line.contains(why), "{name}: {line}");
        }
    }

    // A platform that may not list nodes can't check, and says so.
    set_nodes(&site, &[]).await;
    let right = Right {
        verb: "list".into(),
        group: String::new(),
        resource: "nodes".into(),
        in_namespace: false,
    };
    let blind = Site::with(cluster, &[without(&rbac(), &right)], |config| {
        config.catalogue = Some(catalogue(NVIDIA, 1, &json!({}), &json!([])));
    })
    .await;
    let (checked, log) = logged(blind.backend.check_setup()).await;
    checked.unwrap();
    assert!(log.contains("may not list nodes: which GPUs there are"), "{log}");
    assert!(!log.contains("No node can take"), "{log}");
    let every = catalogue(NVIDIA, 1, &json!({}), &json!([]));
    let sighted = site.backend.check_catalogue(&every).await.unwrap();
    assert!(
        matches!(sighted[0].misfit, Misfit::Resource { .. }),
        "{sighted:?}"
    );
    assert_eq!(blind.backend.check_catalogue(&every).await.unwrap(), []);
}
