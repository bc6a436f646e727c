//! The example server under load.
//!
//! ```console
//! $ cargo run --release --example load
//! ```
//!
//! It starts the server as a separate process, on the simulated cluster, with a SQLite file unless configured
//! otherwise. First every client watches five pods by WebSocket while pods are stopped and started; in the end
//! the state known to each client must equal that of the API. Then follow requests of all kinds. It prints its
//! measurements, and fails if a client ended with an outdated state or a request got a 5xx reply.
//!
//! Each client needs a file descriptor in this process and one in the server: for 2,000 clients `ulimit -n
//! 4096` is enough.
#![allow(clippy::print_stdout, reason = "the report")]

mod api;
mod board;
mod changes;
mod histogram;
mod mixed;
mod server;
mod watcher;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};
use futures::{StreamExt, TryStreamExt, stream};
use hdrhistogram::Histogram;
use neuropod_server::config::Flags;

use api::{Account, Api};
use board::Board;
use server::Server;
use watcher::Watcher;

/// The pods of every user, and those that a client watches.
const PODS: usize = 5;
/// The clients of every user.
const CLIENTS: usize = 10;
/// The number of concurrent requests during preparation.
const AT_ONCE: usize = 32;
/// How long the platform may take to settle, including updates to every client.
const REST: Duration = Duration::from_mins(2);

/// The example server under load
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// WebSocket clients, each watching five pods; ten belong to one user
    #[arg(long, default_value_t = 2000)]
    clients: usize,
    /// Pods that are stopped or started per second
    #[arg(long, default_value_t = 100)]
    changes: u32,
    /// Requests per second, of all kinds
    #[arg(long, default_value_t = 500)]
    requests: u32,
    /// How long each of the two parts takes, in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// The server's store, as in its own flag of this name
    #[arg(long, default_value = "sqlite:load.db")]
    store: String,
}

#[derive(Subcommand)]
enum Role {
    /// Only the server; it ends with its standard input
    Serve(Flags),
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(Role::Serve(flags)) = &arguments.role {
        return server::serve(flags).await;
    }
    // The client needs one, though it uses no TLS here. It is the first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let duration = Duration::from_secs(arguments.seconds);
    let server = Server::start(&arguments.store).await?;
    let api = Arc::new(Api::new(&server.address)?);
    let board = Arc::new(Board::default());
    let accounts = set_the_stage(&api, arguments.clients.div_ceil(CLIENTS)).await?;

    let before = server.memory();
    let watchers = connect(&server, &accounts, arguments.clients, &board).await?;
    if let (Some(before), Some(after)) = (before, server.memory()) {
        let each = after.saturating_sub(before) / arguments.clients as u64;
        println!("memory of the server: {before} KiB, with the clients {after} KiB: {each} KiB for each");
    }
    changes::run(&api, &board, &accounts, arguments.changes, duration).await?;
    let lost = at_rest(&api, &accounts, &watchers).await?;
    show(
        "from the request for a change to its clients",
        &board.latencies()?,
    );
    println!("updates received: {}", board.received());
    if let Some(memory) = server.memory() {
        println!("memory of the server afterwards: {memory} KiB");
    }
    println!("clients left with something old: {lost}");
    let broken = watchers.iter().filter(|watcher| watcher.is_broken()).count();
    println!("connections that broke: {broken}");
    drop(watchers);

    mixed::run(&api, &Arc::new(accounts), arguments.requests, duration).await?;
    show("from when a request was due to its answer", &api.latencies());
    println!("answers by status: {:?}", api.answers());
    ensure!(lost == 0, "{lost} clients were left with something old");
    ensure!(broken == 0, "{broken} connections broke");
    let failed = api.failures();
    ensure!(failed == 0, "{failed} requests were not answered, or with a 5xx");
    Ok(())
}

/// Signs the users in and creates their pods.
async fn set_the_stage(api: &Arc<Api>, users: usize) -> Result<Vec<Account>> {
    let begun = Instant::now();
    let accounts: Vec<Account> = stream::iter(0..users)
        .map(|number| api.sign_in(number))
        .buffer_unordered(AT_ONCE)
        .and_then(|mut account| async move {
            for number in 0..PODS {
                let pod = api.create(&account, &format!("Pod {number}")).await?;
                account.pods.push(pod);
            }
            Ok(account)
        })
        .try_collect()
        .await?;
    let created = begun.elapsed();
    let deadline = Instant::now() + REST;
    for account in &accounts {
        while !api.pods(account).await?.iter().all(api::is_running) {
            ensure!(Instant::now() < deadline, "the pods never ran");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    println!(
        "{} pods of {users} users: created after {created:.1?}, running after {:.1?}",
        users * PODS,
        begun.elapsed()
    );
    Ok(accounts)
}

/// Connects every client and waits until it has received all its pods.
async fn connect(
    server: &Server,
    accounts: &[Account],
    clients: usize,
    board: &Arc<Board>,
) -> Result<Vec<Watcher>> {
    let begun = Instant::now();
    let watchers: Vec<Watcher> = stream::iter(accounts.iter().cycle().take(clients))
        .map(|account| Watcher::connect(&server.address, account, Arc::clone(board)))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    println!("{clients} clients connected after {:.1?}", begun.elapsed());
    Ok(watchers)
}

/// Waits until the pods change no more and every client is up to date; returns the number of clients that are
/// not.
async fn at_rest(api: &Api, accounts: &[Account], watchers: &[Watcher]) -> Result<usize> {
    let deadline = Instant::now() + REST;
    loop {
        let mut old = 0;
        for account in accounts {
            let pods = api.pods(account).await?;
            old += watchers
                .iter()
                .filter(|watcher| watcher.user == account.number)
                .filter(|watcher| {
                    !pods
                        .iter()
                        .all(|pod| api::is_settled(pod) && watcher.is_current(pod))
                })
                .count();
        }
        if old == 0 || Instant::now() > deadline {
            return Ok(old);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn show(what: &str, latencies: &Histogram<u64>) {
    let at = |quantile| Duration::from_micros(latencies.value_at_quantile(quantile));
    println!(
        "{what}: {} measured, p50 {:.1?}, p99 {:.1?}, at most {:.1?}",
        latencies.len(),
        at(0.5),
        at(0.99),
        at(1.0),
    );
}
