//! The costs of many pods: of one owner, and after an outage.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use neuropod::cluster::plan::{Layout, VolumeScope};
use neuropod::money::BillingExt;
use neuropod::sim::{Method, Settings};
use neuropod::store::{ListOptions, MemoryStore, Page};
use neuropod::{CreatePod, Error, ErrorKind, Money, Pod, PodId, PodStore, Result, Status, UserId};
use tokio::time::sleep;

use crate::common::{Driver, World};

/// Counts the records that are read, and can be unavailable.
struct Counted {
    store: Arc<MemoryStore>,
    records: AtomicUsize,
    is_closed: AtomicBool,
}

impl Counted {
    fn new(world: &World) -> Arc<Self> {
        Arc::new(Self {
            store: world.store.clone(),
            records: AtomicUsize::new(0),
            is_closed: AtomicBool::new(false),
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
    let parts = world.parts_without_store().pods(store.clone());
    let platform = parts.max_pods(1000).build().unwrap();
    let _driver = Driver::start(&platform);
    for n in 0..100 {
        let request = CreatePod::from_image(format!("Pod {n}"), "quay.io/jupyter/base-notebook");
        platform.create(&world.ana, &request).await.unwrap();
    }
    sleep(Duration::from_mins(4)).await;
    let (observed, listed) = (world.count(Method::Observe), world.count(Method::Inventory));
    assert_eq!(observed, 0, "the watch has shown that the pods run");
    for outage in [20, 600] {
        store.is_closed.store(true, Ordering::Relaxed);
        sleep(Duration::from_secs(outage)).await;
        store.is_closed.store(false, Ordering::Relaxed);
        sleep(Duration::from_mins(2)).await;
    }
    assert_eq!(world.count(Method::Observe), observed);
    assert!(world.count(Method::Inventory) <= listed + 5, "only the usual ones");
    // The charges that came late are complete.
    let now = world.cluster.clock().now();
    for pod in platform.list_all(&world.ana, None).await.unwrap() {
        let seconds = now.duration_since(pod.started_at.unwrap()).as_secs();
        let late = Money::from_cents(270).for_seconds(seconds) - pod.charged;
        assert!(late <= Money::from_cents(270).for_seconds(63), "{late} of {}", pod.name);
    }
}
