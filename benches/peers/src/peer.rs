//! The peers as processes, and what they need.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use neuropod_test_cluster::{npm_packages, prepare_control_plane, prepare_postgres, python_packages};
use tokio::process::Command;

use crate::clients::{Crowd, Rust};
use crate::process::{Process, pinned, this_program};
use crate::sample::{CLASS, HUB_NAMESPACE, NAMESPACE, PLAN_NAMESPACE};

const PACKAGE: &str = include_str!("../package.json");
const PACKAGE_LOCK: &str = include_str!("../package-lock.json");
const REQUIREMENTS: &str = include_str!("../requirements.txt");

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Ours,
    Raw,
    OursCold,
    RawCold,
    Plan,
    PlanKeepAlive,
    KubeSpawner,
    /// With a Service for each pod.
    KubeSpawnerServices,
}

impl Kind {
    /// Those that create in turns.
    pub(crate) const TURNS: [Self; 7] = [
        Self::Ours,
        Self::Raw,
        Self::OursCold,
        Self::RawCold,
        Self::Plan,
        Self::PlanKeepAlive,
        Self::KubeSpawner,
    ];

    /// Its name in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Raw => "raw",
            Self::OursCold => "ours, cold",
            Self::RawCold => "raw, cold",
            Self::Plan => "the plan",
            Self::PlanKeepAlive => "the plan, keep-alive",
            Self::KubeSpawner => "kubespawner",
            Self::KubeSpawnerServices => "kubespawner with Services",
        }
    }

    /// The namespace that it creates in.
    pub(crate) fn namespace(self) -> &'static str {
        match self {
            Self::Ours | Self::Raw | Self::OursCold | Self::RawCold => NAMESPACE,
            Self::Plan | Self::PlanKeepAlive => PLAN_NAMESPACE,
            Self::KubeSpawner | Self::KubeSpawnerServices => HUB_NAMESPACE,
        }
    }

    /// The objects of a bundle with this many ports.
    pub(crate) fn objects(self, ports: u16) -> u16 {
        match self {
            // Claim, pod, network policy, Secret; Service and Ingress for each port.
            Self::Ours | Self::Raw | Self::OursCold | Self::RawCold => 4 + 2 * ports,
            // Claim and pod; Service and Ingress for each port.
            Self::Plan | Self::PlanKeepAlive => 2 + 2 * ports,
            // Claim and pod.
            Self::KubeSpawner => 2,
            Self::KubeSpawnerServices => 3,
        }
    }

    /// The program, on the processor of peers.
    fn command(self) -> Result<Command> {
        match self {
            Self::Ours => rust(Rust::Ours, false),
            Self::Raw => rust(Rust::Raw, false),
            Self::OursCold => rust(Rust::Ours, true),
            Self::RawCold => rust(Rust::Raw, true),
            Self::Plan => node("as-written"),
            Self::PlanKeepAlive => node("keep-alive"),
            Self::KubeSpawner => hub(None),
            Self::KubeSpawnerServices => hub(Some("services")),
        }
    }
}

fn rust(client: Rust, cold: bool) -> Result<Command> {
    let mut command = this_program()?;
    command.args(["peer", client.name()]);
    command.args(cold.then_some("--cold"));
    Ok(command)
}

fn node(agent: &str) -> Result<Command> {
    let modules = npm_packages(PACKAGE, PACKAGE_LOCK)?;
    let mut command = pinned("node");
    command
        .arg(own_file("plan.js"))
        .arg(agent)
        .env("NODE_PATH", modules);
    Ok(command)
}

fn hub(services: Option<&str>) -> Result<Command> {
    let mut command = pinned(python_packages(REQUIREMENTS)?);
    command
        .arg(own_file("hub.py"))
        .args([HUB_NAMESPACE, CLASS])
        .args(services);
    Ok(command)
}

/// Installs or builds what the measurements need.
pub(crate) fn prepare() -> Result<()> {
    prepare_control_plane()?;
    prepare_postgres()?;
    npm_packages(PACKAGE, PACKAGE_LOCK)?;
    python_packages(REQUIREMENTS)?;
    Ok(())
}

/// Starts a process that measures one thing, and returns its number.
pub(crate) async fn once(what: Crowd, kubeconfig: &Path) -> Result<u64> {
    let mut command = crowd(what, kubeconfig)?;
    command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    let output = command.output().await.with_context(|| format!("{what:?}"))?;
    ensure!(output.status.success(), "{what:?}: {}", output.status);
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().with_context(|| format!("{what:?}: {text}"))
}

/// Starts a process that measures one thing and waits for commands.
pub(crate) fn serve(what: Crowd, kubeconfig: &Path) -> Result<Process> {
    Process::start(&what.words().join(" "), crowd(what, kubeconfig)?)
}

fn crowd(what: Crowd, kubeconfig: &Path) -> Result<Command> {
    let mut command = this_program()?;
    command
        .arg("crowd")
        .args(what.words())
        .env("KUBECONFIG", kubeconfig);
    Ok(command)
}

/// A file of this package.
fn own_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// A bundle that was created.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Created {
    /// From the command until the last object was accepted, by the peer's own clock.
    pub(crate) took: Duration,
    /// The time that the process has run meanwhile.
    pub(crate) processor: Duration,
}

/// A peer that waits for commands. It ends when it is dropped.
pub(crate) struct Peer {
    pub(crate) kind: Kind,
    process: Process,
}

impl Peer {
    /// Starts the peer on its processor. `kubeconfig` says where the API server is.
    pub(crate) fn start(kind: Kind, kubeconfig: &Path) -> Result<Self> {
        let mut command = kind.command()?;
        command.env("KUBECONFIG", kubeconfig);
        Ok(Self {
            kind,
            process: Process::start(kind.name(), command)?,
        })
    }

    /// Creates a bundle.
    pub(crate) async fn create(&mut self, ports: u16) -> Result<Created> {
        self.process.ask(&format!("prepare {ports}")).await?;
        let before = self.process.processor().await?;
        let micros = self.process.ask("create").await?;
        let after = self.process.processor().await?;
        Ok(Created {
            took: Duration::from_micros(micros),
            processor: after.saturating_sub(before),
        })
    }

    /// The bundles that it creates in this time, `width` at once, and the time that the process has run meanwhile.
    pub(crate) async fn flood(
        &mut self,
        time: Duration,
        ports: u16,
        width: usize,
    ) -> Result<(u64, Duration)> {
        let before = self.process.processor().await?;
        let command = format!("flood {} {ports} {width}", time.as_secs());
        let count = self.process.ask(&command).await?;
        let after = self.process.processor().await?;
        Ok((count, after.saturating_sub(before)))
    }
}
