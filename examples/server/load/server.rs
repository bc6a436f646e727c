//! The server in a separate process.

use std::env;
use std::process::Stdio;

use anyhow::{Context, Result};
use neuropod_server::config::{Flags, load};
use neuropod_server::telemetry;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

/// The header with the client's address.
pub(crate) const ADDRESS_HEADER: &str = "x-forwarded-for";

/// A running server. It ends when this is dropped.
pub(crate) struct Server {
    /// Its host and port.
    pub(crate) address: String,
    process: Child,
    _input: ChildStdin,
    _folder: tempfile::TempDir,
}

impl Server {
    pub(crate) async fn start(store: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut process = Command::new(env::current_exe()?)
            .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--store", store])
            .current_dir(&folder)
            .env("NEUROPOD_OPENING_CREDIT", "100000")
            // Users sign in as if from separate addresses, because the limit for one address is too low.
            .env("NEUROPOD_LIMITS__CLIENT_ADDRESS_HEADER", ADDRESS_HEADER)
            .env("RUST_LOG", env::var("RUST_LOG").unwrap_or_else(|_| "warn".into()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let input = process.stdin.take().context("the server's input")?;
        let mut output = BufReader::new(process.stdout.take().context("the server's output")?).lines();
        let address = loop {
            let line = output.next_line().await?.context("the server did not start")?;
            if let Some(address) = line.strip_prefix("listening: ") {
                break address.to_owned();
            }
        };
        // Its log.
        tokio::spawn(async move {
            while let Ok(Some(line)) = output.next_line().await {
                eprintln!("{line}");
            }
        });
        Ok(Self {
            address,
            process,
            _input: input,
            _folder: folder,
        })
    }

    /// The memory of the process in KiB, if the system reports it (proc(5), `VmRSS`).
    pub(crate) fn memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }
}

/// Serves until the standard input ends.
pub(crate) async fn serve(flags: &Flags) -> Result<()> {
    let config = load(flags)?.config;
    let _telemetry = telemetry::begin(config.log)?;
    let server = neuropod_server::server::Server::start(config).await?;
    println!("listening: {}", server.address()?);
    let parent_is_gone = async {
        let mut rest = Vec::new();
        // An error means the same.
        let _ = tokio::io::stdin().read_to_end(&mut rest).await;
    };
    server.run(parent_is_gone).await
}
