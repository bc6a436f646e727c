//! `server migrate`: takes over the database of the existing Node backend.

mod address;
mod commands;
mod report;
mod target;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use neuropod::ErrorKind;
use neuropod::message::Language;
use neuropod::naming::Naming;
use neuropod::store::mongo::migrate::{self, Destination};
use secrecy::ExposeSecret;

use crate::config::Config;
use crate::server;

use self::report::Report;
use self::target::Target;

/// Everything is carried over, but for documents that had to be set aside.
const SET_ASIDE: u8 = 3;
/// The old backend has written meanwhile: once more.
const AGAIN: u8 = 4;

/// What `server migrate` is told.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Arguments {
    /// The database of the old backend, such as `mongodb://localhost:27017/plataforma`; that of --store unless given
    ///
    /// With the same database as --store, it is taken over in place. With another store (a SQLite file, another
    /// database), everything is written there and the old database stays as it is. An address with a password is better
    /// put into `NEUROPOD_MIGRATE_FROM`: everybody on this machine can read the command line
    #[arg(long, env = "NEUROPOD_MIGRATE_FROM", hide_env_values = true)]
    pub from: Option<String>,
    /// Tell what would be done, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Name every document, not only those that are odd
    #[arg(long)]
    pub list: bool,
    /// The language of what is printed; that of the configuration or of this terminal unless given
    #[arg(long, value_enum)]
    pub language: Option<Spoken>,
}

const EXIT_CODES: &str = "Exit codes:
  0  everything is taken over (with --dry-run: it can be), or there is nothing to do
  1  it failed; what is done stays done, and the same command goes on
  2  the command line is wrong
  3  as 0, but for documents that can't be carried over and are set aside
  4  the old backend has written meanwhile: stop it, and run the same command again";

/// A language for what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Spoken {
    /// Spanish.
    Es,
    /// English.
    En,
}

impl Arguments {
    /// The language: what was asked for, else that of the configuration, else that of the terminal.
    fn language(&self, config: &Config) -> Language {
        match (self.language, config.language.fixed()) {
            (Some(Spoken::Es), _) => Language::Es,
            (Some(Spoken::En), _) => Language::En,
            (None, Some(language)) => language,
            (None, None) => {
                of_terminal(["LC_ALL", "LC_MESSAGES", "LANG"].map(|name| std::env::var(name).ok()))
            }
        }
    }
}

/// The language of the first of these variables that says anything (POSIX, "Internationalization Variables").
fn of_terminal(variables: [Option<String>; 3]) -> Language {
    let locale = variables.into_iter().flatten().find(|value| !value.is_empty());
    match locale {
        Some(locale) if locale.starts_with("es") => Language::Es,
        _ => Language::En,
    }
}

/// Plans, prints, and does it unless it is a dry run.
///
/// # Errors
/// A store can't be reached or used. What is done stays done.
pub async fn run(arguments: &Arguments, config: &Config) -> Result<ExitCode> {
    server::use_ring();
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
        print(&report.end(&migration)?)?;
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
            eprintln!("{}", report.again(&error));
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

/// Prints; whoever reads may have stopped reading.
fn print(text: &str) -> Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terminal_says_its_language() {
        let some = |value: &str| Some(value.to_owned());
        for (variables, language) in [
            ([None, None, some("es_ES.UTF-8")], Language::Es),
            ([some(""), None, some("es_ES.UTF-8")], Language::Es),
            ([some("en_GB"), None, some("es_ES.UTF-8")], Language::En),
            ([None, some("es"), some("en_US.UTF-8")], Language::Es),
            ([None, None, some("C.UTF-8")], Language::En),
            ([None, None, None], Language::En),
        ] {
            assert_eq!(of_terminal(variables), language);
        }
    }
}
