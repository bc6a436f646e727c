//! Putting the sources together.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use config::{Environment, File, FileFormat, Value, ValueKind};
use secrecy::ExposeSecret;

use super::{Config, Flags};
use crate::euros;

/// What holds, and where each value is from.
#[derive(Debug)]
pub struct Loaded {
    /// What holds.
    pub config: Config,
    told: Value,
}

/// Reads the file, the environment and the flags, and checks what they say.
///
/// # Errors
/// A value that can't be used, with its name and where it is from.
pub fn load(flags: &Flags) -> Result<Loaded> {
    let mut builder = config::Config::builder();
    if let Some(path) = &flags.config {
        look_at(path).with_context(|| format!("config: {}", path.display()))?;
        let file = File::from(path.as_path()).format(FileFormat::Toml);
        builder = builder.add_source(file);
    }
    for environment in environment(std::env::vars()) {
        builder = builder.add_source(environment);
    }
    let told = builder
        .add_source(flags.clone())
        .build()
        .context("the configuration can't be read")?;
    let config: Config = told
        .clone()
        .try_deserialize()
        .context("the configuration is wrong")?;
    check(&config)?;
    Ok(Loaded {
        config,
        told: told.cache,
    })
}

/// What these variables say: those that are texts, whatever they look like, and the others.
pub(super) fn environment(variables: impl Iterator<Item = (String, String)>) -> [Environment; 2] {
    const TEXTS: [&str; 3] = [
        "NEUROPOD_STORE",
        "NEUROPOD_SECRETS__JWT",
        "NEUROPOD_SECRETS__NAMING",
    ];
    let source = || {
        Environment::with_prefix("NEUROPOD")
            .prefix_separator("_")
            .separator("__")
    };
    let (texts, others) = variables
        // The place of the file itself, and what the tests of this repository are told.
        .filter(|(name, _)| {
            name != "NEUROPOD_CONFIG"
                && !name.starts_with("NEUROPOD_TEST")
                && !name.starts_with("NEUROPOD_CI")
        })
        .partition(|(name, _)| TEXTS.iter().any(|text| name.eq_ignore_ascii_case(text)));
    let lists = ["cors_origins", "kube.image_pull_secrets", "kube.dcgm_urls"];
    let parsed = source().try_parsing(true).list_separator(",");
    let parsed = lists.into_iter().fold(parsed, Environment::with_list_parse_key);
    [source().source(Some(texts)), parsed.source(Some(others))]
}

/// Whether a file is TOML. Its lines are not repeated where it is not: there may be secrets in them.
fn look_at(path: &Path) -> Result<()> {
    let text = fs::read_to_string(path)?;
    let Err(error) = text.parse::<toml::Table>() else {
        return Ok(());
    };
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.unwrap_or_default().split('\n').count();
    Err(anyhow!("line {line}: {}", error.message()))
}

/// What no type says.
fn check(config: &Config) -> Result<()> {
    ensure!(
        config.auth.token_hours > 0,
        "auth.token_hours: a token has to hold for an hour at least"
    );
    ensure!(
        config.limits.requests_per_second > 0 && config.limits.burst > 0,
        "limits: requests_per_second and burst have to be 1 at least"
    );
    ensure!(config.limits.body_kib > 0, "limits.body_kib has to be 1 at least");
    for (name, amount) in [
        ("opening_credit", Some(config.opening_credit)),
        ("daily_cap", config.daily_cap),
    ] {
        ensure!(
            amount.is_none_or(|amount| euros::amount(amount).is_some()),
            "{name}: an amount in EUR, with at most two decimals"
        );
    }
    if config.auth.jwks_url.is_some() && (config.auth.issuer.is_none() || config.auth.audience.is_none()) {
        bail!(
            "auth.jwks_url needs auth.issuer and auth.audience: without them every token of that issuer would do"
        );
    }
    let store = config.store.expose_secret();
    ensure!(
        store == "memory"
            || ["sqlite:", "mongodb://", "mongodb+srv://"]
                .iter()
                .any(|kind| store.starts_with(kind)),
        "store: `sqlite:FILE`, `mongodb://…` or `memory`"
    );
    config.prices.list()?;
    Ok(())
}

impl Loaded {
    /// Where the value of `key` is from, each source of a table once; `None`: nobody told it.
    pub(super) fn origin(&self, key: &str) -> Option<String> {
        let mut value = &self.told;
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
}

/// A table itself is from nowhere: what is in it is.
fn collect<'a>(value: &'a Value, origins: &mut BTreeSet<&'a str>) {
    match &value.kind {
        ValueKind::Table(table) => table.values().for_each(|inner| collect(inner, origins)),
        _ => origins.extend(value.origin()),
    }
}
