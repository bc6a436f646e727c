//! `server copy`: copies everything from one store into another.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use neuropod::store::PostgresOptions;
use neuropod::store::copy::{Address, CopyReport, compare, copy};

use crate::config::{check_store, is_postgres, shown_address};
use crate::tls;

/// The command line of `server copy`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = STEPS)]
pub struct Arguments {
    /// The store that has everything: `sqlite:FILE`, `postgres://HOST/DATABASE` or `mongodb://HOST/DATABASE`
    ///
    /// It stays as it is. Put an address with a password into `NEUROPOD_COPY_FROM`: everybody on this machine can read the
    /// command line
    #[arg(long, env = "NEUROPOD_COPY_FROM", hide_env_values = true)]
    from: String,
    /// The store that gets everything, and has to be empty
    ///
    /// Put an address with a password into `NEUROPOD_COPY_TO`
    #[arg(long, env = "NEUROPOD_COPY_TO", hide_env_values = true)]
    to: String,
    /// Copy nothing, only compare what is in both stores
    #[arg(long)]
    compare: bool,
}

const STEPS: &str =
    "Stop every server on the source first, and start none before this has ended with 0. What was copied is \
compared record by record and account by account.

Exit codes:
  0  everything was copied, and is the same in both stores
  1  it failed; the source is as it was. A server refuses half a copy: run the same command again
  2  the command line is wrong";

/// Copies, or only compares, and prints what.
///
/// # Errors
/// A store can't be reached or used, the target is not empty, or something differs.
pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    tls::use_ring();
    let from = address(&arguments.from).context("--from")?;
    let to = address(&arguments.to).context("--to")?;
    ensure!(
        arguments.from != arguments.to,
        "--to: a store can't be copied into itself"
    );
    let result = if arguments.compare {
        compare(&from, &to).await
    } else {
        copy(&from, &to).await
    };
    let (from, to) = (shown_address(&arguments.from), shown_address(&arguments.to));
    let report = result.with_context(|| {
        if arguments.compare {
            format!("{from} compared with {to}")
        } else {
            // `start_error.rs` knows the next step.
            format!("copy of {from} to {to}")
        }
    })?;
    let done = if arguments.compare {
        format!("{from} and {to} have the same.")
    } else {
        format!(
            "Everything that is in {from} is in {to} too, and was compared.\n\
             Start the server with the new store, and keep the old one until all is well."
        )
    };
    let text = format!("{}\n{done}\n", table(&report));
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn address(store: &str) -> Result<Address> {
    check_store(store)?;
    ensure!(
        store != "memory",
        "what is in memory is gone with its server: give a file or a database"
    );
    Ok(match store.strip_prefix("sqlite:") {
        Some(file) => Address::sqlite(file),
        None if is_postgres(store) => Address::postgres(PostgresOptions::new(store)),
        None => Address::mongo(store),
    })
}

/// The report for people. Amounts are in the currency of the store.
fn table(report: &CopyReport) -> String {
    let mut text = format!("{:20}{:>12}{:>12}\n", "", "copied", "compared");
    for kind in &report.kinds {
        // Writing to a text does not fail.
        let _ = writeln!(text, "{:20}{:>12}{:>12}", kind.name, kind.copied, kind.compared);
    }
    let CopyReport {
        available,
        held,
        booked,
        unbalanced,
        ..
    } = report;
    let _ = writeln!(
        text,
        "\nMoney in both: {available} available and {held} held in accounts, {booked} in their entries"
    );
    if *unbalanced > 0 {
        let _ = writeln!(
            text,
            "{unbalanced} accounts have entries that do not add up to their balance, in both stores alike"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lasting_stores_are_copied() {
        for store in [
            "sqlite:a.db",
            "postgres://db/a",
            "postgresql://db/a",
            "mongodb://db/a",
            "mongodb+srv://db/a",
        ] {
            assert!(address(store).is_ok(), "{store}");
        }
        for (store, expected) in [
            ("memory", "gone with its server"),
            ("sqlite:", "needs the name of a file"),
            ("mysql://ana:hunter2@db/a", "it must be `sqlite:FILE`"),
        ] {
            let error = address(store).unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn the_table_has_a_line_for_each_kind() {
        let mut report = CopyReport::default();
        assert_eq!(table(&report).lines().count(), 3);
        report.unbalanced = 2;
        assert!(table(&report).contains("2 accounts have entries that do not add up"));
    }
}
