use neuropod_core::cluster::GpuStock;
use neuropod_core::cluster::gpus::by_model;
use serde_json::{from_value, json};

use super::names::{GPUS, is_gpu};
use super::stock::by_node;

#[test]
fn free_gpus_are_those_that_no_pod_on_the_node_requests() {
    let node = |name: &str, model: &str, gpus: &str, cordoned: bool| {
        json!({
            "metadata": { "name": name, "labels": { "nvidia.com/gpu.product": model } },
            "spec": { "unschedulable": cordoned },
            "status": { "allocatable": { "cpu": "8", "nvidia.com/gpu": gpus, "vendor.example/fpga": "1" } },
        })
    };
    let pod = |node: &str, gpus: &str, labels: serde_json::Value| {
        json!({
            "metadata": { "name": "other", "namespace": "lab", "labels": labels },
            "spec": { "nodeName": node, "containers": [
                { "resources": { "requests": { "cpu": "1", "nvidia.com/gpu": gpus } } }, { "resources": {} },
            ]},
        })
    };
    let nodes = [
        from_value(node("a", "RTX-4090", "4", false)).unwrap(),
        from_value(node("b", "RTX-4090", "4", true)).unwrap(),
        from_value(node("c", "A100", "8", false)).unwrap(),
        from_value(node("d", "A100", "0", false)).unwrap(),
    ];
    let ours = |instance: &str| {
        json!({
            "app.kubernetes.io/managed-by": "neuropod",
            "app.kubernetes.io/instance": instance,
            "neuropod.io/pod-id": "3f9a0c1d2e4b5a68",
        })
    };
    let pods = [
        from_value(pod("a", "1", json!({}))).unwrap(),
        from_value(pod("a", "1", ours("mine"))).unwrap(),
        from_value(pod("a", "1", ours("another"))).unwrap(),
        from_value(pod("c", "9", json!({}))).unwrap(),
    ];
    let found = by_node(&nodes, &pods, "mine");
    let stock = |model: &str, total, free| {
        let mut stock = GpuStock::new("nvidia.com/gpu", total, free);
        stock.model = Some(model.into());
        stock
    };
    assert_eq!(by_model(&found), [stock("A100", 8, 0), stock("RTX-4090", 8, 1)]);
    let figures = found
        .iter()
        .map(|node| (node.node.as_str(), node.total, node.used(), node.free()));
    assert_eq!(
        figures.collect::<Vec<_>>(),
        [("a", 4, 3, 1), ("b", 4, 0, 0), ("c", 8, 9, 0)]
    );
    let holders = found[0].holders.iter();
    let holders = holders.map(|holder| (holder.pod_id.as_ref().map(ToString::to_string), holder.count));
    assert_eq!(
        holders.collect::<Vec<_>>(),
        [(Some("3f9a0c1d2e4b5a68".into()), 1), (None, 1), (None, 1)],
        "the pods of the platform first; those of another platform are somebody else's"
    );
}

#[test]
fn resources_counted_as_gpus_are_called_gpus_in_shortages_and_quotas() {
    for pattern in GPUS {
        let resource = pattern.replace('*', "x");
        assert!(is_gpu(&resource), "{resource}");
        for name in [resource.clone(), format!("requests.{resource}")] {
            assert!(neuropod_core::cluster::gpus::is_accelerator(&name), "{name}");
        }
    }
}
