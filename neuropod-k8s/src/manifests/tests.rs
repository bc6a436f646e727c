mod planned;
mod samples;

use std::collections::BTreeMap;

use neuropod_core::cluster::Workload;
use neuropod_core::cluster::plan::Layout;
use neuropod_core::cluster::workload::Quota;
use serde_json::{Value, json};

pub(crate) use self::samples::plain;
use self::samples::{TOKEN, VALUE, jupyter, nginx};
use super::workload::Manifests;
use super::{objects, to_yaml};
use crate::api::kinds::Kind;
use crate::config::{GatewayRoutes, ImagePullPolicy, KubeConfig, Security, Services};

/// The YAML without digests, which change with every field of a workload and are tested separately.
fn shown(workload: &Workload, config: &KubeConfig) -> String {
    let yaml = to_yaml(workload, config);
    let lines = yaml
        .lines()
        .map(|line| match line.split_once("neuropod.io/digest: ") {
            Some((indent, _)) => format!("{indent}neuropod.io/digest: …"),
            None => line.replace(&workload.spec_hash(), "…"),
        });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_pod_without_gpu() {
    // Planned, not written by hand, because the plan hides the GPUs of the node from the pod.
    let workload = planned::workload(&planned::without_gpu(), &Layout::default());
    insta::assert_snapshot!(shown(&workload, &KubeConfig::default()));
}

#[test]
fn a_gpu_pod_with_jupyter_and_two_ports() {
    insta::assert_snapshot!(shown(&jupyter(), &nginx()));
}

#[test]
fn routes_through_a_gateway() {
    let gateway = GatewayRoutes::new("public")
        .with_namespace("gateways")
        .with_section("wildcard");
    let config = KubeConfig::default()
        .with_exposure(gateway)
        .with_security(Security::Restricted);
    insta::assert_snapshot!(shown(&plain(), &config));
}

#[test]
fn a_namespace_of_the_user_with_limits() {
    let mut workload = plain();
    workload.reference.namespace = Some("user-abcdefghij".into());
    workload.isolation.quota = Some(Quota {
        pods: 4,
        cpu_millis: 16000,
        memory_mib: 65536,
        volume_gb: 200,
        gpus: BTreeMap::from([("nvidia.com/gpu".into(), 2), ("nvidia.com/mig-1g.10gb".into(), 4)]),
    });
    let config = KubeConfig {
        namespace_per_user: true,
        ..KubeConfig::default()
    };
    insta::assert_snapshot!(shown(&workload, &config));
}

#[test]
fn the_values_equal_the_yaml_and_hide_secrets_too() {
    let values = objects(&jupyter(), &nginx());
    let yaml = to_yaml(&jupyter(), &nginx());
    let documents = yaml
        .split("---\n")
        .map(|text| serde_yaml_ng::from_str::<Value>(text).unwrap());
    assert_eq!(values, documents.collect::<Vec<_>>());
    let kinds = values.iter().map(|value| value["kind"].as_str().unwrap());
    assert_eq!(kinds.filter(|kind| *kind == "Service").count(), 2);
    let text = serde_json::to_string(&values).unwrap();
    for value in [TOKEN, VALUE] {
        let encoded = data_encoding::BASE64.encode(value.as_bytes());
        assert!(!text.contains(value) && !text.contains(&encoded), "{text}");
    }
}

#[test]
fn the_token_and_the_owners_values_are_only_in_the_secret() {
    let manifests = Manifests::new(&jupyter(), &nginx());
    let shown = format!("{manifests:?}{}", to_yaml(&jupyter(), &nginx()));
    for (name, value) in [("JUPYTER_TOKEN", TOKEN), ("HF_TOKEN", VALUE)] {
        let encoded = data_encoding::BASE64.encode(value.as_bytes());
        let with_value = manifests.clone().all().filter(|manifest| {
            let text = manifest.body.to_string();
            text.contains(value) || text.contains(&encoded)
        });
        let kinds: Vec<_> = with_value.map(|manifest| manifest.kind.name()).collect();
        assert_eq!(kinds, ["Secret"], "{name}");
        assert!(!shown.contains(value) && !shown.contains(&encoded), "{name}");
        // The container reads it from there unchanged: Kubernetes expands nothing in a Secret.
        let reference = json!({ "name": "my-lab-abcdefghij-token", "key": name });
        let variable = json!({ "name": name, "valueFrom": { "secretKeyRef": reference } });
        let env = &manifests.pod.body["spec"]["containers"][0]["env"];
        let env = env.as_array().unwrap();
        assert!(env.contains(&variable), "{env:?}");
        assert_eq!(env.iter().filter(|entry| entry["name"] == name).count(), 1);
    }
}

#[test]
fn images_have_the_pull_policy_of_the_configuration() {
    let policy = |config: &KubeConfig| {
        let pod = Manifests::new(&plain(), config).pod;
        pod.body["spec"]["containers"][0]["imagePullPolicy"].clone()
    };
    assert_eq!(policy(&KubeConfig::default()), "Always");
    for image_pull_policy in [ImagePullPolicy::IfNotPresent, ImagePullPolicy::Never] {
        let config = KubeConfig {
            image_pull_policy,
            ..KubeConfig::default()
        };
        assert_eq!(policy(&config), image_pull_policy.as_str());
    }
}

#[test]
fn only_a_service_with_an_address_has_annotations_for_it() {
    let gateway: KubeConfig = KubeConfig::default().with_exposure(GatewayRoutes::new("public"));
    for config in [KubeConfig::default(), nginx(), gateway] {
        let text = |services: Services| {
            let manifests = Manifests::new(&plain(), &config.clone().with_services(services));
            let objects = manifests.objects.into_iter();
            objects.map(|object| object.body.to_string()).collect::<String>()
        };
        let (headless, addressed) = (text(Services::Headless), text(Services::ClusterIp));
        assert!(headless.contains(r#""clusterIP":"None""#), "{headless}");
        assert!(!addressed.contains("clusterIP"), "{addressed}");
        for annotation in ["service.nativelb", "service-upstream"] {
            // Controllers refuse these for a Service without an address.
            assert!(!headless.contains(annotation), "{headless}");
        }
        assert!(addressed.contains("service.nativelb"), "{addressed}");
    }
}

#[test]
fn the_digest_depends_on_the_manifest_but_not_on_secret_values() {
    let digests = |workload: &Workload, config: &KubeConfig| -> Vec<String> {
        let all = Manifests::new(workload, config).all();
        all.map(|manifest| manifest.digest).collect()
    };
    let mut workload = jupyter();
    let before = digests(&workload, &nginx());
    assert_eq!(digests(&workload, &nginx()), before);
    let variables = &mut workload.secret.as_mut().unwrap().variables.0;
    variables.insert("JUPYTER_TOKEN".into(), "another".into());
    assert_eq!(digests(&workload, &nginx()), before);
    workload.run += 1;
    let changed = digests(&workload, &nginx());
    let same = before
        .iter()
        .zip(&changed)
        .filter(|(before, after)| before == after);
    assert_eq!(
        same.count(),
        2,
        "the volume and the policy of the namespace are of no run"
    );
}

#[test]
fn a_long_name_gives_a_host_name_of_one_label() {
    let mut workload = plain();
    workload.reference.name = format!("{}-{}", "a".repeat(62), "b".repeat(20));
    let pod = Manifests::new(&workload, &KubeConfig::default()).pod;
    assert_eq!(pod.body["spec"]["hostname"], "a".repeat(62));
}

#[test]
fn a_private_range_is_open_only_if_allowed() {
    let opens = |allowed: &[&str]| {
        let mut config = nginx();
        config.network.allowed_ranges = allowed.iter().map(ToString::to_string).collect();
        let policy = Manifests::new(&plain(), &config).policy;
        let rules = policy.body["spec"]["egress"].as_array().cloned().unwrap();
        let mut peers = rules
            .iter()
            .flat_map(|rule| rule["to"].as_array().cloned().unwrap());
        peers.any(|peer| peer["ipBlock"]["cidr"] == "10.0.8.0/24")
    };
    assert!(!opens(&[]));
    assert!(opens(&["10.0.8.0/24"]));
}

/// The policies of a pod: that of its namespace and its own.
fn policies(workload: &Workload) -> (Value, Value) {
    let manifests = Manifests::new(workload, &nginx());
    let mut objects = manifests.objects.into_iter();
    let own = objects
        .find(|manifest| manifest.kind == Kind::NetworkPolicy)
        .unwrap();
    (manifests.policy.body["spec"].clone(), own.body["spec"].clone())
}

#[test]
fn the_namespace_policy_closes_and_the_pod_policy_only_opens_its_ports() {
    let (closes, opens) = policies(&plain());
    assert_eq!(closes["policyTypes"], json!(["Ingress", "Egress"]));
    assert_eq!(closes["ingress"], json!([]), "nobody comes in by it");
    for rule in closes["egress"].as_array().unwrap() {
        assert!(!rule["to"].as_array().unwrap().is_empty(), "to everybody: {rule}");
    }
    assert!(opens["egress"].is_null(), "{opens}");
    let ports = json!([{ "protocol": "TCP", "port": 8080 }]);
    let rules = opens["ingress"].as_array().unwrap();
    assert!(rules.len() == 1 && rules[0]["ports"] == ports, "{opens}");
    assert_eq!(rules[0]["from"].as_array().unwrap().len(), 2, "{opens}");

    // The policy of the namespace is for the pods of all runs and owners, that of a pod only for the pod.
    let (all, one) = (
        &closes["podSelector"]["matchLabels"],
        &opens["podSelector"]["matchLabels"],
    );
    let pod = Manifests::new(&plain(), &nginx()).pod.body;
    for (key, value) in all.as_object().unwrap().iter().chain(one.as_object().unwrap()) {
        assert_eq!(&pod["metadata"]["labels"][key], value, "{key}");
    }
    let mut other = plain();
    other.reference.pod_id = "0000000000000002".parse().unwrap();
    assert_eq!(policies(&other).0, closes);
    assert_ne!(policies(&other).1["podSelector"], opens["podSelector"]);

    let mut without_ports = plain();
    without_ports.endpoints.clear();
    let (_, opens) = policies(&without_ports);
    assert!(
        opens["ingress"].is_null(),
        "a rule without ports is all of them: {opens}"
    );
}

#[test]
fn failed_nodes_are_avoided_if_others_fit() {
    let config = nginx();
    let pod = |workload: &Workload| Manifests::new(workload, &config).pod.body.clone();
    let mut workload = plain();
    assert_eq!(pod(&workload)["spec"]["affinity"].get("nodeAffinity"), None);
    workload.container.avoid_nodes = vec!["node-1".into(), "node-2".into()];
    let rules = pod(&workload)["spec"]["affinity"]["nodeAffinity"].clone();
    let term = &rules["preferredDuringSchedulingIgnoredDuringExecution"][0];
    // The API server allows only one name in each term.
    let names = term["preference"]["matchFields"].as_array().unwrap();
    assert_eq!(names.len(), 2);
    for (field, node) in names.iter().zip(["node-1", "node-2"]) {
        assert_eq!(
            *field,
            json!({ "key": "metadata.name", "operator": "NotIn", "values": [node] })
        );
    }
    assert_eq!(rules.as_object().unwrap().len(), 1, "none is ruled out");

    // The requirements of the GPU stay.
    let mut workload = jupyter();
    let needs = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution";
    let before = pod(&workload).pointer(needs).cloned().unwrap();
    workload.container.avoid_nodes = vec!["node-1".into()];
    assert_eq!(pod(&workload).pointer(needs), Some(&before));
}

#[test]
fn pods_of_a_single_node_volume_share_a_node() {
    let pod = |workload: &Workload, mode: &str| {
        let mut config = nginx();
        config.storage.access_mode = mode.into();
        Manifests::new(workload, &config).pod.body
    };
    // Whether the scheduler has to put one beside the other.
    let goes_beside = |one: &Value, other: &Value| {
        let terms = "/spec/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/0";
        let Some(term) = one.pointer(terms) else {
            return false;
        };
        assert_eq!(term["topologyKey"], "kubernetes.io/hostname");
        let wanted = term["labelSelector"]["matchLabels"].as_object().unwrap();
        wanted
            .iter()
            .all(|(key, value)| &other["metadata"]["labels"][key] == value)
    };
    let of_volume = |name: &str, volume: &str| {
        let mut workload = plain();
        workload.reference.name = name.into();
        workload.reference.volume = volume.into();
        workload
    };
    let long = |end: &str| format!("workspace-{}{end}", "a".repeat(80));
    let (one, two) = (of_volume("one", "workspace"), of_volume("two", "workspace"));
    let single = |workload: &Workload| pod(workload, "ReadWriteOnce");
    assert!(goes_beside(&single(&one), &single(&two)));
    assert!(
        goes_beside(&single(&one), &single(&one)),
        "else the first would wait for ever"
    );
    assert!(!goes_beside(
        &single(&one),
        &single(&of_volume("three", "another"))
    ));
    let (one_long, two_long) = (of_volume("one", &long("1")), of_volume("two", &long("2")));
    assert!(goes_beside(&single(&one_long), &single(&one_long)));
    assert!(!goes_beside(&single(&one_long), &single(&two_long)));
    let many = |workload: &Workload| pod(workload, "ReadWriteMany");
    assert!(!goes_beside(&many(&one), &many(&two)));
}

#[test]
fn runtime_and_user_namespaces_apply_to_all_pods_but_gpus_keep_their_runtime() {
    let config = KubeConfig {
        runtime_class: Some("gvisor".into()),
        user_namespaces: true,
        ..nginx()
    };
    let spec =
        |workload: &Workload, config: &KubeConfig| Manifests::new(workload, config).pod.body["spec"].clone();
    let pod = spec(&plain(), &config);
    assert_eq!(
        (&pod["runtimeClassName"], &pod["hostUsers"]),
        (&json!("gvisor"), &json!(false))
    );
    assert_eq!(spec(&jupyter(), &config)["runtimeClassName"], "nvidia");
    let pod = spec(&plain(), &nginx());
    assert!(
        pod["runtimeClassName"].is_null() && pod["hostUsers"].is_null(),
        "{pod}"
    );
}
