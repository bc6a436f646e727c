//! What the server is told: a TOML file, the environment, flags, each before the one in front of it.
//!
//! Every value may come from each of them: `listen` is `listen = "…"` in the file, `NEUROPOD_LISTEN` in the
//! environment and `--listen` on the command line; `kube.namespace` is `NEUROPOD_KUBE__NAMESPACE`.

mod address;
mod flags;
mod images;
mod keys;
mod kube;
mod limits;
mod load;
mod prices;
mod reference;
mod show;
#[cfg(test)]
mod tests;
mod wrong;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use neuropod::cluster::Catalogue;
use neuropod::message::Language;
use neuropod::money::Currency;
use neuropod::money::PricePolicy;
use neuropod::naming::Scheme;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};

pub use self::{
    flags::{Command, Flags},
    images::Images,
    kube::{AccessMode, Kube, PullPolicy, UserQuota},
    limits::Limits,
    load::{Loaded, load},
    prices::Prices,
    reference::reference,
};

/// What the server is told. Secrets do not print.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the server listens. `127.0.0.1` is for this machine only, `0.0.0.0` for all who reach it.
    #[schemars(extend("allowed" = "an address with a port, such as `127.0.0.1:3000` or `[::1]:3000`"))]
    pub listen: SocketAddr,
    /// Where `/metrics` is; with everything else unless given. Put it where only Prometheus gets.
    #[schemars(extend("allowed" = "an address with a port, such as `127.0.0.1:9090`"))]
    pub metrics_listen: Option<SocketAddr>,
    /// Development: signing in by e-mail address alone, without a password. Never on a public address. The server then
    /// answers only where the browser asks for `localhost`, a name below it, or an IP address that is the server's own.
    pub dev: bool,
    /// In development: more names at which the server answers, such as that of this machine in its network.
    #[schemars(extend("allowed" = "host names without a port"))]
    pub dev_hosts: Vec<String>,
    /// Where pods run.
    pub cluster: ClusterKind,
    /// Pods that are made at the start, each with its own trouble, to learn from and to try a page on: names of
    /// scenarios (`--scenario list` shows them) or `all`. For development on the simulated cluster only; what is kept
    /// goes to memory unless `store` is given. Empty: none.
    #[schemars(extend("allowed" = "names of scenarios, or `all`"))]
    pub scenario: Vec<String>,
    /// Where everything is kept: in a file, on a database server, or in memory until the process ends.
    #[serde(serialize_with = "address::serialize")]
    #[schemars(with = "String", extend("allowed" = "`sqlite:FILE`, `mongodb://HOST/DATABASE`, `mongodb+srv://…` or `memory`"))]
    pub store: SecretString,
    /// The domain below which pods get their host names.
    #[schemars(extend("allowed" = "a domain name, such as `pods.example.com`"))]
    pub domain: String,
    /// Whether pods may be at the site of the pages that call the API (`cors_origins`): below the same domain that can be
    /// registered. Without it the server does not start on such a cluster, as pages of pods could set cookies for the
    /// dashboard.
    pub allow_same_site: bool,
    /// More first labels of host names that no pod gets, beside `admin`, `api`, `app` and `www`.
    #[schemars(extend("allowed" = "labels of a host name"))]
    pub reserved_hosts: Vec<String>,
    /// The scheme of the links to pods.
    #[schemars(with = "String", extend("enum" = ["http", "https"]))]
    pub scheme: Scheme,
    /// The e-mail address of one administrator, as in earlier versions: it counts beside those of `auth.admin_emails`.
    /// The example that stands here from the start counts only where that list is empty.
    pub admin_email: String,
    /// Web pages of these origins may call the API; empty: the dashboards of development and `https://app.<domain>`.
    #[schemars(extend("allowed" = "origins, such as `https://app.example.com`"))]
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
    /// Where images may come from.
    pub images: Images,
    /// The Kubernetes cluster.
    pub kube: Kube,
    /// The prices until an administrator sets others.
    pub prices: Prices,
    /// What a change of prices means for pods that run: they keep what was quoted at their start (`quoted`), or cost the
    /// new price from the next minute on (`current`).
    #[schemars(with = "String", extend("enum" = ["quoted", "current"]))]
    pub price_policy: PricePolicy,
    /// The currency of all amounts, as an ISO 4217 code: amounts are shown in it and never converted, so set it before
    /// there is money in accounts.
    #[schemars(extend("allowed" = "an ISO 4217 code, such as `EUR`"))]
    pub currency: String,
    /// The text in front of amounts in messages; `€` for `EUR`, and the code for other currencies, unless given.
    #[schemars(extend("allowed" = "a text, such as `$`"))]
    pub currency_symbol: Option<String>,
    /// What new clients get, until an administrator sets it with the prices; 0: nothing.
    #[schemars(range(min = 0), extend("unit" = "currency"))]
    pub opening_credit: f64,
    /// What a client may spend on a day (UTC); as much as they have unless given.
    #[schemars(range(min = 0), extend("unit" = "currency"))]
    pub daily_cap: Option<f64>,
    /// For how many hours the volume of a stopped pod is kept that nobody pays for; for ever unless given.
    #[schemars(extend("unit" = "hours"))]
    pub volume_grace_hours: Option<u32>,
    /// For how many minutes a pod may stay at one step on its node before it is stopped and its GPU given back, whether or
    /// not anybody says why; and for how many a start waits behind something of the pod that is still being deleted. Big
    /// images on slow networks need more.
    #[schemars(range(min = 1), extend("unit" = "minutes"))]
    pub start_limit_minutes: u32,
    /// With how much time left to pay for the owner of a pod is warned, each once.
    #[schemars(inner(range(min = 1, max = 3600)), extend("unit" = "seconds"))]
    pub low_balance_seconds: Vec<u32>,
    /// A regular expression that finds the access token in the logs of pods, for images that are not Jupyter's: its
    /// group named `token`, or its first one. Unless given tokens of Jupyter servers are found.
    #[schemars(extend("allowed" = "a regular expression with a group"))]
    pub token_pattern: Option<String>,
    /// For how many days the audit log keeps what administrators did.
    #[schemars(range(min = 1, max = 36_500), extend("unit" = "days"))]
    pub audit_days: u32,
    /// The GPU types, by id: `name`, `size` (`cpuMillis`, `memoryMib`), `accelerator` (`resource`, `count`),
    /// `nodeSelector`, `tolerations`, `runtimeClass`, `offered` and `specs`; those of the library unless given.
    #[schemars(with = "BTreeMap<String, serde_json::Value>", extend("allowed" = "a table for each GPU type"))]
    pub catalogue: Catalogue,
}

