//! Measures Neuropod beside its peers, on a real API server: `cargo xtask bench`. The README says what and how.
#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

mod clients;
mod delay;
mod figures;
mod fleet;
mod peer;
mod process;
mod processor;
mod sample;
mod site;
mod table;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use self::clients::{Crowd, Replica, Rust};
use self::figures::{Figure, Options};

#[derive(Parser)]
#[command(about = "Measures Neuropod beside its peers")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install or build what the measurements need
    Prepare,
    /// Measure, and print the tables
    Run(Options),
    /// Be one of those that are measured: reads commands from the standard input
    Peer {
        /// Which one
        client: Rust,
        /// Create one bundle with this many ports, say so and end
        #[arg(long)]
        once: Option<u16>,
        /// Start a new process for each bundle
        #[arg(long, conflicts_with = "once")]
        cold: bool,
    },
    /// Drive a platform: reads commands from the standard input
    Replica(Replica),
    /// Measure one thing in a namespace with many pods
    Crowd {
        /// Which one
        #[command(subcommand)]
        what: Crowd,
    },
}

fn main() -> Result<ExitCode> {
    let task = Arguments::parse().task;
    if matches!(task, Task::Prepare) {
        // It starts runtimes of its own.
        return peer::prepare().map(|()| ExitCode::SUCCESS);
    }
    // One thread: whoever is measured has one processor.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start an async runtime")?;
    runtime.block_on(async {
        match task {
            Task::Prepare => Ok(ExitCode::SUCCESS),
            Task::Run(options) => Figure::run(&options).await,
            Task::Replica(replica) => clients::drive(&replica).await.map(|()| ExitCode::SUCCESS),
            Task::Crowd { what } => clients::among_many(what).await.map(|()| ExitCode::SUCCESS),
            Task::Peer { client, once, cold } => {
                clients::run(client, once, cold).await.map(|()| ExitCode::SUCCESS)
            }
        }
    })
}
