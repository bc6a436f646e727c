//! What the server is told: a TOML file, the environment, flags, each before the one in front of it.
//!
//! Every value may come from each of them: `listen` is `listen = "…"` in the file, `NEUROPOD_LISTEN` in the
//! environment and `--listen` on the command line; `kube.namespace` is `NEUROPOD_KUBE__NAMESPACE`.

mod flags;
mod load;
mod prices;
mod show;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use neuropod::message::Language;
use neuropod::naming::Scheme;
use neuropod::{Catalogue, PricePolicy};
use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};

pub use self::{
    flags::Flags,
    load::{Loaded, load},
    prices::Prices,
};

/// What the server is told. Secrets do not print.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where `/metrics` is; with everything else unless given. Put it where only Prometheus gets.
    pub metrics_listen: Option<SocketAddr>,
    /// Development: signing in by e-mail address alone, without a password. Never on a public address.
    pub dev: bool,
    /// Where pods run.
    pub cluster: ClusterKind,
    /// Pods that are made at the start, each with its own trouble, to learn from and to try a page on: names of
    /// scenarios (`--scenario list` shows them) or `all`. For development on the simulated cluster only; what is kept
    /// goes to memory unless `store` is given. Empty: none.
    pub scenario: Vec<String>,
    /// Where everything is kept: `sqlite:FILE`, a `mongodb://` address, or `memory`.
    #[serde(serialize_with = "hidden_password")]
    pub store: SecretString,
    /// The domain below which pods get their host names.
    pub domain: String,
    /// The scheme of the links to pods.
    pub scheme: Scheme,
    /// Whoever signs in with this e-mail address is an administrator.
    pub admin_email: String,
    /// Web pages of these origins may call the API; empty: the dashboards of development and `https://app.<domain>`.
    pub cors_origins: Vec<String>,
    /// Names with the first 8 digits of the MD5 of the user id, for deployments that have such names already.
    pub legacy_names: bool,
    /// The language of every message for people, over HTTP and in live updates: `es`, `en`, or `auto`, which is the one
    /// that each browser asks for (`Accept-Language`), and Spanish where it names neither. Set it where the frontend
    /// has one language only, whatever its browsers ask for.
    pub language: LanguageChoice,
    /// How the log is written.
    pub log: LogFormat,
    /// The secret with which tokens are signed, and the key of public names.
    pub secrets: Secrets,
    /// Who signs in, and how.
    pub auth: Auth,
    /// Limits on what one user or address may ask for.
    pub limits: Limits,
    /// The Kubernetes cluster.
    pub kube: Kube,
    /// The prices until an administrator sets others.
    pub prices: Prices,
    /// What a change of prices means for pods that run.
    pub price_policy: PricePolicy,
    /// What new clients get, in EUR, until an administrator sets it with the prices; 0: nothing.
    pub opening_credit: f64,
    /// What a client may spend on a day (UTC), in EUR; as much as they have unless given.
    pub daily_cap: Option<f64>,
    /// For how many hours the volume of a stopped pod is kept that nobody pays for; for ever unless given.
    pub volume_grace_hours: Option<u32>,
    /// The GPU types; those of the library unless given.
    pub catalogue: Catalogue,
}

impl Default for Config {
    /// The simulated cluster, a SQLite file in the working folder, and nobody but this machine.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 3000)),
            metrics_listen: None,
            dev: false,
            cluster: ClusterKind::Sim,
            scenario: Vec::new(),
            store: "sqlite:neuropod.db".into(),
            domain: "pods.localhost".into(),
            scheme: Scheme::Https,
            admin_email: "admin@example.com".into(),
            cors_origins: Vec::new(),
            legacy_names: false,
            language: LanguageChoice::Auto,
            log: LogFormat::Text,
            secrets: Secrets::default(),
            auth: Auth::default(),
            limits: Limits::default(),
            kube: Kube::default(),
            prices: Prices::default(),
            price_policy: PricePolicy::default(),
            opening_credit: 10.0,
            daily_cap: None,
            volume_grace_hours: None,
            catalogue: Catalogue::default(),
        }
    }
}

impl Config {
    /// The origins whose pages may call the API.
    pub fn origins(&self) -> Vec<String> {
        if self.cors_origins.is_empty() {
            vec![
                "http://localhost:5173".into(),
                "http://localhost:3000".into(),
                format!("https://app.{}", self.domain),
            ]
        } else {
            self.cors_origins.clone()
        }
    }
}

/// Where pods run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ClusterKind {
    /// On a simulated cluster.
    Sim,
    /// On the cluster of the current kubeconfig, or the one that the server runs in.
    Kube,
}

/// In which language people are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LanguageChoice {
    /// Spanish.
    Es,
    /// English.
    En,
    /// In the one that each asks for.
    Auto,
}