impl Default for Config {
    /// The simulated cluster, a SQLite file in the working folder, and nobody but this machine.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 3000)),
            metrics_listen: None,
            dev: false,
            dev_hosts: Vec::new(),
            cluster: ClusterKind::Sim,
            scenario: Vec::new(),
            store: "sqlite:neuropod.db".into(),
            domain: "pods.localhost".into(),
            allow_same_site: false,
            reserved_hosts: Vec::new(),
            scheme: Scheme::Https,
            admin_email: "admin@example.com".into(),
            cors_origins: Vec::new(),
            legacy_names: false,
            language: LanguageChoice::Auto,
            log: LogFormat::Text,
            secrets: Secrets::default(),
            auth: Auth::default(),
            limits: Limits::default(),
            images: Images::default(),
            kube: Kube::default(),
            prices: Prices::default(),
            price_policy: PricePolicy::default(),
            currency: Currency::EUR.code().into(),
            currency_symbol: None,
            opening_credit: 10.0,
            daily_cap: None,
            volume_grace_hours: None,
            start_limit_minutes: 60,
            low_balance_seconds: vec![3600, 900, 300],
            token_pattern: None,
            audit_days: 365,
            catalogue: Catalogue::default(),
        }
    }
}

/// The names of all keys.
#[cfg(test)]
pub(crate) fn key_names() -> Vec<&'static str> {
    keys::all().0.iter().map(|key| key.name.as_str()).collect()
}

