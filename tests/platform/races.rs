//! Races between requests, the driver's actions and its observations.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use neuropod::cluster::plan::{Layout, NamespaceScope};
use neuropod::cluster::workload::Quota;
use neuropod::cluster::{
    ClusterEvent, Inventory, LogOptions, LogStream, NodeGpus, Observation, ReasonCode, Step, Usage,
    VolumePolicy, Workload, WorkloadRef,
};
use neuropod::money::BillingExt;
use neuropod::sim::faults::{Fault, Faults};
use neuropod::sim::{Method, Mishap, Settings, SimCluster};
use neuropod::store::{ListOptions, RequestStore};
use neuropod::{Actor, ClusterBackend, Error, ErrorKind, Money, PodStore, Result, Status};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::common::{Driver, World, eventually, request, until, until_status};

#[tokio::test(start_paused = true)]
async fn a_pod_created_and_removed_during_a_broken_watch_is_gone() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    sleep(Duration::from_secs(1)).await;
    world.cluster.break_watch();
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    eventually("it is made", async || world.cluster.pod(&pod.id).is_some()).await;
    platform.stop(&world.ana, &pod.id).await.unwrap();
    eventually("it is removed", async || world.cluster.pod(&pod.id).is_none()).await;
    world.cluster.mend_watch();
    until(&platform, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
    platform.start(&world.ana, &pod.id).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
}

/// A quota that refuses the pod object but none of the others.
fn without_pods() -> Layout {
    Layout {
        namespace: NamespaceScope::User,
        quota: Some(Quota {
            pods: 0,
            cpu_millis: 1_000_000,
            memory_mib: 1_000_000,
            volume_gb: 1000,
            gpus: BTreeMap::new(),
        }),
        ..Layout::default()
    }
}

