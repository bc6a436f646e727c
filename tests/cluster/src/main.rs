//! Starts a test cluster by hand, for looking at it with `kubectl`.
#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::{path::Path, process::ExitCode, thread};

use clap::{Parser, Subcommand};
use neuropod_test_cluster::{ControlPlane, Image, Node, Result, prepare_control_plane, prepare_node};

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
    /// Start a control plane and a node that runs pods, and keep them until Ctrl-C
    Node {
        /// Load the Jupyter image too
        #[arg(long)]
        jupyter: bool,
    },
    /// Build or install all that both need, so that they then start in seconds
    Prepare,
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
        Command::Node { jupyter } => {
            let node = Node::start()?;
            if *jupyter {
                node.load(Image::Jupyter)?;
            }
            serve(node.control_plane().kubeconfig_path())
        }
        Command::Prepare => {
            prepare_control_plane()?;
            prepare_node()
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