impl Config {
    /// The addresses of the administrators.
    pub fn administrators(&self) -> impl Iterator<Item = &String> {
        let listed = &self.auth.admin_emails;
        let example = !listed.is_empty() && self.admin_email == Self::default().admin_email;
        listed.iter().chain((!example).then_some(&self.admin_email))
    }

    /// The currency of all amounts.
    ///
    /// # Errors
    /// `Invalid` when `currency` is no ISO 4217 code.
    pub fn money(&self) -> neuropod::Result<Currency> {
        let currency = Currency::new(&self.currency)?;
        Ok(match &self.currency_symbol {
            Some(symbol) => currency.with_symbol(symbol),
            None => currency,
        })
    }

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ClusterKind {
    /// On a simulated cluster.
    Sim,
    /// On the cluster of the current kubeconfig, or the one that the server runs in.
    Kube,
}

/// In which language people are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Secrets, each as a file or by itself. What is missing is made, and kept beside the SQLite file.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// Signs the tokens of this server (HS256); at least 32 bytes.
    #[serde(serialize_with = "hidden")]
    #[schemars(with = "Option<String>", extend("allowed" = "a text"))]
    pub jwt: Option<SecretString>,
    /// The file with `secrets.jwt`. A line break at its end does not count.
    #[schemars(extend("allowed" = "the path of a file"))]
    pub jwt_file: Option<PathBuf>,
    /// The key of the hash in public names, for the life of the deployment; at least 16 bytes.
    #[serde(serialize_with = "hidden")]
    #[schemars(with = "Option<String>", extend("allowed" = "a text"))]
    pub naming: Option<SecretString>,
    /// The file with `secrets.naming`.
    #[schemars(extend("allowed" = "the path of a file"))]
    pub naming_file: Option<PathBuf>,
}

/// Who signs in, and how.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
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
    /// Whether that issuer verifies the address of everybody before it makes a token for them. Set it for an issuer whose
    /// tokens have no `email_verified`: without that, who has the address of an administrator is refused, an address is on
    /// no list, and is not taken for that of somebody who was here before. What the issuer says it has not verified stays
    /// so.
    pub issuer_verifies_addresses: bool,
    /// The e-mail addresses of the administrators. Whoever signs in with one that is verified is one; whoever is taken
    /// off the list is one no longer, at once, and becomes a client.
    #[schemars(extend("allowed" = "e-mail addresses"))]
    pub admin_emails: Vec<String>,
    /// The e-mail addresses that may sign in, beside those of `allowed_domains` and the administrators; everybody may
    /// where both lists are empty. Whoever is taken off is shut out at once; their pods stay until they are stopped or
    /// the user is suspended or deleted.
    #[schemars(extend("allowed" = "e-mail addresses"))]
    pub allowed_emails: Vec<String>,
    /// The domains whose addresses may sign in, such as `example.com`, which is not `sub.example.com`.
    #[schemars(extend("allowed" = "domains"))]
    pub allowed_domains: Vec<String>,
    /// How long somebody stays signed in with a token of this server.
    #[schemars(range(min = 1), extend("unit" = "hours"))]
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
            issuer_verifies_addresses: false,
            admin_emails: Vec::new(),
            allowed_emails: Vec::new(),
            allowed_domains: Vec::new(),
            token_hours: 24,
        }
    }
}

#[expect(clippy::ref_option, reason = "what serde calls it with")]
fn hidden<S: Serializer>(secret: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(|_| "…").serialize(serializer)
}
