//! Starts a test cluster by hand, for looking at it with `kubectl`.
#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::{path::Path, process::ExitCode, thread};

use clap::{Parser, Subcommand};
use neuropod_test_cluster::{ControlPlane, Result};

#[derive(Parser)]
#[command(about = "A real Kubernetes for the tests")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start etcd, the API server and the controllers, and keep them until Ctrl-C
    ControlPlane,
}

fn main() -> ExitCode {
    match run(&Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<()> {
    match command {
        Command::ControlPlane => {
            let control_plane = ControlPlane::start()?;
            serve(control_plane.kubeconfig_path())
        }
    }
}

/// Waits to be killed: the servers and their data then go by themselves.
fn serve(kubeconfig: &Path) -> ! {
    println!("export KUBECONFIG={}", kubeconfig.display());
    loop {
        thread::park();
    }
}
