//! Those that are measured and written in Rust. Each is a process of its own that reads commands, one a line:
//!
//! | command | is answered when |
//! |---|---|
//! | `prepare PORTS` | the next bundle is thought out; nothing has been sent |
//! | `create` | the API server has accepted all objects of that bundle: `ok`, and the microseconds that took |
//! | `flood SECONDS PORTS WIDTH` | the time is over: `ok`, and the bundles created by WIDTH workers |
//!
//! The peers in other languages know the same commands.

mod again;
mod answer;
mod bundle;
mod client;
mod cold;
mod crowd;
mod ours;
mod raw;
mod replica;

use std::env;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::future::try_join_all;
use kube::config::{KubeConfigOptions, Kubeconfig};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::Instant;

use self::answer::say;
use self::client::Client;
pub(crate) use self::client::Rust;
use self::cold::Cold;
pub(crate) use self::crowd::Crowd;
use self::ours::Ours;
use self::raw::Raw;
pub(crate) use self::replica::{Replica, platform};

/// Runs a peer until nobody has commands for it.
pub(crate) async fn run(client: Rust, once: Option<u16>, cold: bool) -> Result<()> {
    if cold {
        return serve(&Cold(client)).await;
    }
    match client {
        Rust::Ours => run_one(&Ours::connect(connection().await?)?, once).await,
        Rust::Raw => run_one(&Raw::connect(connection().await?)?, once).await,
    }
}

/// Drives a platform until nobody has commands for it.
pub(crate) async fn drive(replica: &Replica) -> Result<()> {
    replica::run(replica, connection().await?).await
}

/// Measures one thing among many pods, and prints its number.
pub(crate) async fn among_many(what: Crowd) -> Result<()> {
    if matches!(what, Crowd::Again) {
        return again::run(connection().await?).await;
    }
    let number = crowd::run(what, connection().await?).await?;
    say(&number.to_string()).await
}

async fn run_one<C: Client>(client: &C, once: Option<u16>) -> Result<()> {
    let Some(ports) = once else {
        return serve(client).await;
    };
    client.create(client.plan(ports)?).await?;
    say("ok").await
}

/// The cluster of `KUBECONFIG`, read like any client does at its start.
async fn connection() -> Result<kube::Config> {
    let path = env::var_os("KUBECONFIG").context("KUBECONFIG is not set")?;
    let file = Kubeconfig::read_from(Path::new(&path)).context("read the kubeconfig")?;
    kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default())
        .await
        .context("understand the kubeconfig")
}

async fn serve<C: Client>(client: &C) -> Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut planned = None;
    while let Some(line) = lines.next_line().await.context("read a command")? {
        match obey(client, &mut planned, &line).await {
            Ok(answer) => say(&answer).await?,
            Err(error) => say(&format!("error {error:#}").replace('\n', " ")).await?,
        }
    }
    Ok(())
}

async fn obey<C: Client>(client: &C, planned: &mut Option<C::Bundle>, line: &str) -> Result<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        ["prepare", ports] => {
            *planned = Some(client.plan(ports.parse()?)?);
            Ok("ok".into())
        }
        ["create"] => {
            let bundle = planned.take().context("no bundle is prepared")?;
            let started = Instant::now();
            client.create(bundle).await?;
            Ok(format!("ok {}", started.elapsed().as_micros()))
        }
        ["flood", seconds, ports, width] => {
            let end = Instant::now() + Duration::from_secs(seconds.parse()?);
            let count = flood(client, end, ports.parse()?, width.parse()?).await?;
            Ok(format!("ok {count}"))
        }
        _ => bail!("no such command: {line}"),
    }
}

/// The number of bundles that are complete at `end`.
async fn flood<C: Client>(client: &C, end: Instant, ports: u16, width: usize) -> Result<usize> {
    let worker = |_| async {
        let mut count = 0;
        loop {
            client.create(client.plan(ports)?).await?;
            if Instant::now() > end {
                return anyhow::Ok(count);
            }
            count += 1;
        }
    };
    let counts = try_join_all((0..width).map(worker)).await?;
    Ok(counts.into_iter().sum::<usize>())
}
