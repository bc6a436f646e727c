//! Pods are stopped and started while clients watch.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use http::Method;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::api::Account;
use crate::api::Api;
use crate::board::Board;

/// Stops and starts pods in turn, this many per second, and waits for the replies.
pub(crate) async fn run(
    api: &Arc<Api>,
    board: &Arc<Board>,
    accounts: &[Account],
    rate: u32,
    duration: Duration,
) -> Result<()> {
    let mut ticks = interval(Duration::from_secs(1) / rate);
    // Late requests are made up for, so that the rate is kept.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let begun = Instant::now();
    let mut under_way = JoinSet::new();
    let pods = accounts
        .iter()
        .flat_map(|account| account.pods.iter().map(move |pod| (account, pod)));
    let rounds = ["stop", "start"].into_iter().cycle();
    let changes = rounds.flat_map(|what| pods.clone().map(move |(account, pod)| (what, account, pod)));
    for (what, account, pod) in changes {
        ticks.tick().await;
        if begun.elapsed() >= duration {
            break;
        }
        let path = format!("/api/pods/{pod}/{what}");
        let (api, board) = (Arc::clone(api), Arc::clone(board));
        let (account, pod) = (account.clone(), pod.clone());
        under_way.spawn(async move {
            board.announce(&pod, if what == "stop" { "stopped" } else { "creating" });
            // Failures are counted.
            api.call(Instant::now(), Method::POST, &path, &account, None)
                .await
        });
    }
    while let Some(answer) = under_way.join_next().await {
        answer??;
    }
    println!(
        "{} stops and starts asked for in {:.1?}",
        board.count(),
        begun.elapsed()
    );
    Ok(())
}
