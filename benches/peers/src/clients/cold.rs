//! A new process for each bundle: from its start until everything is accepted, with the connections that it opens.

use std::env;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::client::{Client, Rust};

/// Starts the processes of this peer. It shares their processor, and waits meanwhile.
pub(super) struct Cold(pub(super) Rust);

impl Client for Cold {
    type Bundle = u16;

    fn plan(&self, ports: u16) -> Result<u16> {
        Ok(ports)
    }

    async fn create(&self, ports: u16) -> Result<()> {
        let program = env::current_exe().context("this program")?;
        let mut child = Command::new(program)
            .args(["peer", self.0.name(), "--once", &ports.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("start a process")?;
        let output = child.stdout.take().context("its output")?;
        let answer = BufReader::new(output).lines().next_line().await?;
        ensure!(
            answer.as_deref() == Some("ok"),
            "{} answered {answer:?}",
            self.0.name()
        );
        // It ends now, and that is not measured.
        tokio::spawn(async move { child.wait().await });
        Ok(())
    }
}
