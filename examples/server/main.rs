//! The example server: a REST API, live updates and a dashboard on Neuropod.
//!
//! ```console
//! $ cargo run --example server -- --dev
//! ```
//!
//! It needs no service: pods run on a simulated cluster, and data is kept in the file `neuropod.db`. Open
//! <http://localhost:3000>. `--help` lists the flags, `--print-config` shows the configuration, and
//! `--print-config --explain` the meaning of each key.
#![allow(
    clippy::print_stdout,
    reason = "what is printed is for whoever has started it"
)]

use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Parser;
use neuropod_server::config::{Command, Flags, load, reference};
use neuropod_server::server::Server;
use neuropod_server::{copy, gallery, greeting, migrate, start_error, telemetry};

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Flags::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", start_error::line(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: &Flags) -> Result<ExitCode> {
    if flags.config_reference {
        print!("{}", reference());
        return Ok(ExitCode::SUCCESS);
    }
    if flags.scenario == ["list"] {
        print!("{}", gallery::list());
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(Command::Copy(arguments)) = &flags.command {
        ensure!(
            flags.store.is_none(),
            "--store: `server copy` takes the stores from --from and --to"
        );
        return copy::run(arguments).await;
    }
    let loaded = load(flags)?;
    if flags.print_config {
        print!("{}", loaded.show(flags.explain)?);
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(Command::Migrate(arguments)) = &flags.command {
        return migrate::run(arguments, &loaded.config).await;
    }
    let _telemetry = telemetry::begin(loaded.config.log)?;
    let server = Server::start(loaded.config).await?;
    tracing::info!("http://{}", server.address()?);
    if let Some(text) = greeting::compose(server.config()) {
        print!("{text}");
    }
    server.run(telemetry::stop_signal()).await?;
    Ok(ExitCode::SUCCESS)
}
