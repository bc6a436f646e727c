//! Common parts of the platform's tests: a platform on the simulated cluster, and waiting with a deadline.
#![allow(dead_code, reason = "each test uses some of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "tests")]

pub(crate) mod counting;
pub(crate) mod machine;
pub(crate) mod still;
pub(crate) mod witness;

use std::sync::Arc;
use std::time::Duration;

use neuropod::money::{AccountKind, BillingExt};
use neuropod::platform::PlatformBuilder;
use neuropod::pod::{Jupyter, Template};
use neuropod::sim::{Method, Settings, SimCluster};
use neuropod::store::{MemoryStore, PostgresStore, SqliteStore, Store};
use neuropod::{
    Actor, Billing, ClusterBackend, CreatePod, Money, Naming, Platform, Pod, PodId, PodOptions, Result,
    Status,
};
use still::StillStore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// The time limit of each wait, in simulated time.
pub(crate) const LIMIT: Duration = Duration::from_mins(10);

/// A template whose image generates its token, which is found in the log.
pub(crate) fn jupyter_template() -> Template {
    let options = PodOptions::default()
        .with_image("quay.io/jupyter/base-notebook".parse().unwrap())
        .with_disks(10, 10)
        .with_mount_path("/workspace")
        .with_jupyter(Jupyter::Read);
    Template::new("jupyter", "Jupyter", options, jiff::Timestamp::UNIX_EPOCH)
}

/// A cluster, and the store of records and money.
pub(crate) struct World<S = MemoryStore> {
    pub(crate) cluster: SimCluster,
    pub(crate) store: Arc<S>,
    pub(crate) ana: Actor,
}

impl World {
    pub(crate) async fn new(settings: Settings) -> Self {
        let cluster = SimCluster::new(settings);
        let store = MemoryStore::with_clock(Arc::new(cluster.clock()));
        Self::on(cluster, store).await
    }
}

impl World<StillStore<SqliteStore>> {
    pub(crate) async fn in_file(settings: Settings) -> Self {
        let cluster = SimCluster::new(settings);
        let store = StillStore::in_file(Arc::new(cluster.clock())).await;
        Self::on(cluster, store).await
    }
}

impl World<StillStore<PostgresStore>> {
    pub(crate) async fn on_postgres(settings: Settings) -> Self {
        let cluster = SimCluster::new(settings);
        let store = StillStore::on_postgres(Arc::new(cluster.clock()));
        Self::on(cluster, store).await
    }
}

impl<S: Store + Billing> World<S> {
    async fn on(cluster: SimCluster, store: S) -> Self {
        let store = Arc::new(store);
        let world = Self {
            cluster,
            store,
            ana: Actor::client("ana"),
        };
        world.pay_in(&world.ana, 1000).await;
        world
    }

    pub(crate) async fn pay_in(&self, actor: &Actor, cents: i64) {
        self.store.open(&actor.id, AccountKind::Prepaid).await.unwrap();
        let key = format!("welcome-{}", actor.id);
        self.store
            .deposit(&key, &actor.id, Money::from_cents(cents))
            .await
            .unwrap();
    }

    /// A platform on this cluster and store.
    pub(crate) fn platform(&self) -> Platform {
        self.parts().build().unwrap()
    }

    pub(crate) fn platform_on(
        &self,
        cluster: Arc<dyn ClusterBackend>,
        store: Arc<dyn Store>,
        billing: Arc<dyn Billing>,
    ) -> Platform {
        self.parts()
            .cluster(cluster)
            .store(store)
            .billing(billing)
            .build()
            .unwrap()
    }

    /// The builder of a platform on this cluster and store, for a test that replaces parts of it.
    pub(crate) fn parts(&self) -> PlatformBuilder {
        self.parts_without_store().store(self.store.clone())
    }

    pub(crate) fn parts_without_store(&self) -> PlatformBuilder {
        Platform::builder()
            .naming(Naming::new("pods.example.com", "a secret of at least 16 bytes").unwrap())
            .clock(Arc::new(self.cluster.clock()))
            .cluster(Arc::new(self.cluster.clone()))
            .billing(self.store.clone())
            .opening_credit(Money::from_cents(1000))
    }

    /// The number of calls of this method.
    pub(crate) fn count(&self, method: Method) -> usize {
        let calls = self.cluster.calls();
        calls.iter().filter(|call| call.method == method).count()
    }

    /// The balance of Ana, in micro-euros: available and held.
    pub(crate) async fn money(&self) -> (Money, Money) {
        let balance = self.store.balance(&self.ana.id).await.unwrap();
        (balance.available, balance.held)
    }
}

/// A driver that stops like in a crash when it is dropped.
pub(crate) struct Driver(JoinHandle<Result<()>>);

impl Driver {
    pub(crate) fn start(platform: &Platform) -> Self {
        let platform = platform.clone();
        Self(tokio::spawn(
            async move { platform.run(std::future::pending()).await },
        ))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(crate) fn request(name: &str) -> CreatePod {
    CreatePod::from_image(name, "quay.io/jupyter/pytorch-notebook")
        .gpu("rtx-4090")
        .ports([8888, 7860])
}

/// Waits until `is` is true for the pod.
pub(crate) async fn until(platform: &Platform, actor: &Actor, id: &PodId, is: impl Fn(&Pod) -> bool) -> Pod {
    let end = Instant::now() + LIMIT;
    loop {
        let pod = platform.get(actor, id).await.unwrap();
        if is(&pod) {
            return pod;
        }
        assert!(Instant::now() < end, "it never came to pass: {pod:#?}");
        sleep(Duration::from_millis(50)).await;
    }
}

pub(crate) async fn until_status(platform: &Platform, actor: &Actor, id: &PodId, status: Status) -> Pod {
    until(platform, actor, id, |pod| pod.status == status).await
}

/// Waits until `holds` is true.
pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !holds().await {
        assert!(Instant::now() < end, "it never came to pass: {what}");
        sleep(Duration::from_millis(50)).await;
    }
}
