//! The test command of this repository: `cargo xtask test`.
#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

mod features;
mod report;
mod run;
mod suites;

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};

use self::suites::Preparation;

#[derive(Parser)]
#[command(about = "Tests this repository")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Prepare what the tests need, run every suite that this machine can run, and show what came out
    Test {
        /// Only these suites
        suites: Vec<String>,
        /// Fail if anything was skipped
        #[arg(long)]
        strict: bool,
    },
    /// Check that every package builds with each of its features alone
    Features,
}

fn main() -> Result<ExitCode> {
    match Arguments::parse().task {
        Task::Test { suites, strict } => test(&suites, strict),
        Task::Features => features::check().map(|()| ExitCode::SUCCESS),
    }
}

fn test(names: &[String], strict: bool) -> Result<ExitCode> {
    let all = suites::all(&root())?;
    if let Some(unknown) = names
        .iter()
        .find(|name| !all.iter().any(|suite| suite.name == **name))
    {
        let known: Vec<_> = all.iter().map(|suite| suite.name.as_str()).collect();
        bail!("no suite `{unknown}`: there are {}", known.join(", "));
    }
    let mut preparation = Preparation::default();
    let mut outcomes = Vec::new();
    for suite in all
        .iter()
        .filter(|suite| names.is_empty() || names.contains(&suite.name))
    {
        println!("\n=== {} ===", suite.name);
        let outcome = match preparation.of(suite.needs) {
            Ok(()) => run::run(suite)?,
            Err(reason) => run::Outcome::skipped(reason),
        };
        outcomes.push((suite.name.clone(), outcome));
    }
    let total = report::print(&outcomes);
    let failed = total.failed > 0 || (strict && total.skipped > 0);
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// The Cargo that runs this program.
fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// The repository.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}
