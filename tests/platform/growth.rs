//! The costs of many pods: of one owner, and after an outage.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use neuropod::clock::Clock;
use neuropod::cluster::plan::{Layout, VolumeScope};
use neuropod::money::BillingExt;
use neuropod::sim::{Method, Settings};
use neuropod::store::{ListOptions, MemoryStore, Page};
use neuropod::{CreatePod, Error, ErrorKind, Money, Platform, Pod, PodId, PodStore, Result, Status, UserId};
use tokio::time::{Instant, sleep};

use crate::common::{Driver, World};

/// Counts the records that are read, and can be slow or unavailable.
struct Counted {
    store: Arc<MemoryStore>,
    records: AtomicUsize,
    is_closed: AtomicBool,
    /// Of reading one record, in milliseconds.
    latency: AtomicU64,
}

impl Counted {
    fn new(world: &World) -> Arc<Self> {
        Arc::new(Self {
            store: world.store.clone(),
            records: AtomicUsize::new(0),
            is_closed: AtomicBool::new(false),
            latency: AtomicU64::new(0),
        })
    }

    fn check(&self) -> Result<()> {
        if self.is_closed.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Unavailable, "the store stands still"));
        }
        Ok(())
    }

    fn add(&self, records: usize) {
        self.records.fetch_add(records, Ordering::Relaxed);
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl PodStore for Counted {
    async fn insert(&self, pod: &Pod) -> Result<Pod> {
        self.store.insert(pod).await
    }

    async fn get(&self, id: &PodId) -> Result<Option<Pod>> {
        self.check()?;
        sleep(Duration::from_millis(self.latency.load(Ordering::Relaxed))).await;
        self.add(1);
        self.store.get(id).await
    }

    async fn list(&self, options: &ListOptions) -> Result<Page> {
        let page = self.store.list(options).await?;
        self.add(page.pods.len());
        Ok(page)
    }

    async fn count(&self, owner: &UserId) -> Result<u64> {
        self.store.count(owner).await
    }

    async fn update(&self, pod: &Pod) -> Result<Pod> {
        self.check()?;
        self.store.update(pod).await
    }

    async fn remove(&self, id: &PodId, version: u64) -> Result<()> {
        self.store.remove(id, version).await
    }
}

/// How many records are read until so many pods of one owner run.
async fn reads(pods: usize, volume: VolumeScope) -> usize {
    let world = World::new(Settings::default()).await;
    let money = Money::from_cents(10_000_000);
    world.store.deposit("more", &world.ana.id, money).await.unwrap();
    let counted = Counted::new(&world);
    let layout = Layout {
        volume,
        ..Layout::default()
    };
    let parts = world.parts_without_store().pods(counted.clone());
    let platform = parts.max_pods(1000).layout(layout).build().unwrap();
    let _driver = Driver::start(&platform);
    for n in 0..pods {
        let request = CreatePod::from_image(format!("Pod {n}"), "quay.io/jupyter/base-notebook");
        platform.create(&world.ana, &request).await.unwrap();
    }
    sleep(Duration::from_mins(4)).await;
    let read = counted.records.load(Ordering::Relaxed);
    let all = platform.list_all(&world.ana, None).await.unwrap();
    assert_eq!(all.len(), pods);
    assert!(
        all.iter().all(|pod| pod.status == Status::Running),
        "{:?}",
        all[0]
    );
    read
}

#[tokio::test(start_paused = true)]
async fn four_times_as_many_pods_of_one_owner_are_four_times_as_many_reads() {
    for volume in [VolumeScope::User, VolumeScope::Pod] {
        let (few, many) = (reads(50, volume).await, reads(200, volume).await);
        assert!(few >= 50, "{few} reads: they are counted");
        // With the square of the pods it would be sixteen times as many.
        assert!(
            many <= 5 * few,
            "{volume:?}: {few} reads for 50 pods, {many} for 200"
        );
    }
}

/// The watch goes on while a store stands still, so nobody has to ask the cluster what it has shown: with thousands of
/// late charges that would be the next outage.
#[tokio::test(start_paused = true)]
async fn after_an_outage_of_the_store_no_pod_is_observed() {
    let world = World::new(Settings::default()).await;
    let money = Money::from_cents(10_000_000);
    world.store.deposit("more", &world.ana.id, money).await.unwrap();
    let store = Counted::new(&world);
    // With a cap, every minute is charged.
    let parts = world.parts_without_store().pods(store.clone()).daily_cap(money);
    let platform = parts.max_pods(1000).build().unwrap();
    let _driver = Driver::start(&platform);
    for n in 0..100 {
        let request = CreatePod::from_image(format!("Pod {n}"), "quay.io/jupyter/base-notebook");
        platform.create(&world.ana, &request).await.unwrap();
    }
    sleep(Duration::from_mins(4)).await;
    let (observed, listed) = (world.count(Method::Observe), world.count(Method::Inventory));
    for outage in [20, 600] {
        store.is_closed.store(true, Ordering::Relaxed);
        sleep(Duration::from_secs(outage)).await;
        store.is_closed.store(false, Ordering::Relaxed);
        sleep(Duration::from_mins(2)).await;
    }
    assert_eq!(world.count(Method::Observe), observed);
    assert!(
        world.count(Method::Inventory) <= listed + 5,
        "only the usual ones"
    );
    // The charges that came late are complete.
    let now = world.cluster.clock().now();
    for pod in platform.list_all(&world.ana, None).await.unwrap() {
        let seconds = now.duration_since(pod.started_at.unwrap()).as_secs();
        let hourly = pod.price.hourly;
        let late = hourly.for_seconds(seconds) - pod.charged;
        assert!(hourly > Money::ZERO);
        assert!(late <= hourly.for_seconds(63), "{late} of {}", pod.name);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_does_not_wait_behind_all_other_pods() {
    let world = World::new(Settings::default()).await;
    let money = Money::from_cents(10_000_000);
    world.store.deposit("more", &world.ana.id, money).await.unwrap();
    let store = Counted::new(&world);
    let begin = || {
        let parts = world.parts_without_store().pods(store.clone());
        parts.max_pods(1000).build().unwrap()
    };
    let create = async |platform: &Platform, name: String| {
        let request = CreatePod::from_image(name, "quay.io/jupyter/base-notebook");
        platform.create(&world.ana, &request).await.unwrap();
    };
    let platform = begin();
    let driver = Driver::start(&platform);
    for n in 0..500 {
        create(&platform, format!("Pod {n}")).await;
    }
    sleep(Duration::from_mins(4)).await;
    drop(driver);
    store.latency.store(20, Ordering::Relaxed);
    let platform = begin();
    let start = Instant::now();
    let _driver = Driver::start(&platform);
    // Meanwhile the watch shows all pods, and all are read: 500 passes of at least 20 ms, 28 at a time.
    sleep(Duration::from_millis(100)).await;
    let (applied, read) = (world.count(Method::Apply), store.records.load(Ordering::Relaxed));
    create(&platform, "Mine".to_owned()).await;
    let asked = Instant::now();
    while world.count(Method::Apply) == applied {
        sleep(Duration::from_millis(1)).await;
    }
    // Its own pass reads its record several times.
    assert!(
        asked.elapsed() < Duration::from_millis(200),
        "{:?}",
        asked.elapsed()
    );
    while store.records.load(Ordering::Relaxed) < read + 500 {
        sleep(Duration::from_millis(1)).await;
    }
    assert!(
        start.elapsed() > Duration::from_millis(400),
        "the others were waiting: {:?}",
        start.elapsed()
    );
}
