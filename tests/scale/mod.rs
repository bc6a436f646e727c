//! What many pods cost the stores and the cluster, counted in virtual time.
#![allow(dead_code, reason = "a test and a benchmark use some of it")]
#![allow(clippy::unwrap_used, missing_docs, reason = "a test and a benchmark")]

use std::sync::Arc;
use std::time::Duration;

use neuropod::clock::Clock;
use neuropod::sim::{Method, Settings};
use neuropod::store::Store;
use neuropod::{Actor, Billing, CreatePod, Platform, Status};
use tokio::time::{Instant, sleep};

use crate::common::counting::CountingStore;
use crate::common::{Driver, World};

/// The pods of one owner.
const PODS_OF_ONE: usize = 20;
/// The time in which all pods are created: people don't come in the same second.
const ARRIVAL: Duration = Duration::from_mins(40);
/// The calls that come while a driver begins.
const CALLS: usize = 100;
const SECOND: Duration = Duration::from_secs(1);

/// What a time has cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) phase: &'static str,
    /// Calls of the stores that read, and that write.
    pub(crate) reads: usize,
    pub(crate) writes: usize,
    /// The records that were read.
    pub(crate) records: usize,
    /// The most writes within a second.
    pub(crate) busiest: usize,
    /// The calls of the cluster about single pods, and its lists.
    pub(crate) calls: usize,
    pub(crate) lists: usize,
    /// The real time.
    pub(crate) took: Duration,
}

struct Scale<S> {
    world: World<S>,
    store: Arc<CountingStore>,
    platform: Platform,
}

/// A simulation that begins in the evening: midnight comes after the creation and an hour at rest.
fn settings() -> Settings {
    Settings {
        epoch: "2026-01-01T21:30:00Z".parse().unwrap(),
        ..Settings::default()
    }
}

/// What so many running pods have cost.
pub(crate) struct Costs {
    pub(crate) phases: Vec<Cost>,
    /// The real time of calls that came while a new driver looked at all pods, from the call until the cluster had it.
    pub(crate) calls_at_start: Vec<Duration>,
}

/// What so many running pods cost at rest and in trouble.
pub(crate) async fn costs(pods: usize) -> Costs {
    costs_in(World::new(settings()).await, pods).await
}

/// As [`costs`], with the records and the money in a file. What that takes is real time.
pub(crate) async fn costs_in_file(pods: usize) -> Costs {
    costs_in(World::in_file(settings()).await, pods).await
}

/// As [`costs`], with the records and the money on a PostgreSQL server, which is asked for one thing after the other. What
/// that takes is real time.
pub(crate) async fn costs_on_postgres(pods: usize) -> Costs {
    costs_in(World::on_postgres(settings()).await, pods).await
}

async fn costs_in<S: Store + Billing + 'static>(world: World<S>, pods: usize) -> Costs {
    let store = CountingStore::new(&world);
    let parts = world.parts_without_store().pods(store.clone());
    let platform = parts.billing(store.clone()).max_pods(1000).build().unwrap();
    let scale = Scale {
        world,
        store,
        platform,
    };
    let driver = Driver::start(&scale.platform);
    let create = scale.spend("create", Box::pin(scale.create(pods))).await;
    scale.check(pods).await;
    let rest = scale
        .spend("an hour at rest", sleep(Duration::from_hours(1)))
        .await;
    let midnight = scale.spend("an hour with midnight", scale.pass_midnight()).await;
    let resync = scale.spend("watch interrupted", scale.interrupt_watch()).await;
    let stall = scale.spend("store out for a minute", scale.close_store()).await;
    drop(driver);
    let driver = Driver::start(&scale.platform);
    let start = scale.spend("new driver", sleep(Duration::from_mins(1))).await;
    scale.check(pods).await;
    drop(driver);
    let _driver = Driver::start(&scale.platform);
    Costs {
        phases: vec![create, rest, midnight, resync, stall, start],
        calls_at_start: scale.stop_some().await,
    }
}

