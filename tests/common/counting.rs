//! A store whose calls are counted, and that can be slow or unavailable.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use neuropod::money::billing::{Draw, Drawn, EntryOptions, Hold, Posting};
use neuropod::money::{AccountKind, Balance, LedgerEntry};
use neuropod::store::{ListOptions, Page, Store};
use neuropod::{Billing, Error, ErrorKind, Pod, PodId, PodStore, Result, UserId};
use tokio::time::sleep;

use super::World;

/// The records and the money of a world.
pub(crate) struct CountingStore {
    pods: Arc<dyn PodStore>,
    billing: Arc<dyn Billing>,
    reads: AtomicUsize,
    records: AtomicUsize,
    writes: AtomicUsize,
    is_closed: AtomicBool,
    latency: AtomicU64,
    list_latency: AtomicU64,
}

/// The calls of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Calls {
    pub(crate) reads: usize,
    /// The records that the reads returned.
    pub(crate) records: usize,
    pub(crate) writes: usize,
}

impl CountingStore {
    pub(crate) fn new<S: Store + Billing + 'static>(world: &World<S>) -> Arc<Self> {
        Arc::new(Self {
            pods: world.store.clone(),
            billing: world.store.clone(),
            reads: AtomicUsize::new(0),
            records: AtomicUsize::new(0),
            writes: AtomicUsize::new(0),
            is_closed: AtomicBool::new(false),
            latency: AtomicU64::new(0),
            list_latency: AtomicU64::new(0),
        })
    }

    /// The calls since the last time.
    pub(crate) fn take(&self) -> Calls {
        let [reads, records, writes] =
            [&self.reads, &self.records, &self.writes].map(|count| count.swap(0, Ordering::Relaxed));
        Calls {
            reads,
            records,
            writes,
        }
    }

    /// The records that were read since the last [`take`](Self::take).
    pub(crate) fn records(&self) -> usize {
        self.records.load(Ordering::Relaxed)
    }

    /// Whether it refuses all calls.
    pub(crate) fn set_closed(&self, is_closed: bool) {
        self.is_closed.store(is_closed, Ordering::Relaxed);
    }

    /// How long it takes to read one record.
    pub(crate) fn set_latency(&self, latency: Duration) {
        self.latency.store(millis(latency), Ordering::Relaxed);
    }

    /// How long a page of records is on its way after it was read.
    pub(crate) fn set_list_latency(&self, latency: Duration) {
        self.list_latency.store(millis(latency), Ordering::Relaxed);
    }

    fn check(&self) -> Result<()> {
        if self.is_closed.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Unavailable, "the store stands still"));
        }
        Ok(())
    }

    fn read(&self) -> Result<&Self> {
        self.check()?;
        self.reads.fetch_add(1, Ordering::Relaxed);
        Ok(self)
    }

    fn write(&self) -> Result<&Self> {
        self.check()?;
        self.writes.fetch_add(1, Ordering::Relaxed);
        Ok(self)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap()
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl PodStore for CountingStore {
    async fn insert(&self, pod: &Pod) -> Result<Pod> {
        self.write()?.pods.insert(pod).await
    }

    async fn get(&self, id: &PodId) -> Result<Option<Pod>> {
        let store = self.read()?;
        sleep(Duration::from_millis(self.latency.load(Ordering::Relaxed))).await;
        self.records.fetch_add(1, Ordering::Relaxed);
        store.pods.get(id).await
    }

    async fn list(&self, options: &ListOptions) -> Result<Page> {
        let page = self.read()?.pods.list(options).await?;
        self.records.fetch_add(page.pods.len(), Ordering::Relaxed);
        sleep(Duration::from_millis(self.list_latency.load(Ordering::Relaxed))).await;
        Ok(page)
    }

    async fn count(&self, owner: &UserId) -> Result<u64> {
        self.read()?.pods.count(owner).await
    }

    async fn update(&self, pod: &Pod) -> Result<Pod> {
        self.write()?.pods.update(pod).await
    }

    async fn remove(&self, id: &PodId, version: u64) -> Result<()> {
        self.write()?.pods.remove(id, version).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Billing for CountingStore {
    async fn open(&self, user: &UserId, kind: AccountKind) -> Result<()> {
        self.write()?.billing.open(user, kind).await
    }

    async fn balance(&self, user: &UserId) -> Result<Balance> {
        self.read()?.billing.balance(user).await
    }

    async fn post(&self, posting: &Posting) -> Result<()> {
        self.write()?.billing.post(posting).await
    }

    async fn hold(&self, hold: &Hold) -> Result<()> {
        self.write()?.billing.hold(hold).await
    }

    async fn draw(&self, draw: &Draw) -> Result<Drawn> {
        self.write()?.billing.draw(draw).await
    }

    async fn release(&self, key: &str) -> Result<()> {
        self.write()?.billing.release(key).await
    }

    async fn entries(&self, user: &UserId, options: &EntryOptions) -> Result<Vec<LedgerEntry>> {
        self.read()?.billing.entries(user, options).await
    }
}
