//! A separate server process with its own file.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use neuropod_test_cluster::free_ports;
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::LIMIT;
use crate::chromium::client;
use crate::program::program;

/// A server for development, on the simulated cluster. It can die and come back.
pub(crate) struct Site {
    address: String,
    arguments: Vec<&'static str>,
    folder: PathBuf,
    server: Option<Child>,
}

impl Site {
    /// Starts a server with a SQLite file in `folder`.
    pub(crate) async fn start(folder: &Path) -> Self {
        Self::start_with(folder, &["--store", "sqlite:neuropod.db"]).await
    }

    /// Starts a server in `folder` with these arguments.
    pub(crate) async fn start_with(folder: &Path, arguments: &[&'static str]) -> Self {
        // Free now; the server has to use the same one after a restart.
        let [port] = free_ports().unwrap();
        let mut site = Self {
            address: format!("127.0.0.1:{port}"),
            arguments: arguments.to_owned(),
            folder: folder.to_owned(),
            server: None,
        };
        site.begin().await;
        site
    }

    /// The address of the dashboard.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address on which it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Kills the server, like a power cut.
    pub(crate) async fn kill(&mut self) {
        self.server.take().unwrap().kill().await.unwrap();
    }

    /// Starts it (again), and waits until it responds.
    pub(crate) async fn begin(&mut self) {
        let server = Command::new(program("server"))
            .current_dir(&self.folder)
            .args(["--dev", "--listen", &self.address])
            .args(&self.arguments)
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the server; `cargo build --example server` where only this test was built");
        self.server = Some(server);
        let client = client();
        let ready = format!("{}/readyz", self.url());
        let end = Instant::now() + LIMIT;
        while !client
            .get(&ready)
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success())
        {
            let ended = self.server.as_mut().unwrap().try_wait().unwrap();
            assert_eq!(ended, None, "the server ended");
            assert!(Instant::now() < end, "the server is not ready");
            sleep(Duration::from_millis(50)).await;
        }
    }
}
