//! The figures, each with what it needs.

mod create;
mod crowd;
mod fleet;
mod rest;
mod saturated;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::table::Report;

/// What is measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Figure {
    /// The time until all objects of a bundle are accepted, and the processor time of the client
    Create,
    /// The bundles a second of many who create at once
    Saturated,
    /// One pod, all pods and the watch in a namespace with thousands of pods
    Crowd,
    /// The requests of a platform whose pods need nothing
    Rest,
    /// Two replicas on PostgreSQL with thousands of pods, of which one is killed
    Fleet,
}

/// What to measure, and how often.
#[derive(Args)]
pub(crate) struct Options {
    /// Only these
    names: Vec<Figure>,
    /// Measured rounds, after three that only warm up
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// The pods of `crowd`, `rest` and `fleet`, instead of those that the goals are for
    #[arg(long)]
    pods: Option<usize>,
}

impl Figure {
    /// Measures, and prints the tables. Fails if something could not be measured, whatever the figures are.
    pub(crate) async fn run(options: &Options) -> Result<ExitCode> {
        let mut report = Report::default();
        let mut failed = false;
        for figure in Self::value_variants() {
            if !options.names.is_empty() && !options.names.contains(figure) {
                continue;
            }
            let measured = match figure {
                Self::Create => create::measure(options.rounds, &mut report).await,
                Self::Saturated => saturated::measure(&mut report).await,
                Self::Crowd => crowd::measure(options.pods, &mut report).await,
                Self::Rest => rest::measure(options.pods, &mut report).await,
                Self::Fleet => fleet::measure(options.pods, &mut report).await,
            };
            if let Err(error) = measured {
                eprintln!("{figure:?} was not measured: {error:#}");
                failed = true;
            }
        }
        println!("{report}");
        Ok(if failed {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}
