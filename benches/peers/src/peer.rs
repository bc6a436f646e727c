//! The peers as processes, and what they need.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use neuropod_test_cluster::{npm_packages, prepare_control_plane, python_packages};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::clients::{Crowd, Rust};
use crate::processor;
use crate::sample::{CLASS, HUB_NAMESPACE, NAMESPACE, PLAN_NAMESPACE};

const PACKAGE: &str = include_str!("../package.json");
const PACKAGE_LOCK: &str = include_str!("../package-lock.json");
const REQUIREMENTS: &str = include_str!("../requirements.txt");

/// The time that is left to a peer to become idle before the time it has run is read.
const SETTLED: Duration = Duration::from_millis(2);

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
}

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
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
        }
    }

    /// The namespace that it creates in.
    pub(crate) fn namespace(self) -> &'static str {
        match self {
            Self::Ours | Self::Raw | Self::OursCold | Self::RawCold => NAMESPACE,
            Self::Plan | Self::PlanKeepAlive => PLAN_NAMESPACE,
            Self::KubeSpawner => HUB_NAMESPACE,
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
            Self::KubeSpawner => {
                let mut command = pinned(python_packages(REQUIREMENTS)?);
                command.arg(own_file("hub.py")).args([HUB_NAMESPACE, CLASS]);
                Ok(command)
            }
        }
    }
}

fn rust(client: Rust, cold: bool) -> Result<Command> {
    let mut command = pinned(std::env::current_exe().context("this program")?);
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

fn pinned(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", processor::OF_PEERS]).arg(program);
    command
}

/// Installs or builds what the measurements need.
pub(crate) fn prepare() -> Result<()> {
    prepare_control_plane()?;
    npm_packages(PACKAGE, PACKAGE_LOCK)?;
    python_packages(REQUIREMENTS)?;
    Ok(())
}

/// Starts a process that measures one thing, and returns its number.
pub(crate) async fn once(what: Crowd, kubeconfig: &Path) -> Result<u64> {
    let mut command = pinned(std::env::current_exe().context("this program")?);
    command
        .arg("crowd")
        .args(what.words())
        .env("KUBECONFIG", kubeconfig);
    command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    let output = command.output().await.with_context(|| format!("{what:?}"))?;
    ensure!(output.status.success(), "{what:?}: {}", output.status);
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().with_context(|| format!("{what:?}: {text}"))
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
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    /// Starts the peer on its processor. `kubeconfig` says where the API server is.
    pub(crate) fn start(kind: Kind, kubeconfig: &Path) -> Result<Self> {
        let mut command = kind.command()?;
        command
            .env("KUBECONFIG", kubeconfig)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command
            .spawn()
            .with_context(|| format!("start {}", kind.name()))?;
        let input = child.stdin.take().context("the input of a peer")?;
        let output = child.stdout.take().context("the output of a peer")?;
        Ok(Self {
            kind,
            child,
            input,
            output: BufReader::new(output).lines(),
        })
    }

    /// Creates a bundle.
    pub(crate) async fn create(&mut self, ports: u16) -> Result<Created> {
        self.ask(&format!("prepare {ports}")).await?;
        let before = self.processor().await?;
        let micros = self.ask("create").await?;
        let after = self.processor().await?;
        Ok(Created {
            took: Duration::from_micros(micros),
            processor: after.saturating_sub(before),
        })
    }

    /// The bundles that it creates in this time, `width` at once.
    pub(crate) async fn flood(&mut self, time: Duration, ports: u16, width: usize) -> Result<u64> {
        self.ask(&format!("flood {} {ports} {width}", time.as_secs()))
            .await
    }

    async fn processor(&self) -> Result<Duration> {
        tokio::time::sleep(SETTLED).await;
        processor::time_of(self.child.id().context("the peer has ended")?)
    }

    /// Sends a command, and returns the number of the answer, if it has one.
    async fn ask(&mut self, command: &str) -> Result<u64> {
        let name = self.kind.name();
        let line = format!("{command}\n");
        self.input
            .write_all(line.as_bytes())
            .await
            .with_context(|| format!("{name}: {command}"))?;
        let answer = self
            .output
            .next_line()
            .await
            .with_context(|| format!("{name}: {command}"))?;
        let answer = answer.with_context(|| format!("{name} has ended: {command}"))?;
        match answer.split_whitespace().collect::<Vec<_>>()[..] {
            ["ok"] => Ok(0),
            ["ok", number] => number.parse().with_context(|| format!("{name}: {answer}")),
            _ => bail!("{name}: {command}: {answer}"),
        }
    }
}
