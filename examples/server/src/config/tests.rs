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
fn flags_come_before_the_file_and_everything_says_where_it_is_from() {
    let (_folder, path) = file(
        "listen = \"0.0.0.0:80\"\ncluster = \"kube\"\nlog = \"json\"\n[kube]\nnamespace = \"pods\"\n\
         [secrets]\njwt = \"a secret of at least 32 bytes, this\"\n[prices]\nother_gpu = 0.4\n\
         [prices.gpus]\na100 = 3.25\n[kube.ingress_annotations]\n\"example.com/a\" = \"1\"\n",
    );
    let loaded = load(&flags(&["--config", &path, "--cluster", "sim", "--dev"])).unwrap();
    assert_eq!(loaded.config.cluster, ClusterKind::Sim);
    assert_eq!(loaded.config.listen.port(), 80);
    assert_eq!(loaded.config.log, LogFormat::Json);
    let shown = loaded.show().unwrap();
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
fn what_is_wrong_is_named() {
    let cases = [
        ("listen = \"nowhere\"", "listen"),
        ("cluster = \"docker\"", "cluster"),
        ("lisden = \"0.0.0.0:80\"", "lisden"),
        ("store = \"postgres://db\"", "store"),
        ("opening_credit = 0.0000001", "opening_credit"),
        ("[prices]\nother_gpu = -1", "other_gpu"),
        ("[prices.gpus]\nrtx-4090 = -1", "rtx-4090"),
        (
            "[auth]\njwks_url = \"https://login.example.com/keys\"",
            "auth.issuer",
        ),
        ("[limits]\nburst = 0", "burst"),
        ("listen = ", "server.toml"),
    ];
    for (text, name) in cases {
        let (_folder, path) = file(text);
        let error = format!("{:#}", load(&flags(&["--config", &path])).unwrap_err());
        assert!(error.contains(name), "{text}: {error}");
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
fn a_gallery_is_kept_in_memory_unless_told_otherwise_and_is_for_development_alone() {
    let store = |arguments: &[&str]| {
        let loaded = load_with(&flags(arguments), std::collections::HashMap::new());
        loaded.map(|loaded| loaded.config.store.expose_secret().to_owned())
    };
    assert_eq!(store(&["--dev"]).unwrap(), "sqlite:neuropod.db");
    assert_eq!(store(&["--dev", "--scenario", "all"]).unwrap(), "memory");
    let told = [
        "--dev",
        "--scenario",
        "running,stopped",
        "--store",
        "sqlite:gallery.db",
    ];
    assert_eq!(store(&told).unwrap(), "sqlite:gallery.db");
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
