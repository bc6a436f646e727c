//! The store and the cluster that the configuration names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use neuropod::cluster::plan::{NamespaceScope, VolumeScope};
use neuropod::cluster::workload::Quota;
use neuropod::cluster::{Catalogue, Layout};
use neuropod::k8s::{Domains, Exposure, KubeCluster, KubeConfig, NetworkRules, Security, Storage};
use neuropod::sim::{Settings, SimCluster};
use neuropod::store::AuditLog;
use neuropod::store::{MemoryStore, MongoStore, SqliteStore};
use neuropod::{Billing, ClusterBackend, PodStore};
use secrecy::ExposeSecret;

use crate::config::{ClusterKind, Config, Kube, UserQuota};
use crate::gallery;
use crate::secrets::Place;

/// Where everything is kept.
pub(crate) struct Store {
    /// Pods, users, templates, prices.
    pub(crate) pods: Arc<dyn PodStore>,
    /// Money.
    pub(crate) billing: Arc<dyn Billing>,
    /// Who did what.
    pub(crate) audit: Arc<dyn AuditLog>,
}

impl Store {
    fn all<S: PodStore + Billing + AuditLog>(store: S) -> Self {
        let store = Arc::new(store);
        Self {
            pods: store.clone(),
            billing: store.clone(),
            audit: store,
        }
    }

    /// Opens the store that is configured.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn open(config: &Config) -> Result<Self> {
        let address = config.store.expose_secret();
        if let Some(file) = sqlite_file(config) {
            let store = SqliteStore::open(&file).await;
            return Ok(Self::all(
                store.with_context(|| format!("store: {}", file.display()))?,
            ));
        }
        if address == "memory" {
            return Ok(Self::all(MemoryStore::new()));
        }
        Ok(Self::all(MongoStore::connect(address).await.context("store")?))
    }
}

/// The file of a SQLite store.
fn sqlite_file(config: &Config) -> Option<PathBuf> {
    let file = config.store.expose_secret().strip_prefix("sqlite:")?;
    Some(Path::new(file).to_owned())
}

/// Fails where the file of the store can't be there: its folder is missing. The secrets beside it would fail first, with
/// less to say.
pub(crate) fn check_folder(config: &Config) -> Result<()> {
    let Some(file) = sqlite_file(config) else {
        return Ok(());
    };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    ensure!(
        folder.is_none_or(Path::is_dir),
        "store: {}: its folder does not exist; create it, or choose another file with --store sqlite:FILE",
        file.display()
    );
    Ok(())
}

/// Where the secrets go that were not given.
pub(crate) fn place_of_secrets(config: &Config) -> Place {
    match sqlite_file(config) {
        Some(file) => Place::Beside(file),
        None if config.is_shared() => Place::Shared,
        None => Place::Nowhere,
    }
}

/// The cluster that is configured; where it is simulated, also what plays tricks on it.
///
/// # Errors
/// There is no cluster, or it is not set up for pods.
pub(crate) async fn cluster(config: &Config) -> Result<(Arc<dyn ClusterBackend>, Option<SimCluster>)> {
    match config.cluster {
        ClusterKind::Sim => {
            let settings = if config.scenario.is_empty() {
                lifelike()
            } else {
                gallery::settings(lifelike())
            };
            let cluster = SimCluster::new(settings);
            Ok((Arc::new(cluster.clone()), Some(cluster)))
        }
        ClusterKind::Kube => {
            let kube = &config.kube;
            let options = KubeConfig {
                catalogue: Some(config.catalogue.clone()),
                domains: domains(config),
                ..kube_config(kube)
            };
            let cluster = match &kube.kubeconfig {
                Some(file) => KubeCluster::from_kubeconfig(file, kube.context.as_deref(), options).await,
                None => KubeCluster::infer(options).await,
            };
            let cluster = cluster.context("cluster")?;
            cluster.check_setup().await.context("cluster")?;
            Ok((Arc::new(cluster), None))
        }
    }
}

