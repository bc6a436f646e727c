//! The example server: a REST API, live updates and a dashboard on Neuropod.
//!
//! ```console
//! $ cargo run --example server -- --dev
//! ```
//!
//! It needs no service: pods run on a simulated cluster, and everything is kept in the file `neuropod.db`. Open
//! <http://localhost:3000>. `--help` tells the flags, `--print-config` what can be configured and what holds.
#![allow(
    clippy::print_stdout,
    reason = "what is printed is for whoever has started it"
)]

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use neuropod_server::config::{Flags, load};
use neuropod_server::server::Server;
use neuropod_server::telemetry;
use neuropod_server::{gallery, greeting};

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Flags::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", line(&error));
            ExitCode::FAILURE
        }
    }
}

/// What went wrong in one line, without the places in this program that a reader can do nothing about. What repeats its
/// cause says it once.
fn line(error: &anyhow::Error) -> String {
    let mut line = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !line.ends_with(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line.replace('\n', " ")
}

async fn run(flags: &Flags) -> Result<()> {
    if flags.scenario == ["list"] {
        print!("{}", gallery::list());
        return Ok(());
    }
    let loaded = load(flags)?;
    if flags.print_config {
        print!("{}", loaded.show()?);
        return Ok(());
    }
    let _telemetry = telemetry::begin(loaded.config.log)?;
    let server = Server::start(loaded.config).await?;
    tracing::info!("http://{}", server.address()?);
    if let Some(text) = greeting::of(server.config()) {
        print!("{text}");
    }
    server.run(telemetry::stop_signal()).await
}
