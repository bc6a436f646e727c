//! Requests of all kinds.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use http::Method;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::api::{Account, Api, request};

/// The pods created meanwhile, each with the index of its user's account, oldest first.
#[derive(Default)]
struct Created {
    running: VecDeque<(usize, String)>,
    stopped: VecDeque<(usize, String)>,
}

/// Sends this many requests per second, whether or not replies arrive, and waits for the last of them.
pub(crate) async fn run(
    api: &Arc<Api>,
    accounts: &Arc<Vec<Account>>,
    rate: u32,
    duration: Duration,
) -> Result<()> {
    api.begin_to_measure();
    let created = Arc::new(Mutex::new(Created::default()));
    let mut ticks = interval(Duration::from_secs(1) / rate);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let begun = Instant::now();
    let mut under_way = JoinSet::new();
    for number in 0.. {
        let due = ticks.tick().await.into_std();
        if begun.elapsed() >= duration {
            break;
        }
        let (api, accounts, created) = (Arc::clone(api), Arc::clone(accounts), Arc::clone(&created));
        under_way.spawn(async move { ask(&api, &accounts, &created, number, due).await });
    }
    let mut asked = 0;
    while let Some(answer) = under_way.join_next().await {
        answer??;
        asked += 1;
    }
    println!("{asked} requests of all kinds in {:.1?}", begun.elapsed());
    Ok(())
}

/// One request: nine of a hundred are quotes, two each create, stop and delete a pod, the others read pods.
async fn ask(
    api: &Api,
    accounts: &[Account],
    created: &Mutex<Created>,
    number: usize,
    due: Instant,
) -> Result<()> {
    let place = number % accounts.len();
    let account = &accounts[place];
    let pod = &account.pods[number % account.pods.len()];
    let (method, path, body) = match number % 100 {
        0 | 50 => {
            let body = request(&format!("Extra {number}"));
            let (status, answer) = api
                .call(due, Method::POST, "/api/pods", account, Some(&body))
                .await?;
            if status == 201 {
                let pod = answer["data"]["podId"].as_str().context("an id")?.to_owned();
                lock(created).running.push_back((place, pod));
            }
            return Ok(());
        }
        25 | 75 => {
            let oldest = lock(created).running.pop_front();
            let Some((place, pod)) = oldest else { return Ok(()) };
            let path = format!("/api/pods/{pod}/stop");
            api.call(due, Method::POST, &path, &accounts[place], None).await?;
            lock(created).stopped.push_back((place, pod));
            return Ok(());
        }
        40 | 90 => {
            let oldest = lock(created).stopped.pop_front();
            let Some((place, pod)) = oldest else { return Ok(()) };
            let path = format!("/api/pods/{pod}");
            api.call(due, Method::DELETE, &path, &accounts[place], None)
                .await?;
            return Ok(());
        }
        91..=99 => (
            Method::POST,
            "/api/pricing/calculate-cost".to_owned(),
            Some(json!({ "gpu": "rtx-4090", "containerDiskSize": 20, "volumeDiskSize": 30, "hours": 2 })),
        ),
        n if n % 9 < 4 => (Method::GET, "/api/pods".to_owned(), None),
        n if n % 9 < 7 => (Method::GET, format!("/api/pods/{pod}"), None),
        _ => (Method::GET, format!("/api/pods/{pod}/connections"), None),
    };
    api.call(due, method, &path, account, body.as_ref()).await?;
    Ok(())
}

fn lock(created: &Mutex<Created>) -> std::sync::MutexGuard<'_, Created> {
    created.lock().unwrap_or_else(PoisonError::into_inner)
}