impl<S: Store + Billing + 'static> Scale<S> {
    async fn create(&self, pods: usize) {
        let end = Instant::now() + ARRIVAL;
        for n in 0..pods {
            let owner = Actor::client(format!("user-{}", n / PODS_OF_ONE));
            if n % PODS_OF_ONE == 0 {
                self.world.pay_in(&owner, 10_000_000).await;
            }
            let request = CreatePod::from_image(format!("Pod {n}"), "quay.io/jupyter/base-notebook");
            self.platform.create(&owner, &request).await.unwrap();
            let rest = u32::try_from(pods - n).unwrap();
            sleep(end.duration_since(Instant::now()) / rest).await;
        }
        // The last one starts, and the first ones begin their second period.
        sleep(Duration::from_mins(10)).await;
    }

    async fn pass_midnight(&self) {
        let day = 24 * 3600;
        let now = self.world.cluster.clock().now().as_second();
        let midnight = u64::try_from(day - now.rem_euclid(day)).unwrap();
        sleep(Duration::from_secs(midnight) + Duration::from_mins(30)).await;
    }

    async fn interrupt_watch(&self) {
        self.world.cluster.break_watch_for(Duration::from_mins(1));
        sleep(Duration::from_mins(3)).await;
    }

    async fn close_store(&self) {
        self.store.set_closed(true);
        sleep(Duration::from_mins(1)).await;
        self.store.set_closed(false);
        sleep(Duration::from_mins(4)).await;
    }

    /// Stops some pods, one after the other.
    async fn stop_some(&self) -> Vec<Duration> {
        let ops = Actor::admin("ops");
        let mut times = Vec::new();
        for pod in self
            .platform
            .list_all(&ops, None)
            .await
            .unwrap()
            .iter()
            .take(CALLS)
        {
            let asked = std::time::Instant::now();
            self.platform.stop(&ops, &pod.id).await.unwrap();
            let runs = || {
                let shown = self.world.cluster.pod(&pod.id);
                shown.is_some_and(|shown| !shown.terminating)
            };
            while runs() {
                sleep(Duration::from_millis(1)).await;
            }
            times.push(asked.elapsed());
        }
        times.sort_unstable();
        times
    }

    /// What happens while `run` runs, second by second.
    async fn spend(&self, phase: &'static str, run: impl Future<Output = ()>) -> Cost {
        let real = std::time::Instant::now();
        let calls = || {
            let one = [Method::Apply, Method::Remove, Method::Observe, Method::Logs];
            let one = one.map(|method| self.world.count(method));
            (
                one.into_iter().sum::<usize>(),
                self.world.count(Method::Inventory),
            )
        };
        let before = calls();
        self.store.take();
        let mut cost = Cost {
            phase,
            reads: 0,
            writes: 0,
            records: 0,
            busiest: 0,
            calls: 0,
            lists: 0,
            took: Duration::ZERO,
        };
        let mut run = std::pin::pin!(run);
        let mut is_over = false;
        while !is_over {
            tokio::select! {
                biased;
                () = &mut run => is_over = true,
                () = sleep(SECOND) => {}
            }
            let second = self.store.take();
            cost.reads += second.reads;
            cost.writes += second.writes;
            cost.records += second.records;
            cost.busiest = cost.busiest.max(second.writes);
        }
        let after = calls();
        Cost {
            calls: after.0 - before.0,
            lists: after.1 - before.1,
            took: real.elapsed(),
            ..cost
        }
    }

    async fn check(&self, pods: usize) {
        let ops = Actor::admin("ops");
        let all = self.platform.list_all(&ops, None).await.unwrap();
        assert_eq!(all.len(), pods);
        let waiting = all.iter().find(|pod| pod.status != Status::Running);
        assert!(waiting.is_none(), "{waiting:?}");
    }
}
