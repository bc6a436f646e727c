//! Requests to the API server from plain, blocking code.

use std::{
    thread,
    time::{Duration, Instant},
};

use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

use crate::{
    error::{Error, IoContext, Result},
    process::Server,
};

const POLL: Duration = Duration::from_millis(100);
/// The time limit of an attempt; a server that is just starting may accept a connection and never respond.
const ATTEMPT: Duration = Duration::from_secs(3);

/// Runs `work` to its end on a separate thread, because the caller may be inside an async runtime, where
/// blocking on another one panics.
pub(crate) fn block_on<T: Send>(work: impl AsyncFnOnce() -> Result<T> + Send) -> Result<T> {
    let run = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .during("start an async runtime")?
            .block_on(work())
    };
    thread::scope(|scope| scope.spawn(run).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// A client for the cluster and user of the text `kubeconfig`.
///
/// It belongs to the async runtime on which it is created, as do its connections.
pub async fn client(kubeconfig: &str) -> Result<Client> {
    let kubeconfig = Kubeconfig::from_yaml(kubeconfig)?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

/// Polls `condition` until it succeeds, and gives up after `limit` with its last error.
pub async fn wait_until<T>(
    what: &str,
    limit: Duration,
    mut condition: impl AsyncFnMut() -> Result<T, String>,
) -> Result<T> {
    let start = Instant::now();
    let mut last = "no answer".to_owned();
    while let Some(left) = limit.checked_sub(start.elapsed()) {
        match tokio::time::timeout(left, condition()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(reason)) => last = reason,
            Err(_) => break,
        }
        tokio::time::sleep(POLL).await;
    }
    Err(not_ready(what, start, last, String::new()))
}

/// Like [`wait_until`], but gives up at once if `server` ends, and shows the end of its log.
pub(crate) async fn wait_for_server(
    server: &mut Server,
    limit: Duration,
    mut condition: impl AsyncFnMut() -> Result<(), String>,
) -> Result<()> {
    let start = Instant::now();
    let mut last = "no answer".to_owned();
    while start.elapsed() < limit {
        if let Some(status) = server.exited() {
            last = format!("it ended with {status}");
            break;
        }
        match tokio::time::timeout(ATTEMPT, condition()).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(reason)) => last = reason,
            Err(_) => last = format!("no answer within {ATTEMPT:?}"),
        }
        tokio::time::sleep(POLL).await;
    }
    Err(not_ready(server.name(), start, last, server.log_tail()))
}

fn not_ready(what: &str, start: Instant, last: String, log: String) -> Error {
    Error::NotReady {
        what: what.to_owned(),
        waited: start.elapsed(),
        last,
        log,
    }
}
