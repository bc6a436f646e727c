//! Combines the sources of the configuration.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use config::{Environment, File, FileFormat, Value, ValueKind};
use ipnet::IpNet;
use neuropod::token::RegexTokens;
use secrecy::ExposeSecret;

use super::choices::ClusterKind;
use super::flags::Flags;
use super::keys::{self, Kind};
use super::settings::Config;
use super::{address, wrong};
use crate::auth::Access;
use crate::contract::amount;
use crate::gallery;

/// The configuration, and the source of each value.
#[derive(Debug)]
pub struct Loaded {
    /// The effective configuration.
    pub config: Config,
    given: Value,
}

/// Reads the file, the environment and the flags, and checks their values.
///
/// # Errors
/// A value that can't be used, with its name and its source.
pub fn load(flags: &Flags) -> Result<Loaded> {
    load_with(flags, std::env::vars().collect())
}

/// The variables of commands, which are no keys.
const COMMANDS: [&str; 3] = ["NEUROPOD_MIGRATE_FROM", "NEUROPOD_COPY_FROM", "NEUROPOD_COPY_TO"];

/// As [`load`], with these variables as the environment.
pub(super) fn load_with(flags: &Flags, variables: HashMap<String, String>) -> Result<Loaded> {
    let (lists, texts) = variables
        .into_iter()
        // Excludes the path of the file itself, and the variables of commands and of this repository's tests.
        .filter(|(name, _)| {
            name != "NEUROPOD_CONFIG"
                && !COMMANDS.contains(&name.as_str())
                && !name.starts_with("NEUROPOD_TEST")
                && !name.starts_with("NEUROPOD_CI")
        })
        .partition(|(name, _)| is_list(name));
    let environment = || {
        Environment::with_prefix("NEUROPOD")
            .prefix_separator("_")
            .separator("__")
    };
    // Only lists are parsed here: a secret of digits would become a number, and lose leading zeros. Texts
    // become numbers when they are read as such.
    let texts = environment().source(Some(texts));
    let lists = lists_of_values()
        .fold(
            environment().try_parsing(true).list_separator(","),
            Environment::with_list_parse_key,
        )
        .source(Some(lists));
    let mut builder = config::Config::builder();
    if let Some(path) = &flags.config {
        check_file(path).with_context(|| format!("config: {}", path.display()))?;
        let file = File::from(path.as_path()).format(FileFormat::Toml);
        builder = builder.add_source(file);
    }
    if let Some(store) = &flags.store {
        ensure!(
            !address::has_secret(store),
            "--store: an address with a password comes from the file or from NEUROPOD_STORE; everybody on this machine can read the command line"
        );
    }
    let given = builder
        .add_source(texts)
        .add_source(lists)
        .add_source(flags.clone())
        .build()
        .context("the configuration can't be read")?;
    if let Some(error) = wrong::unknown_key(&given.cache) {
        return Err(error);
    }
    let config = given.clone().try_deserialize();
    let mut config: Config = config.map_err(|error| wrong::value(&error, |key| origin(&given.cache, key)))?;
    // A gallery is for viewing, so it must not write into the file of the other runs.
    if !config.scenario.is_empty() && given.get_string("store").is_err() {
        config.store = "memory".into();
    }
    let loaded = Loaded {
        config,
        given: given.cache,
    };
    loaded.check_ranges()?;
    check(&loaded.config)?;
    Ok(loaded)
}

/// The keys with lists, which are separated by commas in the environment.
fn lists_of_values() -> impl Iterator<Item = &'static str> {
    let lists = keys::all().0.iter().filter(|key| key.kind == Kind::List);
    lists.map(|key| key.name.as_str())
}

/// Whether an environment variable is a list.
fn is_list(variable: &str) -> bool {
    let name = variable.to_lowercase().replace("__", ".");
    name.strip_prefix("neuropod_")
        .is_some_and(|name| lists_of_values().any(|list| list == name))
}

/// Checks that a file is TOML. An error does not repeat its lines, because there may be secrets in them.
fn check_file(path: &Path) -> Result<()> {
    let text = fs::read_to_string(path)?;
    let Err(error) = text.parse::<toml::Table>() else {
        return Ok(());
    };
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.unwrap_or_default().split('\n').count();
    Err(anyhow!("line {line}: {}", error.message()))
}

