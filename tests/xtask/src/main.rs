//! The test command of this repository: `cargo xtask test`.
#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

mod api;
mod bench;
mod circles;
mod features;
mod needs;
#[cfg(test)]
mod paths;
mod prepare;
mod report;
mod run;
mod suites;
#[cfg(test)]
mod workflows;
mod workspace;

use std::{process::ExitCode, time::Instant};

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};

use self::{prepare::Preparation, run::Outcome};

#[derive(Parser)]
#[command(about = "Tests this repository")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Prepare the tests, run every suite that this machine can run, and show the results
    Test {
        /// Only these suites, or all of these packages
        suites: Vec<String>,
        /// Fail if anything was skipped
        #[arg(long)]
        strict: bool,
        /// Only suites that need nothing but Cargo
        #[arg(long)]
        plain: bool,
    },
    /// Measure Neuropod beside its peers, and show where each figure stands to its goal
    Bench {
        /// Only these figures, and options of the measurements: `--help` after `--` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Check that every package builds with each of its features alone
    Features,
    /// Check that no files of a package import or call each other in circles, except those in `circles.txt`
    Circles(circles::Options),
    /// Check that the public interface of the published packages is what the files in `docs/api` say
    Api(api::Options),
}

fn main() -> Result<ExitCode> {
    if let Some(code) = api::stand_in()? {
        return Ok(code);
    }
    match Arguments::parse().task {
        Task::Test {
            suites,
            strict,
            plain,
        } => test(&suites, strict, plain),
        Task::Bench { arguments } => bench::run(&arguments),
        Task::Features => features::check().map(|()| ExitCode::SUCCESS),
        Task::Circles(options) => circles::check(&options).map(|()| ExitCode::SUCCESS),
        Task::Api(options) => api::check(&options).map(|()| ExitCode::SUCCESS),
    }
}

fn test(names: &[String], strict: bool, plain: bool) -> Result<ExitCode> {
    let outcomes = match suites::build() {
        Ok(mut suites) => {
            let known = |name: &String| suites.iter().any(|suite| suite.is_called(name));
            if let Some(unknown) = names.iter().find(|name| !known(name)) {
                let known: Vec<_> = suites.iter().map(|suite| suite.name.as_str()).collect();
                bail!("no suite `{unknown}`: there are {}", known.join(", "));
            }
            if !names.is_empty() {
                suites.retain(|suite| names.iter().any(|name| suite.is_called(name)));
            }
            if plain {
                suites.retain(|suite| suite.needs.is_empty());
            }
            run_all(suites)?
        }
        Err(error) => vec![("build".to_owned(), Outcome::failed(format!("{error:#}")))],
    };
    let total = report::print(&outcomes);
    let failed = total.failed > 0 || (strict && total.skipped > 0);
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn run_all(suites: Vec<suites::Suite>) -> Result<Vec<(String, Outcome)>> {
    let mut preparation = Preparation::default();
    let mut outcomes = Vec::new();
    for mut suite in suites {
        println!("\n=== {} ===", suite.name);
        let begin = Instant::now();
        let mut outcome = match preparation.prepare_all(&suite.needs) {
            Ok(()) => run::run(&mut suite)?,
            Err(outcome) => outcome,
        };
        outcome.took = begin.elapsed();
        outcomes.push((suite.name, outcome));
    }
    Ok(outcomes)
}
