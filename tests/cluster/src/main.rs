//! Starts a test cluster by hand, for use with `kubectl`, or the database servers of the tests.
#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::{fmt::Display, process::ExitCode, thread};

use clap::{Parser, Subcommand};
use neuropod_test_cluster::{
    ControlPlane, Enforcer, Error, Image, MONGODB_URI, Mongo, Node, POSTGRES_URI, Postgres, Result,
    TestCluster, prepare_edge,
};

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
        /// Also load the Jupyter image
        #[arg(long)]
        jupyter: bool,
        /// Enforce network policies, and start an ingress controller and metrics-server
        #[arg(long)]
        edge: bool,
    },
    /// Start the MongoDB that the tests would use, and keep it until Ctrl-C
    Mongo,
    /// Start the PostgreSQL that the tests would use, and keep it until Ctrl-C
    Postgres,
    /// Build or install all requirements, so that the others then start in seconds
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
            serve("KUBECONFIG", control_plane.kubeconfig_path().display())
        }
        Command::Mongo => {
            let server = Mongo::start()?;
            serve(MONGODB_URI, server.uri())
        }
        Command::Postgres => {
            let server = Postgres::start()?;
            serve(POSTGRES_URI, server.uri())
        }
        Command::Node { jupyter, edge } => {
            let cluster = TestCluster::node()?;
            let node = cluster
                .own_node()
                .ok_or_else(|| Error::Unavailable("a cluster is given".into()))?;
            if *jupyter {
                node.load(Image::Jupyter)?;
            }
            let _enforcer = if *edge {
                Some(start_edge(&cluster, node)?)
            } else {
                None
            };
            serve("KUBECONFIG", cluster.kubeconfig_path().display())
        }
        Command::Prepare => prepare_edge(),
    }
}

fn start_edge(cluster: &TestCluster, node: &Node) -> Result<Enforcer> {
    let enforcer = node.enforce_policies()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| Error::Io {
            context: "start an async runtime".into(),
            source,
        })?;
    let certificate = cluster.certificate(&["*.pods.example.com"])?;
    let edge = runtime.block_on(async {
        cluster.start_metrics_server().await?;
        cluster.start_edge(&certificate).await
    })?;
    println!(
        "# ingress classes traefik and nginx, Gateway class traefik: {}",
        edge.address()
    );
    Ok(enforcer)
}

/// Waits to be killed; the servers and their data are then removed automatically.
fn serve(variable: &str, address: impl Display) -> ! {
    println!("export {variable}={address}");
    loop {
        thread::park();
    }
}