impl LanguageChoice {
    /// The language that does not depend on who asks.
    pub fn fixed(self) -> Option<Language> {
        match self {
            Self::Es => Some(Language::Es),
            Self::En => Some(Language::En),
            Self::Auto => None,
        }
    }
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Secrets, each as a file or by itself. What is missing is made, and kept beside the SQLite file.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// Signs the tokens of this server (HS256); at least 32 bytes.
    #[serde(serialize_with = "hidden")]
    pub jwt: Option<SecretString>,
    /// The file with it.
    pub jwt_file: Option<PathBuf>,
    /// The key of the hash in public names, for the life of the deployment; at least 16 bytes.
    #[serde(serialize_with = "hidden")]
    pub naming: Option<SecretString>,
    /// The file with it.
    pub naming_file: Option<PathBuf>,
}

/// Who signs in, and how.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// The client id of this application at Google; without one nobody signs in with Google.
    pub google_client_id: Option<String>,
    /// Where Google's keys are.
    pub google_keys_url: String,
    /// Where the keys of another issuer are, whose tokens are taken as well.
    pub jwks_url: Option<String>,
    /// That issuer (`iss`); required with `jwks_url`.
    pub issuer: Option<String>,
    /// For whom that issuer makes the tokens (`aud`); required with `jwks_url`.
    pub audience: Option<String>,
    /// How long a token of this server holds, in hours.
    pub token_hours: u32,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            google_client_id: None,
            google_keys_url: "https://www.googleapis.com/oauth2/v3/certs".into(),
            jwks_url: None,
            issuer: None,
            audience: None,
            token_hours: 24,
        }
    }
}

/// Limits on what one user, or one address that is not signed in, may ask for.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Requests per second in the long run.
    pub requests_per_second: u32,
    /// Requests at once.
    pub burst: u32,
    /// The biggest body, in KiB.
    pub body_kib: usize,
    /// A header with the address of the one who asks, as a trusted proxy sets it (`x-forwarded-for`: its last
    /// address, `cf-connecting-ip`).
    pub client_address_header: Option<String>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_per_second: 50,
            burst: 200,
            body_kib: 256,
            client_address_header: None,
        }
    }
}

/// The Kubernetes cluster.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct Kube {
    /// Which platform this is, where several share a cluster: what has this label and no record in the store is removed.
    pub instance: String,
    /// The namespace of the pods.
    pub namespace: String,
    /// Whether each user has a namespace of their own.
    pub namespace_per_user: bool,
    /// The class of the Ingresses; the default class of the cluster unless given.
    pub ingress_class: Option<String>,
    /// Annotations of the Ingresses.
    pub ingress_annotations: BTreeMap<String, String>,
    /// A Secret with a wildcard certificate.
    pub tls_secret: Option<String>,
    /// The name of a Gateway: with it ports are reached by `HTTPRoute`s instead of Ingresses.
    pub gateway: Option<String>,
    /// Its namespace.
    pub gateway_namespace: Option<String>,
    /// Its listener.
    pub gateway_listener: Option<String>,
    /// The storage class; the default class of the cluster unless given.
    pub storage_class: Option<String>,
    /// Whether a volume is grown when a pod asks for more than it has, where its storage class allows that.
    pub grow_volumes: bool,
    /// Whether pods have a workspace volume each, instead of one for each user.
    pub volume_per_pod: bool,
    /// No root and no capabilities in containers: images that start as root fail.
    pub restricted: bool,
    /// Secrets with registry credentials.
    pub image_pull_secrets: Vec<String>,
    /// Labels of the ingress controller's namespace. With them nobody else in the cluster reaches the pods.
    pub ingress_namespace: BTreeMap<String, String>,
    /// Where a DCGM exporter tells about the use of the GPUs.
    pub dcgm_urls: Vec<String>,
}

impl Default for Kube {
    fn default() -> Self {
        Self {
            instance: "server".into(),
            namespace: "default".into(),
            namespace_per_user: false,
            ingress_class: None,
            ingress_annotations: BTreeMap::new(),
            tls_secret: None,
            gateway: None,
            gateway_namespace: None,
            gateway_listener: None,
            storage_class: None,
            grow_volumes: false,
            volume_per_pod: false,
            restricted: false,
            image_pull_secrets: Vec::new(),
            ingress_namespace: BTreeMap::new(),
            dcgm_urls: Vec::new(),
        }
    }
}

#[expect(clippy::ref_option, reason = "what serde calls it with")]
fn hidden<S: Serializer>(secret: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(|_| "…").serialize(serializer)
}

/// An address without what is between `//` and `@`.
fn hidden_password<S: Serializer>(address: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    use secrecy::ExposeSecret;

    let address = address.expose_secret();
    let shown = match address
        .split_once("//")
        .and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?)))
    {
        Some((scheme, (_, host))) => format!("{scheme}//…@{host}"),
        None => address.to_owned(),
    };
    shown.serialize(serializer)
}