/// Checks rules that the types do not express.
fn check(config: &Config) -> Result<()> {
    if !config.scenario.is_empty() {
        ensure!(
            config.dev && config.cluster == ClusterKind::Sim,
            "scenario: scenarios run on the simulated cluster in development only; add --dev, and leave --cluster kube out"
        );
        gallery::check(&config.scenario)?;
    }
    Access::of(config)?;
    for (name, amount) in [
        ("opening_credit", Some(config.opening_credit)),
        ("daily_cap", config.daily_cap),
    ] {
        ensure!(
            amount.is_none_or(|amount| amount::exact(amount).is_some()),
            "{name}: an amount that is not negative, with at most six decimals"
        );
    }
    ensure!(
        config.money().is_ok(),
        "currency: `{}` is not an ISO 4217 code: three capital letters, such as EUR",
        config.currency
    );
    ensure!(
        (1..=36_500).contains(&config.audit_days),
        "audit_days: it must be from 1 to 36500"
    );
    ensure!(
        config.fold_after_days <= 36_500,
        "fold_after_days: it must be from 0 to 36500"
    );
    ensure!(
        config.start_limit_minutes >= 1,
        "start_limit_minutes: it must be at least 1"
    );
    if config.auth.jwks_url.is_some() && (config.auth.issuer.is_none() || config.auth.audience.is_none()) {
        bail!(
            "auth.jwks_url needs auth.issuer and auth.audience: without them any token of that issuer would be accepted"
        );
    }
    let kube = &config.kube;
    ensure!(
        kube.context.is_none() || kube.kubeconfig.is_some(),
        "kube.context needs kube.kubeconfig, the file that contains it"
    );
    ensure!(
        kube.quota.is_none() || kube.namespace_per_user,
        "kube.quota needs kube.namespace_per_user = true"
    );
    for (name, ranges) in [
        ("kube.ingress_ranges", &kube.ingress_ranges),
        ("kube.blocked_ranges", &kube.blocked_ranges),
        ("kube.allowed_ranges", &kube.allowed_ranges),
        ("kube.dns_ranges", &kube.dns_ranges),
    ] {
        let wrong = ranges.iter().find(|range| range.parse::<IpNet>().is_err());
        ensure!(
            wrong.is_none(),
            "{name}: {} is not an address range (CIDR), such as 203.0.113.0/24 or 2001:db8::/32",
            wrong.map_or("", String::as_str)
        );
    }
    if let Some(pattern) = &config.token_pattern {
        ensure!(
            RegexTokens::new(pattern).is_ok(),
            "token_pattern: it must be a regular expression with a group around the token, such as `token: (\\S+)`"
        );
    }
    address::check_store(config.store.expose_secret()).context("store")?;
    config.prices.list()?;
    config.images.rules()?;
    Ok(())
}

impl Loaded {
    /// Fails if a number is out of range.
    fn check_ranges(&self) -> Result<()> {
        let config = serde_json::to_value(&self.config)?;
        let config = config.as_object().cloned().unwrap_or_default();
        for key in &keys::all().0 {
            let from = self
                .origin(&key.name)
                .map_or_else(String::new, |origin| format!(" ({origin})"));
            ensure!(
                key.is_in_range(&config),
                "{}{from}: it must be {}",
                key.name,
                key.allowed_with_unit()
            );
        }
        Ok(())
    }

    /// The source of the value of `key`, or every source of a table; `None` for a default.
    pub(super) fn origin(&self, key: &str) -> Option<String> {
        origin(&self.given, key)
    }
}

fn origin(given: &Value, key: &str) -> Option<String> {
    let mut value = given;
    for part in key.split('.') {
        let ValueKind::Table(table) = &value.kind else {
            break;
        };
        value = table.get(part)?;
    }
    let mut origins = BTreeSet::new();
    collect(value, &mut origins);
    (!origins.is_empty()).then(|| origins.into_iter().collect::<Vec<_>>().join(", "))
}

/// A table itself has no source, only its contents do.
fn collect<'a>(value: &'a Value, origins: &mut BTreeSet<&'a str>) {
    match &value.kind {
        ValueKind::Table(table) => table.values().for_each(|inner| collect(inner, origins)),
        _ => origins.extend(value.origin()),
    }
}
