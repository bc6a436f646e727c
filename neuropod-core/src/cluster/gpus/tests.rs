use super::*;
use crate::message::{Language, unmatched_gpu};

fn node(labels: &[(&str, &str)], total: u32) -> NodeGpus {
    NodeGpus {
        node: "n1".into(),
        resource: "nvidia.com/gpu".into(),
        model: None,
        total,
        schedulable: true,
        labels: Some(
            labels
                .iter()
                .map(|(label, value)| ((*label).to_owned(), (*value).to_owned()))
                .collect(),
        ),
        taints: Vec::new(),
        holders: Vec::new(),
    }
}

fn tainted(key: &str, effect: &str) -> NodeGpus {
    NodeGpus {
        taints: vec![Taint {
            key: key.into(),
            value: "true".into(),
            effect: effect.into(),
        }],
        ..node(&[(NVIDIA_MODEL_LABEL, "NVIDIA-GeForce-RTX-4090")], 8)
    }
}

/// `rtx-4090` of the default catalogue, with this many GPUs for each pod.
fn rtx(count: u32) -> GpuType {
    let mut gpu = Catalogue::default().get("rtx-4090").unwrap().clone();
    gpu.accelerator.as_mut().unwrap().count = count;
    gpu
}

const MODEL: [(&str, &str); 1] = [(NVIDIA_MODEL_LABEL, "NVIDIA-GeForce-RTX-4090")];

#[test]
fn a_pod_stands_on_one_node() {
    let nodes = [node(&MODEL, 2), node(&MODEL, 3)];
    for (count, room) in [(1, 5), (2, 2), (3, 1), (4, 0), (0, 0)] {
        assert_eq!(rtx(count).room_on(&nodes), Some(room), "{count} each");
    }
    assert_eq!(Catalogue::default().get("cpu").unwrap().room_on(&nodes), None);
}

#[test]
fn only_nodes_that_can_take_the_pod_have_room() {
    let shared = [(NVIDIA_MODEL_LABEL, "NVIDIA-GeForce-RTX-4090-SHARED")];
    let away = NodeGpus {
        schedulable: false,
        ..node(&MODEL, 8)
    };
    let gke = NodeGpus {
        labels: Some(BTreeMap::from([
            (NVIDIA_MODEL_LABEL.to_owned(), MODEL[0].1.to_owned()),
            ("cloud.google.com/gke-accelerator".to_owned(), "x".to_owned()),
        ])),
        ..tainted("nvidia.com/gpu", "NoSchedule")
    };
    let mut strict = rtx(1);
    strict.tolerations.clear();
    for (node, gpu, room) in [
        (node(&MODEL, 8), rtx(1), 8),
        (node(&shared, 8), rtx(1), 8),
        (
            node(&[(NVIDIA_MODEL_LABEL, "NVIDIA-GeForce-RTX-4090-D")], 8),
            rtx(1),
            0,
        ),
        (node(&[], 8), rtx(1), 0),
        (
            NodeGpus {
                labels: None,
                ..node(&[], 8)
            },
            rtx(1),
            8,
        ),
        (away, rtx(1), 0),
        (tainted("nvidia.com/gpu", "NoSchedule"), rtx(1), 8),
        (tainted("nvidia.com/gpu", "NoSchedule"), strict.clone(), 0),
        (tainted("nvidia.com/gpu", "PreferNoSchedule"), strict.clone(), 8),
        (tainted("nvidia.com/gpu", "NoExecute"), rtx(1), 0),
        (tainted("team", "NoSchedule"), rtx(1), 0),
        (gke, strict, 8),
    ] {
        assert_eq!(gpu.room_on(std::slice::from_ref(&node)), Some(room), "{node:?}");
    }
}

