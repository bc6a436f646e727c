use neuropod::k8s::{ImagePullPolicy, Services};

use super::*;
use crate::config::key_names;

/// The keys of an option of the platform; empty if it is not for operators.
fn keys_of(option: &str) -> &'static [&'static str] {
    match option {
        "cluster" => &["cluster"],
        "pods" | "users" | "templates" | "prices" | "requests" | "billing" | "audit" | "hints"
        | "folding" => &["store"],
        "replicas" => &["kube.leases"],
        "audit_kept" => &["audit_days"],
        "fold_after" => &["fold_after_days"],
        "naming" => &[
            "domain",
            "scheme",
            "legacy_names",
            "reserved_hosts",
            "secrets.naming",
        ],
        "tokens" => &["token_pattern"],
        // A server always uses the machine's clock.
        "clock" => &[],
        "images" => &["images.registries", "images.internal_registries"],
        "catalogue" => &["catalogue"],
        "price_list" => &[
            "prices.gpus",
            "prices.other_gpu",
            "prices.container_disk_gb",
            "prices.volume_disk_gb",
        ],
        "price_policy" => &["price_policy"],
        "layout" => &[
            "kube.volume_per_pod",
            "kube.namespace_per_user",
            "kube.quota.pods",
            "kube.quota.gpus",
            "kube.same_owner_traffic",
            "kube.grace_seconds",
        ],
        "currency" => &["currency", "currency_symbol"],
        "opening_credit" => &["opening_credit"],
        "daily_cap" => &["daily_cap"],
        "max_pods" => &["limits.max_pods"],
        "limits" => &["limits.disk_gb", "limits.volume_gb", "limits.ports"],
        "volume_grace" => &["volume_grace_hours"],
        "start_limit" => &["start_limit_minutes"],
        "low_balance_thresholds" => &["low_balance_seconds"],
        other => panic!(
            "PlatformBuilder::{other} has no key: give it one in config/, use it in app.rs, name it here"
        ),
    }
}

/// The fields of `KubeConfig` and its structs. The compiler can't count them, because they are non-exhaustive.
#[test]
fn every_option_of_the_cluster_is_set() {
    const CONFIG: [&str; 5] = [
        include_str!("../../../../neuropod-k8s/src/config/domains.rs"),
        include_str!("../../../../neuropod-k8s/src/config/exposure.rs"),
        include_str!("../../../../neuropod-k8s/src/config/kube_config.rs"),
        include_str!("../../../../neuropod-k8s/src/config/network.rs"),
        include_str!("../../../../neuropod-k8s/src/config/storage.rs"),
    ];
    let (here, _) = include_str!("../backends.rs").split_once("#[cfg(test)]").unwrap();
    let fields = CONFIG
        .iter()
        .flat_map(|source| source.lines())
        .filter_map(|line| {
            let (name, _) = line.strip_prefix("    pub ")?.split_once(':')?;
            (!name.contains(' ')).then_some(name)
        });
    let fields: Vec<_> = fields.collect();
    assert!(fields.len() >= 30, "{fields:?}");
    for field in fields {
        // The two fields of a constructor, and the name of a Gateway.
        let is_given = ["pods", "control_plane", "name"].contains(&field);
        let is_set =
            here.contains(&format!(".with_{field}(")) || here.contains(&format!(".{field}.clone_from("));
        assert!(
            is_given || is_set,
            "no key of the configuration sets `{field}` of the backend"
        );
    }
}

/// The compiler counts the fields of `Layout`, in [`layout`], but not the options of a builder.
#[test]
fn every_option_of_the_platform_can_be_configured() {
    let source = include_str!("../../../../neuropod-core/src/platform/builder.rs");
    let options: Vec<_> = source
        .lines()
        .filter_map(|line| {
            line.trim()
                .strip_prefix("pub fn ")?
                .split_once("(mut self")
                .map(|(name, _)| name)
        })
        .collect();
    assert!(options.len() >= 14, "{options:?}");
    let names = key_names();
    for option in options {
        for key in keys_of(option) {
            assert!(
                names.contains(key),
                "PlatformBuilder::{option}: there is no key {key}"
            );
        }
    }
}

#[test]
fn pods_and_the_pages_that_call_the_api_are_different_sites() {
    let config = |text: &str| -> Config { toml::from_str(text).unwrap() };
    let apart = "domain = \"example.net\"\ncors_origins = [\"https://app.example.com:8443\"]\n";
    let found = domains(&config(apart));
    assert_eq!(
        (found.pods.as_str(), found.allow_same_site),
        ("example.net", false)
    );
    assert_eq!(found.control_plane, ["app.example.com"]);
    // Without origins the dashboard is expected at `app.` below the domain: that is the same site.
    let one = domains(&config("domain = \"pods.example.com\"\n"));
    assert!(
        one.control_plane.contains(&"app.pods.example.com".to_owned()),
        "{one:?}"
    );
    for allowed in ["dev = true\n", "allow_same_site = true\n"] {
        assert!(domains(&config(allowed)).allow_same_site, "{allowed}");
    }
}

#[test]
fn the_configuration_reaches_the_library() {
    let config: Config = toml::from_str(
        "[kube]\nnamespace_per_user = true\naccess_mode = \"ReadWriteMany\"\nsame_owner_traffic = true\n\
         grace_seconds = 5\ndeadline_seconds = 7\nwrites_in_flight = 3\nlog_streams = 9\n\
         ingress_ranges = [\"203.0.113.0/24\"]\nblocked_ranges = [\"198.51.100.9/32\"]\n\
         allowed_ranges = [\"10.1.2.3/32\"]\ndns_ranges = [\"10.96.0.10/32\"]\n\
         user_namespaces = true\nruntime_class = \"gvisor\"\nimage_pull_policy = \"IfNotPresent\"\n\
         services = \"ClusterIp\"\nleases = true\n\
         [kube.quota]\npods = 2\ncpu_millis = 3000\nmemory_mib = 4096\nvolume_gb = 50\ngpus = 3\n",
    )
    .unwrap();
    let kube = kube_config(&config.kube);
    assert_eq!(kube.storage.access_mode, "ReadWriteMany");
    assert_eq!(kube.network.ingress_ranges, ["203.0.113.0/24"]);
    assert_eq!(kube.network.blocked_ranges, ["198.51.100.9/32"]);
    assert_eq!(kube.network.allowed_ranges, ["10.1.2.3/32"]);
    assert_eq!(kube.network.dns_ranges, ["10.96.0.10/32"]);
    assert_eq!(
        (kube.runtime_class.as_deref(), kube.user_namespaces),
        (Some("gvisor"), true)
    );
    assert_eq!(
        (kube.deadline, kube.writes_in_flight, kube.log_streams),
        (Duration::from_secs(7), 3, 9)
    );
    let layout = layout(&config);
    assert!(layout.same_owner_traffic);
    assert_eq!(layout.grace_seconds, 5);
    let quota = layout.quota.unwrap();
    assert_eq!((quota.pods, quota.cpu_millis, quota.memory_mib), (2, 3000, 4096));
    assert_eq!(quota.volume_gb, 50);
    // Every kind of GPU in the catalogue.
    assert_eq!(quota.gpus, BTreeMap::from([("nvidia.com/gpu".to_owned(), 3)]));
    assert_eq!(kube.image_pull_policy, ImagePullPolicy::IfNotPresent);
    assert_eq!(kube.services, Services::ClusterIp);
    assert!(kube.leases);
}
