//! Every key of the configuration.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use neuropod::cluster::Catalogue;
use neuropod::money::{Currency, PricePolicy};
use neuropod::naming::Scheme;
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::address;
use super::auth::Auth;
use super::choices::{ClusterKind, LanguageChoice, LogFormat};
use super::images::Images;
use super::kube::Kube;
use super::limits::Limits;
use super::prices::Prices;
use super::secrets::Secrets;

/// The configuration of the server. Secrets do not print.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The address on which the server listens. `127.0.0.1` is for this machine only, `0.0.0.0` for every
    /// machine that can reach it.
    #[schemars(extend("allowed" = "an address with a port, such as `127.0.0.1:3000` or `[::1]:3000`"))]
    pub listen: SocketAddr,
    /// The address of `/metrics`; the server's own unless given. Choose one that only Prometheus can reach.
    #[schemars(extend("allowed" = "an address with a port, such as `127.0.0.1:9090`"))]
    pub metrics_listen: Option<SocketAddr>,
    /// Development mode: people sign in with any e-mail address, without a password. Never on a public address. The server
    /// then responds only to requests for `localhost`, a name below it, or one of its own IP addresses.
    pub dev: bool,
    /// In development mode: more names at which the server responds, such as the name of this machine in its network.
    #[schemars(extend("allowed" = "host names without a port"))]
    pub dev_hosts: Vec<String>,
    /// The cluster on which pods run.
    pub cluster: ClusterKind,
    /// Pods created at the start, each in its own state or with its own failure, to learn from and to test pages: names
    /// of scenarios (`--scenario list` shows them) or `all`. For development on the simulated cluster only; everything
    /// is kept in memory unless `store` is given. Empty: none.
    #[schemars(extend("allowed" = "names of scenarios, or `all`"))]
    pub scenario: Vec<String>,
    /// Where data is kept: in a file, on a database server, or in memory until the process ends.
    #[serde(serialize_with = "address::serialize")]
    #[schemars(with = "String", extend("allowed" = "`sqlite:FILE`, `postgres://HOST/DATABASE`, `mongodb://HOST/DATABASE`, `mongodb+srv://…` or `memory`"))]
    pub store: SecretString,
    /// The domain below which pods get their host names.
    #[schemars(extend("allowed" = "a domain name, such as `pods.example.com`"))]
    pub domain: String,
    /// Whether pods may be on the same site as the pages that call the API (`cors_origins`), that is, below the same
    /// registrable domain. Without it the server does not start with such domains on a real cluster, because pages of
    /// pods could set cookies for the dashboard.
    pub allow_same_site: bool,
    /// First labels of host names that no pod gets, in addition to `admin`, `api`, `app` and `www`.
    #[schemars(extend("allowed" = "labels of a host name"))]
    pub reserved_hosts: Vec<String>,
    /// The scheme of the links to pods.
    #[schemars(with = "String", extend("enum" = ["http", "https"]))]
    pub scheme: Scheme,
    /// The e-mail address of one administrator, as in earlier versions, in addition to `auth.admin_emails`. The default
    /// counts only while that list is empty.
    pub admin_email: String,
    /// The origins whose web pages may call the API; empty: the development dashboards and `https://app.<domain>`.
    #[schemars(extend("allowed" = "origins, such as `https://app.example.com`"))]
    pub cors_origins: Vec<String>,
    /// Whether public names contain the first 8 digits of the MD5 of the user id, for deployments that already have such
    /// names.
    pub legacy_names: bool,
    /// The language of messages for people, over HTTP and in live updates: `es`, `en`, or `auto`, the language
    /// that each browser prefers (`Accept-Language`), or Spanish if it names neither. Set it if the frontend
    /// has only one language.
    pub language: LanguageChoice,
    /// How the log is written.
    pub log: LogFormat,
    /// The secret that signs tokens, and the key of public names.
    pub secrets: Secrets,
    /// Who signs in, and how.
    pub auth: Auth,
    /// Limits on the requests of a user or address.
    pub limits: Limits,
    /// The allowed sources of images.
    pub images: Images,
    /// The Kubernetes cluster.
    pub kube: Kube,
    /// The prices, until an administrator sets others.
    pub prices: Prices,
    /// The effect of new prices on running pods: they keep the price quoted at their start (`quoted`), or pay
    /// the new price from the next minute on (`current`).
    #[schemars(with = "String", extend("enum" = ["quoted", "current"]))]
    pub price_policy: PricePolicy,
    /// The currency of all amounts, as an ISO 4217 code: amounts are shown in it and never converted, so set it before
    /// there is money in accounts.
    #[schemars(extend("allowed" = "an ISO 4217 code, such as `EUR`"))]
    pub currency: String,
    /// The text in front of amounts in messages; `€` for `EUR`, and the code for other currencies, unless given.
    #[schemars(extend("allowed" = "a text, such as `$`"))]
    pub currency_symbol: Option<String>,
    /// The credit of new clients, until an administrator sets it with the prices; 0: none.
    #[schemars(range(min = 0), extend("unit" = "currency"))]
    pub opening_credit: f64,
    /// The maximum that a client may spend per day (UTC); no limit unless given.
    #[schemars(range(min = 0), extend("unit" = "currency"))]
    pub daily_cap: Option<f64>,
    /// For how many hours an unpaid volume of a stopped pod is kept; forever unless given.
    #[schemars(extend("unit" = "hours"))]
    pub volume_grace_hours: Option<u32>,
    /// For how many minutes a pod may stay at one step on its node before it is stopped and its GPU is
    /// released, whether or not the cluster gives a reason; and for how many minutes a start waits for objects
    /// of the pod that are still being deleted. Large images on slow networks need more.
    #[schemars(range(min = 1), extend("unit" = "minutes"))]
    pub start_limit_minutes: u32,
    /// The owner of a pod is warned once when the balance lasts no longer than each of these times.
    #[schemars(inner(range(min = 1, max = 3600)), extend("unit" = "seconds"))]
    pub low_balance_seconds: Vec<u32>,
    /// A regular expression that finds the access token in the logs of pods whose images are not Jupyter's: the token is
    /// its group named `token`, or its first group. Unless given, the tokens of Jupyter servers are found.
    #[schemars(extend("allowed" = "a regular expression with a group"))]
    pub token_pattern: Option<String>,
    /// For how many days the audit log keeps its entries.
    #[schemars(range(min = 1, max = 36_500), extend("unit" = "days"))]
    pub audit_days: u32,
    /// After how many days the charges of a pod become one for each day, with their sum and their seconds; 0: after the
    /// default. Statements stay the same, and the store stays small.
    #[schemars(range(min = 0, max = 36_500), extend("unit" = "days"))]
    pub fold_after_days: u32,
    /// The GPU types, by id: `name`, `size` (`cpuMillis`, `memoryMib`), `accelerator` (`resource`, `count`),
    /// `nodeSelector`, `tolerations`, `runtimeClass`, `offered` and `specs`; those of the library unless given.
    #[schemars(with = "BTreeMap<String, serde_json::Value>", extend("allowed" = "a table for each GPU type"))]
    pub catalogue: Catalogue,
}

impl Default for Config {
    /// The simulated cluster, a SQLite file in the working folder, and access from this machine only.
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
            fold_after_days: 2,
            catalogue: Catalogue::default(),
        }
    }
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
    /// `Invalid` if `currency` is not an ISO 4217 code.
    pub fn money(&self) -> neuropod::Result<Currency> {
        let currency = Currency::new(&self.currency)?;
        Ok(match &self.currency_symbol {
            Some(symbol) => currency.with_symbol(symbol),
            None => currency,
        })
    }

    /// Whether other machines may run servers on the same store.
    pub fn is_shared(&self) -> bool {
        let store = self.store.expose_secret();
        store.starts_with("mongodb") || address::is_postgres(store)
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