#[tokio::test(start_paused = true)]
async fn leftovers_of_a_refused_attempt_are_removed_with_the_pod_and_its_volume() {
    for stop_first in [false, true] {
        let world = World::new(Settings::default()).await;
        let platform = world.parts().layout(without_pods()).build().unwrap();
        let _driver = Driver::start(&platform);
        let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
        let refused = until_status(&platform, &world.ana, &pod.id, Status::Error).await;
        assert_eq!(refused.reason.unwrap().code, ReasonCode::QuotaExceeded);
        assert_eq!(world.cluster.volumes().len(), 1);
        assert!(!world.cluster.objects().is_empty());
        if stop_first {
            platform.stop(&world.ana, &pod.id).await.unwrap();
            until(&platform, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
            assert_eq!(world.cluster.objects(), [], "stopped means that nothing is left");
        }
        platform
            .delete(&world.ana, &pod.id, VolumePolicy::Delete)
            .await
            .unwrap();
        eventually("the record is gone", async || {
            world.store.get(&pod.id).await.unwrap().is_none()
        })
        .await;
        assert_eq!(world.cluster.objects(), []);
        assert_eq!(
            world.cluster.volumes(),
            [],
            "its owner asked for the volume to go"
        );
        assert_eq!(world.money().await, (Money::from_cents(1000), Money::ZERO));
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_observed_less_still_deletes_everything() {
    let world = World::new(Settings::default()).await;
    let first = world.parts().layout(without_pods()).build().unwrap();
    let second = world.parts().layout(without_pods()).build().unwrap();
    let _second = Driver::start(&second);
    let pod = first.create(&world.ana, &request("Training")).await.unwrap();
    // The second sees the record at its start, and nothing in the cluster; the first creates as many objects as
    // it can.
    sleep(Duration::from_secs(1)).await;
    let driver = Driver::start(&first);
    until_status(&first, &world.ana, &pod.id, Status::Error).await;
    drop(driver);
    second
        .delete(&world.ana, &pod.id, VolumePolicy::Delete)
        .await
        .unwrap();
    eventually("the record is gone", async || {
        world.store.get(&pod.id).await.unwrap().is_none()
    })
    .await;
    assert_eq!(
        (world.cluster.objects(), world.cluster.volumes()),
        (vec![], vec![])
    );
}

#[tokio::test(start_paused = true)]
async fn a_pod_with_a_just_forgotten_id_is_reconciled() {
    // One reply of the store after the other is late, among them the reply that there is no record, while there
    // is a new one.
    for n in 1.. {
        let world = World::new(Settings::default()).await;
        let late = Faults::at_call(n, Fault::Late);
        let platform = world
            .parts()
            .store(late.store(world.store.clone()))
            .build()
            .unwrap();
        let _driver = Driver::start(&platform);
        let keyed = request("Training").idempotency_key("abc");
        let first = platform.create(&world.ana, &keyed).await.unwrap();
        platform
            .delete(&world.ana, &first.id, VolumePolicy::Keep)
            .await
            .unwrap();
        eventually("it is gone", async || {
            world.store.get(&first.id).await.unwrap().is_none()
        })
        .await;
        // As if it was created a day ago: the key gives the same id.
        world.store.forget_requests(Timestamp::MAX).await.unwrap();
        let again = platform.create(&world.ana, &keyed).await.unwrap();
        assert_eq!(again.id, first.id);
        let made = eventually("it is made", async || world.cluster.pod(&again.id).is_some());
        let made = timeout(Duration::from_mins(3), made).await;
        assert!(made.is_ok(), "it is never reconciled: {late:?}");
        if late.injected().is_none() {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_volume_meanwhile_used_by_another_pod_is_not_deleted() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let first = platform.create(&world.ana, &request("One")).await.unwrap();
    {
        let _driver = Driver::start(&platform);
        until_status(&platform, &world.ana, &first.id, Status::Running).await;
    }
    // Nothing drives for a moment: both are recorded before anything happens.
    platform
        .delete(&world.ana, &first.id, VolumePolicy::Delete)
        .await
        .unwrap();
    let second = platform.create(&world.ana, &request("Two")).await.unwrap();
    let _driver = Driver::start(&platform);
    until_status(&platform, &world.ana, &second.id, Status::Running).await;
    eventually("the first is gone", async || {
        world.store.get(&first.id).await.unwrap().is_none()
    })
    .await;
    platform.stop(&world.ana, &second.id).await.unwrap();
    until(&platform, &world.ana, &second.id, |pod| pod.step == Step::Stopped).await;
    assert_eq!(world.cluster.volumes().len(), 1, "the files of the second pod");
}

#[tokio::test(start_paused = true)]
async fn unneeded_logs_are_not_read() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    world.cluster.inject(&pod.id, Mishap::NeverReady);
    until(&platform, &world.ana, &pod.id, |pod| pod.started_at.is_some()).await;
    platform.stop(&world.ana, &pod.id).await.unwrap();
    until(&platform, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
    sleep(Duration::from_secs(5)).await;
    let before = world.count(Method::Logs);
    sleep(Duration::from_mins(5)).await;
    assert_eq!(
        world.count(Method::Logs),
        before,
        "the log of a pod that is stopped"
    );
}

#[tokio::test(start_paused = true)]
async fn refused_requests_do_not_cause_a_resync() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let poor = Actor::client("poor");
    world.pay_in(&poor, 1).await;
    sleep(Duration::from_secs(1)).await;
    let before = world.count(Method::Inventory);
    for _ in 0..60 {
        platform.create(&poor, &request("Training")).await.unwrap_err();
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(world.count(Method::Inventory), before);
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_leaves_no_record_even_if_the_store_fails_then() {
    for fault in [Fault::Unexpected, Fault::ErrorBefore, Fault::Conflict] {
        let world = World::new(Settings::default()).await;
        let poor = Actor::client("poor");
        world.pay_in(&poor, 1).await;
        for n in 1.. {
            let faults = Faults::at_call(n, fault);
            let platform = world
                .parts()
                .store(faults.store(world.store.clone()))
                .build()
                .unwrap();
            let _driver = Driver::start(&platform);
            let created = platform.create(&poor, &request("Training")).await;
            if faults.injected().is_none() {
                let kind = created.unwrap_err().kind().clone();
                assert!(matches!(kind, ErrorKind::InsufficientFunds { .. }), "{kind:?}");
                break;
            }
            // If the request could not hold the money, the driver does so, and the pod shows the result.
            if created.map_or_else(|error| error.message().starts_with("injected"), |_| true) {
                // The outcome is unknown: the pod exists and says why it does not run, or there is none.
                let options = ListOptions::default();
                for pod in platform.list(&poor, &options).await.unwrap().pods {
                    let shown = until_status(&platform, &poor, &pod.id, Status::Stopped).await;
                    assert_eq!(shown.reason.unwrap().code, ReasonCode::InsufficientFunds);
                    platform.delete(&poor, &pod.id, VolumePolicy::Keep).await.unwrap();
                }
            }
            eventually("no record is left", async || {
                let options = ListOptions {
                    include_deleted: true,
                    ..ListOptions::default()
                };
                world.store.list(&options).await.unwrap().pods.is_empty()
            })
            .await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn slowly_removed_orphans_are_not_removed_twice_at_once() {
    // A call takes a minute.
    let settings = Settings {
        latency: Duration::from_secs(30),
        ..Settings::default()
    };
    let world = World::new(settings).await;
    let platform = world.platform();
    let driver = Driver::start(&platform);
    let mut pods = Vec::new();
    world
        .store
        .deposit("more", &world.ana.id, Money::from_cents(100_000))
        .await
        .unwrap();
    for n in 0..12 {
        pods.push(
            platform
                .create(&world.ana, &request(&format!("Pod {n}")))
                .await
                .unwrap()
                .id,
        );
    }
    for id in &pods {
        eventually("it is made", async || world.cluster.pod(id).is_some()).await;
    }
    drop(driver);
    for id in &pods {
        let record = world.store.get(id).await.unwrap().unwrap();
        world.store.remove(id, record.version).await.unwrap();
    }
    let _driver = Driver::start(&platform);
    sleep(Duration::from_mins(30)).await;
    assert_eq!(world.cluster.objects(), []);
    let removals = world.count(Method::Remove);
    assert!(removals <= 24, "{removals} removals of 12 orphans");
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_asks_for_a_very_long_pause_does_not_stop_the_driver() {
    let world = World::new(Settings::default()).await;
    let cluster = Arc::new(Hesitant(world.cluster.clone()));
    let platform = world.parts().cluster(cluster).build().unwrap();
    let mut driver = {
        let platform = platform.clone();
        tokio::spawn(async move { platform.run(std::future::pending()).await })
    };
    platform.create(&world.ana, &request("Training")).await.unwrap();
    let ended = timeout(Duration::from_mins(1), &mut driver).await;
    assert!(ended.is_err(), "the driver ended: {ended:?}");
    driver.abort();
}

/// Removes only on request.
struct Slow {
    cluster: SimCluster,
    asked: Notify,
    go: Notify,
}

#[async_trait::async_trait]
#[deny(clippy::missing_trait_methods)]
impl ClusterBackend for Slow {
    async fn apply(&self, workload: &Workload) -> Result<Observation> {
        self.cluster.apply(workload).await
    }
    async fn remove(&self, reference: &WorkloadRef, volume: VolumePolicy) -> Result<Observation> {
        self.asked.notify_one();
        self.go.notified().await;
        self.cluster.remove(reference, volume).await
    }
    async fn observe(&self, reference: &WorkloadRef) -> Result<Observation> {
        self.cluster.observe(reference).await
    }
    fn watch(&self) -> futures::stream::BoxStream<'static, ClusterEvent> {
        ClusterBackend::watch(&self.cluster)
    }
    async fn logs(&self, reference: &WorkloadRef, options: LogOptions) -> Result<LogStream> {
        self.cluster.logs(reference, options).await
    }
    async fn usage(&self) -> Result<Vec<Usage>> {
        self.cluster.usage().await
    }
    async fn inventory(&self) -> Result<Inventory> {
        self.cluster.inventory().await
    }
    async fn gpus(&self) -> Result<Option<Vec<NodeGpus>>> {
        self.cluster.gpus().await
    }

    fn route_delay(&self) -> Duration {
        self.cluster.route_delay()
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_is_not_created_on_a_volume_being_deleted() {
    let world = World::new(Settings::default()).await;
    let slow = Arc::new(Slow {
        cluster: world.cluster.clone(),
        asked: Notify::new(),
        go: Notify::new(),
    });
    let platform = world.platform_on(slow.clone(), world.store.clone(), world.store.clone());
    let _driver = Driver::start(&platform);
    let first = platform.create(&world.ana, &request("One")).await.unwrap();
    until_status(&platform, &world.ana, &first.id, Status::Running).await;
    platform
        .delete(&world.ana, &first.id, VolumePolicy::Delete)
        .await
        .unwrap();
    // The volume is being deleted when the second pod arrives.
    slow.asked.notified().await;
    let other = world.platform();
    let _another_driver = Driver::start(&other);
    let second = other.create(&world.ana, &request("Two")).await.unwrap();
    sleep(Duration::from_millis(1)).await;
    assert!(world.cluster.pod(&second.id).is_none(), "its files would be lost");
    slow.go.notify_one();
    let released = async {
        loop {
            slow.asked.notified().await;
            slow.go.notify_one();
        }
    };
    let made = until_status(&other, &world.ana, &second.id, Status::Running);
    tokio::select! {
        () = released => {}
        _ = made => {}
    }
    other.stop(&world.ana, &second.id).await.unwrap();
    let stopped = until(&other, &world.ana, &second.id, |pod| pod.step == Step::Stopped);
    let released = async {
        loop {
            slow.asked.notified().await;
            slow.go.notify_one();
        }
    };
    tokio::select! {
        () = released => {}
        _ = stopped => {}
    }
    assert_eq!(world.cluster.volumes().len(), 1, "the files of the second pod");
}

/// Asks for a pause of a hundred years before every call.
struct Hesitant(SimCluster);

#[async_trait::async_trait]
#[deny(clippy::missing_trait_methods)]
impl ClusterBackend for Hesitant {
    async fn apply(&self, _: &Workload) -> Result<Observation> {
        Err(busy())
    }
    async fn remove(&self, _: &WorkloadRef, _: VolumePolicy) -> Result<Observation> {
        Err(busy())
    }
    async fn observe(&self, _: &WorkloadRef) -> Result<Observation> {
        Err(busy())
    }
    fn watch(&self) -> futures::stream::BoxStream<'static, ClusterEvent> {
        ClusterBackend::watch(&self.0)
    }
    async fn logs(&self, _: &WorkloadRef, _: LogOptions) -> Result<LogStream> {
        Err(busy())
    }
    async fn usage(&self) -> Result<Vec<Usage>> {
        Err(busy())
    }
    async fn inventory(&self) -> Result<Inventory> {
        Ok(Inventory::default())
    }
    async fn gpus(&self) -> Result<Option<Vec<NodeGpus>>> {
        Err(busy())
    }
    fn route_delay(&self) -> Duration {
        self.0.route_delay()
    }
}

fn busy() -> Error {
    let error = Error::new(ErrorKind::RateLimited, "later");
    error.with_retry_after(Duration::from_hours(24 * 36500))
}