/// A simulated cluster as slow as one with the image on its nodes, for people to watch.
fn lifelike() -> Settings {
    Settings {
        seed: rand::random(),
        epoch: jiff::Timestamp::now(),
        schedule: Duration::from_millis(400),
        prepare: Duration::from_millis(800),
        pull: Duration::from_secs(2),
        start: Duration::from_millis(500),
        ready: Duration::from_secs(2),
        terminate: Duration::from_secs(1),
        chatter: Some(Duration::from_secs(5)),
        ..Settings::default()
    }
}

/// How pods are laid out in the cluster. Each field is given, so that a new one is a new key.
pub(crate) fn layout(config: &Config) -> Layout {
    let Kube {
        volume_per_pod,
        namespace_per_user,
        quota,
        same_owner_traffic,
        grace_seconds,
        ..
    } = &config.kube;
    Layout {
        // In the gallery each pod has its own story, and its volume belongs to it.
        volume: if *volume_per_pod || !config.scenario.is_empty() {
            VolumeScope::Pod
        } else {
            VolumeScope::User
        },
        namespace: if *namespace_per_user {
            NamespaceScope::User
        } else {
            NamespaceScope::Platform
        },
        same_owner_traffic: *same_owner_traffic,
        quota: quota.map(|quota| limits(quota, &config.catalogue)),
        grace_seconds: *grace_seconds,
    }
}

/// What all pods of a user may have together.
fn limits(quota: UserQuota, catalogue: &Catalogue) -> Quota {
    let UserQuota {
        pods,
        cpu_millis,
        memory_mib,
        volume_gb,
        gpus,
    } = quota;
    let resources = catalogue
        .iter()
        .filter_map(|(_, gpu)| gpu.accelerator.as_ref())
        .map(|accelerator| accelerator.resource.clone());
    Quota {
        pods,
        cpu_millis,
        memory_mib,
        volume_gb,
        gpus: gpus.map_or_else(BTreeMap::new, |most| {
            resources.map(|resource| (resource, most)).collect()
        }),
    }
}

/// Where browsers find pods and what people are signed in to: the pages that may call the API. In development all are on
/// one machine.
fn domains(config: &Config) -> Domains {
    let origins = config.origins();
    let hosts = origins.iter().filter_map(|origin| {
        let address: http::Uri = origin.parse().ok()?;
        address.host().map(str::to_owned)
    });
    Domains {
        pods: config.domain.clone(),
        control_plane: hosts.collect(),
        allow_same_site: config.allow_same_site || config.dev,
    }
}

/// How the cluster is used. Each field is given, so that a new one is a new key.
fn kube_config(kube: &Kube) -> KubeConfig {
    let exposure = match &kube.gateway {
        Some(name) => Exposure::Gateway {
            name: name.clone(),
            namespace: kube.gateway_namespace.clone(),
            section: kube.gateway_listener.clone(),
        },
        None => Exposure::Ingress {
            class: kube.ingress_class.clone(),
            tls_secret: kube.tls_secret.clone(),
            annotations: kube.ingress_annotations.clone(),
        },
    };
    KubeConfig {
        instance: kube.instance.clone(),
        namespace: kube.namespace.clone(),
        namespace_per_user: kube.namespace_per_user,
        exposure,
        // They are not in this table: [`domains`].
        domains: Domains::default(),
        storage: Storage {
            class: kube.storage_class.clone(),
            access_mode: kube.access_mode.as_str().into(),
            grow: kube.grow_volumes,
        },
        network: NetworkRules {
            ingress_namespace: (!kube.ingress_namespace.is_empty()).then(|| kube.ingress_namespace.clone()),
            ingress_ranges: kube.ingress_ranges.clone(),
            blocked_ranges: kube.blocked_ranges.clone(),
            allowed_ranges: kube.allowed_ranges.clone(),
            dns_ranges: kube.dns_ranges.clone(),
        },
        security: if kube.restricted {
            Security::Restricted
        } else {
            Security::Baseline
        },
        catalogue: None,
        user_namespaces: kube.user_namespaces,
        runtime_class: kube.runtime_class.clone(),
        image_pull_secrets: kube.image_pull_secrets.clone(),
        image_pull_policy: kube.image_pull_policy.into(),
        deadline: Duration::from_secs(kube.deadline_seconds.into()),
        writes_in_flight: kube.writes_in_flight as usize,
        log_streams: kube.log_streams as usize,
    }
}

