//! `server migrate`: migrates the database of the existing Node backend.

mod address;
mod arguments;
mod commands;
mod report;
mod target;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use neuropod::ErrorKind;
use neuropod::naming::Naming;
use neuropod::store::mongo::migrate::{self, Destination};
use secrecy::ExposeSecret;

use crate::config::Config;
use crate::tls;

pub use self::arguments::Arguments;
use self::report::Report;
use self::target::Target;

/// The exit code if everything was migrated, except documents that had to be set aside.
const SET_ASIDE: u8 = 3;
/// The exit code if the old backend has written meanwhile: run it again.
const AGAIN: u8 = 4;

/// Plans, prints, and applies the plan unless it is a dry run.
///
/// # Errors
/// A store can't be reached or used. Changes already made are kept.
pub async fn run(arguments: &Arguments, config: &Config) -> Result<ExitCode> {
    tls::use_ring();
    let language = arguments.language(config);
    let from = from(arguments, config)?;
    let target = Target::of(&from, config)?;
    let naming = Naming::legacy_md5(&config.domain).context("domain")?;
    let destination = Destination::in_place(naming.with_scheme(config.scheme))
        .with_catalogue(config.catalogue.clone())
        .with_prices(config.prices.list()?);
    let opened = target.open(config, arguments.dry_run).await?;
    let destination = match &opened {
        Some(opened) => destination.into_store(opened.pods.clone(), opened.billing.clone()),
        None => destination,
    };
    let migration = migrate::plan(&from, &destination)
        .await
        .with_context(|| format!("--from {}", address::shown(&from)))?;
    let report = Report {
        from: address::shown(&from),
        target: &target,
        config,
        arguments,
        language,
        currency: config.money().context("currency")?,
    };
    print(&report.plan(&migration)?)?;
    let aside = migration.summary().to_set_aside() > 0;
    let ended = if aside {
        ExitCode::from(SET_ASIDE)
    } else {
        ExitCode::SUCCESS
    };
    if arguments.dry_run || migration.changes().next().is_none() {
        print(&report.nothing_changed(&migration)?)?;
        return Ok(ended);
    }
    let commands = report.in_cluster(&migration)?;
    match migration.apply().await {
        Ok(applied) => {
            print(&report.done(applied)?)?;
            print(&commands)?;
            Ok(ended)
        }
        Err(error) if *error.kind() == ErrorKind::Conflict && !error.is_retryable() => {
            eprintln!("{}", report.still_running(&error));
            Ok(ExitCode::from(AGAIN))
        }
        Err(error) => Err(error).context(language.pick(
            "la migración se ha interrumpido; lo hecho, hecho está: repite la misma orden",
            "the migration broke off; what is done stays done: run the same command again",
        )),
    }
}

/// The old database.
fn from(arguments: &Arguments, config: &Config) -> Result<String> {
    let store = config.store.expose_secret();
    let from = arguments.from.as_deref().unwrap_or(store);
    if !address::is_mongo(from) {
        bail!(
            "--from: the address of the old database is needed, such as mongodb://localhost:27017/plataforma"
        );
    }
    Ok(from.to_owned())
}

/// Prints. Ignores a closed output.
fn print(text: &str) -> Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