#[test]
fn tolerations() {
    let taint = Taint {
        key: "a".into(),
        value: "1".into(),
        effect: "NoSchedule".into(),
    };
    for (key, value, effect, tolerates) in [
        ("a", None, None, true),
        ("a", Some("1"), Some("NoSchedule"), true),
        ("a", Some("2"), None, false),
        ("a", None, Some("NoExecute"), false),
        ("b", None, None, false),
        ("", None, None, true),
        ("", Some("1"), None, false),
    ] {
        let toleration = Toleration {
            key: key.into(),
            value: value.map(Into::into),
            effect: effect.map(Into::into),
        };
        assert_eq!(toleration.tolerates(&taint), tolerates, "{toleration:?}");
    }
}

#[test]
fn a_taint_for_a_node_condition_leaves_no_room_but_is_not_the_catalogues_fault() {
    let catalogue = |gpu: GpuType| Catalogue::new([("x".to_owned(), gpu)]);
    for (key, is_state) in [
        ("node.kubernetes.io/not-ready", true),
        ("node.kubernetes.io/unschedulable", true),
        ("node.kubernetes.io/disk-pressure", true),
        ("node.cloudprovider.kubernetes.io/uninitialized", true),
        ("node.cilium.io/agent-not-ready", true),
        ("ToBeDeletedByClusterAutoscaler", true),
        ("karpenter.sh/disrupted", true),
        ("nvidia.com/gpu-pool", false),
        ("sku", false),
        ("kubernetes.azure.com/scalesetpriority", false),
    ] {
        let node = tainted(key, "NoSchedule");
        assert_eq!(rtx(1).room_on(std::slice::from_ref(&node)), Some(0), "{key}");
        let nodes = std::slice::from_ref(&node);
        assert_eq!(unmatched(&catalogue(rtx(1)), nodes).is_empty(), is_state, "{key}");
        // A permanent problem is reported whatever the state of the node.
        assert_eq!(unmatched(&catalogue(rtx(64)), nodes).len(), 1, "{key}");
    }
}

#[test]
fn a_type_without_matching_nodes_is_reported_with_the_nearest_match() {
    let report_of = |gpu: GpuType, nodes: &[NodeGpus]| {
        let catalogue = Catalogue::new([("x".to_owned(), gpu)]);
        let unmatched = unmatched(&catalogue, nodes);
        unmatched.first().map(|gpu| unmatched_gpu(gpu, Language::En))
    };
    assert_eq!(report_of(rtx(1), &[node(&MODEL, 1)]), None);
    let full = NodeGpus {
        schedulable: false,
        ..node(&MODEL, 1)
    };
    assert_eq!(report_of(rtx(1), &[full]), None, "it will be ready again");
    let not_offered = GpuType {
        offered: false,
        ..rtx(1)
    };
    assert_eq!(report_of(not_offered, &[]), None);
    assert_eq!(
        report_of(Catalogue::default().get("cpu").unwrap().clone(), &[]),
        None
    );
    let other = NodeGpus {
        resource: "nvidia.com/gpu.shared".into(),
        ..node(&MODEL, 4)
    };
    let label = node(&[(NVIDIA_MODEL_LABEL, "NVIDIA-A100")], 8);
    let bare = node(&[], 8);
    let taint = tainted("team", "NoSchedule");
    let few = node(&MODEL, 2);
    for (count, nodes, text) in [
        (1, vec![], "no node has its resource; the nodes have: none"),
        (
            1,
            vec![other.clone()],
            "no node has its resource; the nodes have: nvidia.com/gpu.shared",
        ),
        (
            1,
            vec![label.clone(), other.clone(), bare],
            "no node has the label nvidia.com/gpu.product=NVIDIA-GeForce-RTX-4090; the nodes have: NVIDIA-A100",
        ),
        (
            1,
            vec![label.clone(), taint.clone()],
            "its nodes have the taint team=true:NoSchedule, which it does not tolerate",
        ),
        (
            4,
            vec![few.clone(), taint, node(&MODEL, 3)],
            "a pod gets 4 GPUs of one node, and no node has more than 3",
        ),
    ] {
        let expected = format!("No node can take the GPU type x: {text}");
        assert_eq!(report_of(rtx(count), &nodes), Some(expected));
    }
    assert_eq!(
        report_of(rtx(2), &[label, other, few]),
        None,
        "one that fits is enough"
    );
}