#[cfg(test)]
mod tests {
    use neuropod::k8s::ImagePullPolicy;

    use super::*;
    use crate::config::key_names;

    /// What an option of the platform is called in the configuration; nothing where it is not for an operator.
    fn keys_of(option: &str) -> &'static [&'static str] {
        match option {
            "cluster" => &["cluster"],
            "store" | "billing" | "audit_log" => &["store"],
            "audit_kept" => &["audit_days"],
            "naming" => &[
                "domain",
                "scheme",
                "legacy_names",
                "reserved_hosts",
                "secrets.naming",
            ],
            "tokens" => &["token_pattern"],
            // The machine's: a server lives in no other time.
            "clock" => &[],
            "images" => &["images.registries", "images.internal_registries"],
            "catalogue" => &["catalogue"],
            "prices" => &[
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
            "volume_grace" => &["volume_grace_hours"],
            "start_limit" => &["start_limit_minutes"],
            "low_balance_marks" => &["low_balance_seconds"],
            other => panic!(
                "PlatformBuilder::{other} has no key: give it one in config/, use it in app.rs, name it here"
            ),
        }
    }

    /// Fields of `KubeConfig`, `Layout` and what is in them are counted by the compiler, in [`kube_config`] and
    /// [`layout`]; the options of a builder are not.
    #[test]
    fn every_option_of_the_platform_can_be_configured() {
        let source = include_str!("../../../neuropod-core/src/platform/builder.rs");
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
    fn pods_are_at_another_site_than_the_pages_that_call_the_api() {
        let config = |text: &str| -> Config { toml::from_str(text).unwrap() };
        let apart = "domain = \"example.net\"\ncors_origins = [\"https://app.example.com:8443\"]\n";
        let found = domains(&config(apart));
        assert_eq!(
            (found.pods.as_str(), found.allow_same_site),
            ("example.net", false)
        );
        assert_eq!(found.control_plane, ["app.example.com"]);
        // Without origins the dashboard is expected at `app.` below the domain: that is one site.
        let one = domains(&config("domain = \"pods.example.com\"\n"));
        assert!(
            one.control_plane.contains(&"app.pods.example.com".to_owned()),
            "{one:?}"
        );
        for told in ["dev = true\n", "allow_same_site = true\n"] {
            assert!(domains(&config(told)).allow_same_site, "{told}");
        }
    }

    #[test]
    fn what_is_configured_gets_to_the_library() {
        let config: Config = toml::from_str(
            "[kube]\nnamespace_per_user = true\naccess_mode = \"ReadWriteMany\"\nsame_owner_traffic = true\n\
             grace_seconds = 5\ndeadline_seconds = 7\nwrites_in_flight = 3\nlog_streams = 9\n\
             ingress_ranges = [\"203.0.113.0/24\"]\nblocked_ranges = [\"198.51.100.9/32\"]\n\
             allowed_ranges = [\"10.1.2.3/32\"]\ndns_ranges = [\"10.96.0.10/32\"]\n\
             user_namespaces = true\nruntime_class = \"gvisor\"\nimage_pull_policy = \"IfNotPresent\"\n\
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
        // Each kind of GPU that the catalogue has.
        assert_eq!(quota.gpus, BTreeMap::from([("nvidia.com/gpu".to_owned(), 3)]));
        assert_eq!(kube.image_pull_policy, ImagePullPolicy::IfNotPresent);
    }
}
