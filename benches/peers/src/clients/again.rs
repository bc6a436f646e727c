//! Neuropod's watch across a restart of the API server. Reads commands, one a line:
//!
//! | command | is answered when |
//! |---|---|
//! | `watch` | the watch has shown all pods |
//! | `again` | the API server was gone and has come back, and the watch has shown everything, with a pod that was created then: `ok`, and the microseconds since it was ready |

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::{Stream, StreamExt};
use http::Request;
use kube::Client;
use neuropod_core::ClusterBackend;
use neuropod_core::cluster::backend::ClusterEvent;
use neuropod_k8s::KubeCluster;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::{Instant, sleep, timeout};

use super::answer::say;
use super::bundle;
use super::raw::Raw;

/// How often the API server is asked whether it is ready.
const ASK: Duration = Duration::from_millis(10);
/// The watch has shown everything when it then shows nothing for this long.
const SILENCE: Duration = Duration::from_millis(500);

pub(super) async fn run(connection: kube::Config) -> Result<()> {
    let client = Client::try_from(connection.clone()).context("connect")?;
    let raw = Raw::connect(connection.clone())?;
    let cluster = KubeCluster::connect(connection, bundle::config()).context("connect")?;
    let mut events = cluster.watch();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await.context("read a command")? {
        match line.as_str() {
            "watch" => {
                synced(&mut events).await?;
                say("ok").await?;
            }
            "again" => {
                let took = again(&client, &raw, &mut events).await?;
                say(&format!("ok {}", took.as_micros())).await?;
            }
            _ => bail!("no such command: {line}"),
        }
    }
    Ok(())
}

async fn again(
    client: &Client,
    raw: &Raw,
    events: &mut (impl Stream<Item = ClusterEvent> + Unpin),
) -> Result<Duration> {
    while is_ready(client).await {
        sleep(ASK).await;
    }
    while !is_ready(client).await {
        sleep(ASK).await;
    }
    let ready = Instant::now();
    // Without a change the watch goes on where it was, and shows nothing.
    raw.create_pod().await?;
    let mut shown = None;
    loop {
        let next = events.next();
        let event = match shown {
            None => next.await,
            Some(at) => match timeout(SILENCE, next).await {
                Ok(event) => event,
                Err(_) => return Ok(at),
            },
        };
        match event {
            // A sign of life shows nothing.
            Some(ClusterEvent::Alive | ClusterEvent::Altered) => {}
            Some(_) => shown = Some(ready.elapsed()),
            None => bail!("the watch has ended"),
        }
    }
}

async fn is_ready(client: &Client) -> bool {
    let Ok(request) = Request::get("/readyz").body(Vec::new()) else {
        return false;
    };
    let asked = timeout(Duration::from_secs(1), client.request_text(request)).await;
    matches!(asked, Ok(Ok(_)))
}

/// Returns once a watch has shown all pods.
pub(super) async fn synced(events: &mut (impl Stream<Item = ClusterEvent> + Unpin)) -> Result<()> {
    while let Some(event) = events.next().await {
        if event == ClusterEvent::Synced {
            return Ok(());
        }
    }
    bail!("the watch has ended")
}
