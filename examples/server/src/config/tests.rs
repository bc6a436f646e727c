use clap::Parser;
use secrecy::ExposeSecret;

use super::load::load_with;
use super::{ClusterKind, Flags, LogFormat, load};

fn flags(arguments: &[&str]) -> Flags {
    Flags::try_parse_from([&["server"], arguments].concat()).unwrap()
}

fn file(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.toml");
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn flags_override_the_file_and_every_value_has_its_source() {
    let (_folder, path) = file(
        "listen = \"0.0.0.0:80\"\ncluster = \"kube\"\nlog = \"json\"\n[kube]\nnamespace = \"pods\"\n\
         [secrets]\njwt = \"a secret of at least 32 bytes, this\"\n[prices]\nother_gpu = 0.4\n\
         [prices.gpus]\na100 = 3.25\n[kube.ingress_annotations]\n\"example.com/a\" = \"1\"\n",
    );
    let loaded = load(&flags(&["--config", &path, "--cluster", "sim", "--dev"])).unwrap();
    assert_eq!(loaded.config.cluster, ClusterKind::Sim);
    assert_eq!(loaded.config.listen.port(), 80);
    assert_eq!(loaded.config.log, LogFormat::Json);
    let shown = loaded.show(false).unwrap();
    let line = |key: &str| {
        shown
            .lines()
            .find(|line| line.starts_with(key))
            .unwrap()
            .to_owned()
    };
    assert_eq!(line("cluster ="), "cluster = \"sim\"  # the command line");
    assert_eq!(line("dev ="), "dev = true  # the command line");
    assert!(
        line("listen =").starts_with("listen = \"0.0.0.0:80\"  # ")
            && line("listen =").ends_with("server.toml")
    );
    assert!(line("kube.namespace =").ends_with("server.toml"), "{shown}");
    assert_eq!(line("store ="), "store = \"sqlite:neuropod.db\"  # default");
    assert!(
        line("prices.other_gpu =").starts_with("prices.other_gpu = 0.4  # "),
        "{shown}"
    );
    for table in ["prices.gpus =", "kube.ingress_annotations ="] {
        assert!(line(table).ends_with("server.toml"), "{shown}");
    }
    assert!(shown.contains("# auth.google_client_id is not set"), "{shown}");
    assert!(!shown.contains("a secret of at least"), "{shown}");
}

#[test]
fn configuration_errors_name_the_key() {
    let cases = [
        ("listen = \"nowhere\"", "listen"),
        ("cluster = \"docker\"", "cluster"),
        ("lisden = \"0.0.0.0:80\"", "lisden"),
        ("store = \"mysql://db\"", "store"),
        ("opening_credit = 0.0000001", "opening_credit"),
        ("[prices]\nother_gpu = -1", "other_gpu"),
        ("[prices.gpus]\nrtx-4090 = -1", "rtx-4090"),
        (
            "[auth]\njwks_url = \"https://login.example.com/keys\"",
            "auth.issuer",
        ),
        ("[limits]\nburst = 0", "burst"),
        ("listen = ", "server.toml"),
        ("listen = 3000", "listen"),
        ("listen = \"3000\"", "127.0.0.1:3000"),
        ("lisden = 1", "did you mean `listen`"),
        ("namespace = \"pods\"", "did you mean `kube.namespace`"),
        ("[kube]\nname_space = \"pods\"", "kube.name_space"),
        ("[kube.quota]\nmemory = 1", "kube.quota.memory"),
        ("[kube.quota]\npods = 1", "kube.quota"),
        ("[cube]\nnamespace = \"pods\"", "did you mean `kube`"),
        ("kube = 1", "kube"),
        ("dev = \"yes please\"", "`true` or `false`"),
        ("log = \"xml\"", "`text` or `json`"),
        ("scheme = \"ftp\"", "`http` or `https`"),
        ("price_policy = \"newest\"", "`quoted` or `current`"),
        ("cors_origins = 1", "cors_origins"),
        ("daily_cap = -1", "daily_cap"),
        ("volume_grace_hours = -1", "volume_grace_hours"),
        ("start_limit_minutes = 0", "start_limit_minutes"),
        ("audit_days = 0", "audit_days"),
        ("audit_days = 36501", "audit_days"),
        ("fold_after_days = -1", "fold_after_days"),
        ("fold_after_days = 36501", "fold_after_days"),
        ("low_balance_seconds = [0]", "low_balance_seconds"),
        ("low_balance_seconds = [3601]", "seconds"),
        ("low_balance_seconds = [\"soon\"]", "low_balance_seconds"),
        ("token_pattern = \"(\"", "token_pattern"),
        ("token_pattern = \"no group\"", "token_pattern"),
        ("[auth]\ntoken_hours = 0", "auth.token_hours"),
        ("[limits]\nrequests_per_second = -5", "limits.requests_per_second"),
        ("[limits]\nbody_kib = 0", "limits.body_kib"),
        ("[limits]\nwaiting_connections = 0", "limits.waiting_connections"),
        ("[limits]\nwrong_tokens_per_minute = 0", "per minute"),
        (
            "[kube]\naccess_mode = \"ReadOnlyMany\"",
            "`ReadWriteOnce` or `ReadWriteMany`",
        ),
        ("[kube]\ndeadline_seconds = 0", "from 1 to 300 (seconds)"),
        ("[kube]\nwrites_in_flight = 0", "kube.writes_in_flight"),
        ("[kube]\nlog_streams = 1", "kube.log_streams"),
        ("[kube]\ngrace_seconds = 100000", "kube.grace_seconds"),
        (
            "[kube]\ningress_ranges = [\"10.0.0.0/33\"]",
            "kube.ingress_ranges",
        ),
        ("[kube]\nblocked_ranges = [\"10.0.0.1\"]", "kube.blocked_ranges"),
        ("[kube]\nallowed_ranges = [\"lan\"]", "kube.allowed_ranges"),
        ("[kube]\ndns_ranges = [\"resolver\"]", "kube.dns_ranges"),
        ("[kube]\ncontext = \"minikube\"", "kube.kubeconfig"),
        (
            "[kube.quota]\npods = 1\ncpu_millis = 1\nmemory_mib = 1\nvolume_gb = 1",
            "kube.namespace_per_user",
        ),
        (
            "[kube]\nnamespace_per_user = true\n[kube.quota]\npods = 0\ncpu_millis = 1\nmemory_mib = 1\nvolume_gb = 1",
            "kube.quota.pods",
        ),
        ("store = \"sqlite:\"", "store"),
        ("store = \"sqlite:neuropod.db?mode=ro\"", "store"),
        ("catalogue = { a100 = { name = \"A100\" } }", "catalogue"),
    ];
    for (text, name) in cases {
        let (_folder, path) = file(text);
        let error = format!("{:#}", load(&flags(&["--config", &path])).unwrap_err());
        assert!(error.contains(name), "{text}: {error}");
        assert!(!error.contains('\n'), "{text}: {error}");
    }
    let error = load(&flags(&["--config", "/nowhere/server.toml"])).unwrap_err();
    assert!(format!("{error:#}").contains("/nowhere/server.toml"), "{error:#}");
}

#[test]
fn a_catalogue_and_prices_can_be_given() {
    let (_folder, path) = file(
        "[prices.gpus]\na100 = 3.25\n[catalogue.a100]\nname = \"A100\"\n\
         size = { cpuMillis = 8000, memoryMib = 65536 }\naccelerator = { resource = \"nvidia.com/gpu\", count = 1 }\n\
         nodeSelector = { \"nvidia.com/gpu.product\" = \"NVIDIA-A100-SXM4-80GB\" }\n",
    );
    let config = load(&flags(&["--config", &path])).unwrap().config;
    let gpu = config.catalogue.get("a100").unwrap();
    assert_eq!(
        gpu.node_selector["nvidia.com/gpu.product"],
        "NVIDIA-A100-SXM4-80GB"
    );
    assert_eq!(
        config.prices.list().unwrap().quote("a100", 0, 0).gpu.to_string(),
        "3.25"
    );
}

#[test]
fn texts_of_digits_in_the_environment_stay_as_they_are() {
    let digits = "00012345678901234567890123456789";
    let variables = [
        ("NEUROPOD_SECRETS__JWT", digits),
        ("NEUROPOD_SECRETS__NAMING", "1e400"),
        ("NEUROPOD_AUTH__AUDIENCE", "007"),
        ("NEUROPOD_KUBE__NAMESPACE", "true"),
        ("NEUROPOD_LIMITS__BURST", "7"),
        ("NEUROPOD_OPENING_CREDIT", "2.5"),
        ("NEUROPOD_DEV", "true"),
        (
            "NEUROPOD_CORS_ORIGINS",
            "https://a.example.com,https://b.example.com",
        ),
        ("NEUROPOD_KUBE__IMAGE_PULL_SECRETS", "one"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = load_with(&flags(&[]), variables.into()).unwrap().config;
    let secret = |secret: &Option<secrecy::SecretString>| secret.as_ref().unwrap().expose_secret().to_owned();
    assert_eq!(secret(&config.secrets.jwt), digits);
    assert_eq!(secret(&config.secrets.naming), "1e400");
    assert_eq!(config.auth.audience.as_deref(), Some("007"));
    assert_eq!(config.kube.namespace, "true");
    assert_eq!((config.limits.burst, config.dev), (7, true));
    assert_eq!(config.opening_credit.to_string(), "2.5");
    assert_eq!(
        config.cors_origins,
        ["https://a.example.com", "https://b.example.com"]
    );
    assert_eq!(config.kube.image_pull_secrets, ["one"]);
}

#[test]
fn a_gallery_is_in_memory_by_default_and_only_for_development() {
    let store = |arguments: &[&str]| {
        let loaded = load_with(&flags(arguments), std::collections::HashMap::new());
        loaded.map(|loaded| loaded.config.store.expose_secret().to_owned())
    };
    assert_eq!(store(&["--dev"]).unwrap(), "sqlite:neuropod.db");
    assert_eq!(store(&["--dev", "--scenario", "all"]).unwrap(), "memory");
    let with_store = [
        "--dev",
        "--scenario",
        "running,stopped",
        "--store",
        "sqlite:gallery.db",
    ];
    assert_eq!(store(&with_store).unwrap(), "sqlite:gallery.db");
    for wrong in [
        &["--scenario", "all"][..],
        &["--dev", "--scenario", "all", "--cluster", "kube"],
        &["--dev", "--scenario", "nonsense"],
    ] {
        let error = store(wrong).unwrap_err().to_string();
        assert!(error.starts_with("scenario: "), "{error}");
    }
    let variables = [("NEUROPOD_DEV", "true"), ("NEUROPOD_SCENARIO", "running,stopped")];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let loaded = load_with(&flags(&[]), variables.into()).unwrap();
    assert_eq!(loaded.config.scenario, ["running", "stopped"]);
}

#[test]
fn errors_do_not_repeat_secrets() {
    for text in [
        "secrets = \"hunter2\"",
        "[secrets]\njwt = [\"hunter2\"]",
        "[secrets]\njwt = { hunter2 = 1 }",
        "[secrets]\npassword = \"hunter2\"",
        "store = [\"hunter2\"]",
        "store = \"mysql://ana:hunter2@db\"",
        "store = \"mongo://db?password=hunter2\"",
        "[secrets]\njwt = \"hunter2",
    ] {
        let (_folder, path) = file(text);
        let error = format!("{:#}", load(&flags(&["--config", &path])).unwrap_err());
        assert!(!error.contains("hunter2"), "{text}: {error}");
    }
    for variables in [
        [("NEUROPOD_SECRETS", "hunter2")],
        [("NEUROPOD_SECRETS__PASSWORD", "hunter2")],
        [("NEUROPOD_STORE", "hunter2")],
    ] {
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let error = format!("{:#}", load_with(&flags(&[]), variables.into()).unwrap_err());
        assert!(!error.contains("hunter2"), "{error}");
    }
    for address in [
        "mongodb://ana:hunter2@db/x",
        "mongodb://db/x?password=hunter2",
        "postgres://ana:hunter2@db/x",
        "postgres://db/x?password=hunter2",
    ] {
        let error = format!("{:#}", load(&flags(&["--store", address])).unwrap_err());
        assert!(
            error.contains("NEUROPOD_STORE") && !error.contains("hunter2"),
            "{error}"
        );
    }
    let variables = [(
        "NEUROPOD_STORE".to_owned(),
        "mongodb://ana:hunter2@db/x?tls=true&password=hunter2".to_owned(),
    )];
    let shown = load_with(&flags(&[]), variables.into())
        .unwrap()
        .show(true)
        .unwrap();
    assert!(shown.contains("mongodb://…@db/x?tls=true&password=…"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn every_key_is_explained_and_reads_back_as_shown() {
    let loaded = load_with(&flags(&[]), std::collections::HashMap::new()).unwrap();
    let shown = loaded.show(true).unwrap();
    for name in super::key_names() {
        let at = shown
            .lines()
            .position(|line| {
                line.starts_with(&format!("{name} = ")) || line == format!("# {name} is not set")
            })
            .unwrap_or_else(|| panic!("{name} is not shown"));
        let before: Vec<_> = shown.lines().take(at).collect();
        let comment = before.rsplit(|line| line.is_empty()).next().unwrap().join(" ");
        assert!(
            comment.contains("Allowed: ") && comment.contains("Default: "),
            "{name}: {comment}"
        );
    }
    // Except for the catalogue, of which only the names are shown, it is a file with the same configuration.
    let text: Vec<_> = shown
        .lines()
        .filter(|line| !line.starts_with("catalogue"))
        .collect();
    let (_folder, path) = file(&text.join("\n"));
    let again = load(&flags(&["--config", &path])).unwrap();
    assert_eq!(
        serde_json::to_value(&again.config).unwrap(),
        serde_json::to_value(&loaded.config).unwrap()
    );
}

/// The promises of the configuration for the existing frontend: its price page, and a machine with 12 GB and
/// minikube.
#[test]
fn the_configuration_for_the_existing_frontend_matches_it() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../deploy/existing-frontend/server.toml"
    );
    let config = load(&flags(&["--config", path])).unwrap().config;
    let ids: Vec<_> = config.catalogue.iter().map(|(id, _)| id).collect();
    assert_eq!(
        ids,
        ["rtx-4050", "rtx-4080", "rtx-4090"],
        "what the price page edits"
    );
    let priced: Vec<_> = config.prices.gpus.keys().map(String::as_str).collect();
    assert_eq!(priced, ids);
    for (id, gpu) in config.catalogue.iter() {
        assert!(
            gpu.node_selector.is_empty(),
            "{id}: minikube has no feature discovery"
        );
        assert!(gpu.offered && gpu.accelerator.is_some(), "{id}");
        // The needs of kubelet, API server and ingress controller in 12 GB.
        assert!(gpu.size.memory_mib <= 12_000 - 3_000, "{id}");
        assert!(gpu.size.cpu_millis <= 4_000, "{id}");
        assert!(
            !gpu.specs.memory.is_empty() && !gpu.specs.performance.is_empty(),
            "{id}"
        );
    }
    assert_eq!(config.cluster, ClusterKind::Kube);
    assert!(config.legacy_names && !config.dev);
    assert_eq!(config.administrators().count(), 1);
    assert_eq!(config.language.fixed(), Some(neuropod::message::Language::Es));
    assert_eq!(config.kube.namespace, "default", "where its volumes are");
    assert!(
        config
            .origins()
            .contains(&"https://app.neuropod.online".to_owned())
    );
    assert!(
        !config.allow_same_site && config.domain == "neuropod-pods.online",
        "pods are at another site than the frontend"
    );
    assert_eq!(
        config.limits.client_address_header.as_deref(),
        Some("cf-connecting-ip")
    );
    assert!(config.store.expose_secret().starts_with("mongodb://"));
    assert!(config.secrets.jwt_file.is_some() && config.secrets.naming_file.is_some());
}
