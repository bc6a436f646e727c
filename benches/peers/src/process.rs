//! Processes that are measured: each waits for commands, one a line, on the processor that is left to them.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::processor;

/// The time that is left to a process to become idle before the time it has run is read.
const SETTLED: Duration = Duration::from_millis(2);

/// A process that waits for commands. It is killed when this is dropped.
pub(crate) struct Process {
    name: String,
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

/// A program on the processor of those who are measured.
pub(crate) fn pinned(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", processor::OF_PEERS]).arg(program);
    command
}

/// This program, there.
pub(crate) fn this_program() -> Result<Command> {
    Ok(pinned(std::env::current_exe().context("this program")?))
}

impl Process {
    /// Starts a command. `name` is for messages.
    pub(crate) fn start(name: &str, mut command: Command) -> Result<Self> {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("start {name}"))?;
        let input = child.stdin.take().context("the input of a process")?;
        let output = child.stdout.take().context("the output of a process")?;
        Ok(Self {
            name: name.to_owned(),
            child,
            input,
            output: BufReader::new(output).lines(),
        })
    }

    /// The time that it has run.
    pub(crate) async fn processor(&self) -> Result<Duration> {
        tokio::time::sleep(SETTLED).await;
        processor::time_of(self.child.id().context("the process has ended")?)
    }

    /// Its memory, in bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        processor::memory_of(self.child.id().context("the process has ended")?)
    }

    /// Sends a command, and returns the number of the answer, if it has one.
    pub(crate) async fn ask(&mut self, command: &str) -> Result<u64> {
        let name = &self.name;
        let during = || format!("{name}: {command}");
        let line = format!("{command}\n");
        self.input.write_all(line.as_bytes()).await.with_context(during)?;
        let answer = self.output.next_line().await.with_context(during)?;
        let answer = answer.with_context(|| format!("{name} has ended: {command}"))?;
        match answer.split_whitespace().collect::<Vec<_>>()[..] {
            ["ok"] => Ok(0),
            ["ok", number] => number.parse().with_context(|| format!("{name}: {answer}")),
            _ => bail!("{name}: {command}: {answer}"),
        }
    }

    /// Kills it, as a crash would, and returns once it is gone.
    pub(crate) async fn kill(mut self) -> Result<()> {
        self.child
            .kill()
            .await
            .with_context(|| format!("kill {}", self.name))
    }
}
