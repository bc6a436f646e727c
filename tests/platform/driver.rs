//! Drivers that start and stop, and that do not change what is correct already.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use neuropod::clock::Clock;
use neuropod::cluster::{ReasonCode, Step, VolumePolicy};
use neuropod::money::BillingExt;
use neuropod::money::statement::explain;
use neuropod::sim::faults::Faults;
use neuropod::sim::{CallError, Method, Settings};
use neuropod::store::{PodHint, PodHints, PodStore};
use neuropod::{ErrorKind, Money, Pod, PodId, Status};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep};

use crate::common::{Driver, World, eventually, request, until, until_status};

#[tokio::test(start_paused = true)]
async fn the_driver_ends_on_request_and_the_next_one_continues() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = platform.clone();
    let driver = tokio::spawn(async move { running.run(async { stopped.await.unwrap_or(()) }).await });
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until(&platform, &world.ana, &pod.id, |pod| {
        pod.step == Step::PullingImage
    })
    .await;
    drop(stop);
    driver.await.unwrap().unwrap();
    sleep(Duration::from_mins(1)).await;
    assert_eq!(
        platform.get(&world.ana, &pod.id).await.unwrap().step,
        Step::PullingImage,
        "nothing drives it"
    );
    let _driver = Driver::start(&world.platform());
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
}

#[tokio::test(start_paused = true)]
async fn the_reason_of_waiting_pods_is_that_the_cluster_is_unavailable() {
    for (kind, code) in [
        (None, ReasonCode::ClusterUnavailable),
        (Some(ErrorKind::Unavailable), ReasonCode::ClusterUnavailable),
        (Some(ErrorKind::PermissionDenied), ReasonCode::ClusterSetup),
    ] {
        let world = World::new(Settings::default()).await;
        world.cluster.break_watch_for(Duration::from_hours(1));
        if let Some(kind) = kind {
            world.cluster.inject_error(CallError {
                method: Some(Method::Inventory),
                times: u32::MAX,
                kind,
                after_effect: false,
            });
        }
        let platform = world.platform();
        let _driver = Driver::start(&platform);
        sleep(Duration::from_mins(10)).await;
        let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
        let asked = world.cluster.clock().now();
        let shown = until(&platform, &world.ana, &pod.id, |pod| pod.reason.is_some()).await;
        let reason = shown.reason.unwrap();
        assert_eq!(reason.code, code);
        assert!(reason.since.duration_since(asked).as_secs() <= 31, "{reason:?}");
        world.cluster.clear_errors();
        world.cluster.mend_watch();
        let runs = until_status(&platform, &world.ana, &pod.id, Status::Running).await;
        assert_eq!(runs.reason, None);
    }
}

/// A watch takes seconds to show many pods, and longer while the API server is busy: a GPU must not be paid for meanwhile.
#[tokio::test(start_paused = true)]
async fn pods_are_stopped_and_deleted_before_the_watch_has_shown_all_pods() {
    let world = World::new(Settings::default()).await;
    let money = Money::from_cents(10_000);
    world.store.deposit("more", &world.ana.id, money).await.unwrap();
    let platform = world.platform();
    let driver = Driver::start(&platform);
    let mut pods = Vec::new();
    for name in ["Stopped", "Deleted", "Restarted", "Left alone"] {
        let pod = platform.create(&world.ana, &request(name)).await.unwrap();
        until_status(&platform, &world.ana, &pod.id, Status::Running).await;
        pods.push(pod.id);
    }
    platform.stop(&world.ana, &pods[2]).await.unwrap();
    until(&platform, &world.ana, &pods[2], |pod| pod.step == Step::Stopped).await;
    drop(driver);

    world.cluster.break_watch_for(Duration::from_hours(1));
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    sleep(Duration::from_secs(1)).await;
    platform.stop(&world.ana, &pods[0]).await.unwrap();
    platform
        .delete(&world.ana, &pods[1], VolumePolicy::Keep)
        .await
        .unwrap();
    platform.start(&world.ana, &pods[2]).await.unwrap();
    let new = platform.create(&world.ana, &request("New")).await.unwrap();
    let asked = Instant::now();
    let leaves = |id: &PodId| world.cluster.pod(id).is_none_or(|pod| pod.terminating);
    while !pods[..2].iter().all(leaves) {
        assert!(asked.elapsed() < Duration::from_millis(100), "they still run");
        sleep(Duration::from_millis(1)).await;
    }
    sleep(Duration::from_mins(5)).await;
    // What nobody would see run is not made, and nothing is said of what was not asked about.
    assert!(world.cluster.pod(&pods[2]).is_none() && world.cluster.pod(&new.id).is_none());
    let left_alone = platform.get(&world.ana, &pods[3]).await.unwrap();
    assert_eq!((left_alone.status, left_alone.reason), (Status::Running, None));

    world.cluster.mend_watch();
    until_status(&platform, &world.ana, &pods[0], Status::Stopped).await;
    for id in [&pods[2], &new.id] {
        until_status(&platform, &world.ana, id, Status::Running).await;
    }
    eventually("its record is gone", async || {
        world.store.get(&pods[1]).await.unwrap().is_none()
    })
    .await;
}

/// A call has shown its container, which ended before the watch had shown it, so that the watch never shows the end.
#[tokio::test(start_paused = true)]
async fn a_pod_that_only_a_call_has_shown_is_paid_until_its_end_and_deleted_without_a_list() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    drop(driver);

    world.cluster.break_watch_for(Duration::from_hours(1));
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    sleep(Duration::from_secs(1)).await;
    let keep = VolumePolicy::Keep;
    platform.delete(&world.ana, &pod.id, keep).await.unwrap();
    eventually("it has ended", async || world.cluster.pod(&pod.id).is_none()).await;
    world.cluster.inject_error(CallError {
        method: Some(Method::Inventory),
        times: 1000,
        kind: ErrorKind::Unavailable,
        after_effect: false,
    });
    world.cluster.mend_watch();
    eventually("its record is gone", async || {
        world.store.get(&pod.id).await.unwrap().is_none()
    })
    .await;
    let run = &world.cluster.runs_of(&pod.id)[0];
    let ran = run.ended_at.unwrap().duration_since(run.started_at);
    let entries = world.store.all_entries(&world.ana.id).await.unwrap();
    let charged: i64 = entries
        .iter()
        .filter_map(explain)
        .map(|charge| charge.seconds)
        .sum();
    assert!(charged <= ran.as_secs(), "{charged} s of {ran:?}");
}

#[tokio::test(start_paused = true)]
async fn a_new_pod_is_made_without_asking_the_cluster_for_it() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    assert_eq!(world.count(Method::Observe), 0);
    assert_eq!(world.count(Method::Apply), 1);
}

/// The activity of a platform in this time: its writes to the store and the accounts, and the changes of the
/// cluster.
async fn writes(world: &World, time: Duration) -> (Vec<&'static str>, u64) {
    let (calls, before) = (Faults::none(), world.cluster.writes());
    let platform = world.platform_on(
        calls.cluster(Arc::new(world.cluster.clone())),
        calls.store(world.store.clone()),
        calls.billing(world.store.clone()),
    );
    let _driver = Driver::start(&platform);
    sleep(time).await;
    let names = (1..).map_while(|n| calls.call(n));
    let reads = [
        "store.get",
        "store.list",
        "store.prices",
        "store.users",
        "cluster.watch",
        "cluster.watch.next",
        "cluster.observe",
        "cluster.inventory",
        // There are none.
        "store.forget_requests",
    ];
    let writes = names.filter(|name| !reads.contains(name)).collect();
    (writes, world.cluster.writes() - before)
}

#[tokio::test(start_paused = true)]
async fn correct_pods_are_reconciled_without_writes() {
    let world = World::new(Settings {
        // So that every resync lists the cluster.
        heartbeat: None,
        ..Settings::default()
    })
    .await;
    let running: Pod;
    {
        let platform = world.platform();
        let _driver = Driver::start(&platform);
        let stopped = platform.create(&world.ana, &request("Stopped")).await.unwrap();
        until_status(&platform, &world.ana, &stopped.id, Status::Running).await;
        platform.stop(&world.ana, &stopped.id).await.unwrap();
        until(&platform, &world.ana, &stopped.id, |pod| {
            pod.step == Step::Stopped
        })
        .await;
        let pod = platform.create(&world.ana, &request("Running")).await.unwrap();
        running = until_status(&platform, &world.ana, &pod.id, Status::Running).await;
        // The log of the server is read to its end.
        sleep(Duration::from_mins(1)).await;
    }
    // Within a minute of its time nothing becomes due.
    let ran = world
        .cluster
        .clock()
        .now()
        .duration_since(running.started_at.unwrap());
    sleep(Duration::from_secs(
        u64::try_from(65 - ran.as_secs() % 60).unwrap(),
    ))
    .await;
    let platform = world.platform();
    {
        let _driver = Driver::start(&platform);
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(writes(&world, Duration::from_secs(40)).await, (vec![], 0));

    platform.stop(&world.ana, &running.id).await.unwrap();
    {
        let _driver = Driver::start(&platform);
        until(&platform, &world.ana, &running.id, |pod| {
            pod.step == Step::Stopped
        })
        .await;
    }
    // Everything is listed several times.
    assert_eq!(writes(&world, Duration::from_mins(30)).await, (vec![], 0));
    assert!(world.count(Method::Inventory) > 5);
}

#[tokio::test(start_paused = true)]
async fn pods_known_from_the_watch_are_not_observed() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    sleep(Duration::from_mins(1)).await;
    let before = world.count(Method::Observe);
    sleep(Duration::from_hours(1)).await;
    assert_eq!(world.count(Method::Observe), before);
}

/// Another process changes a record. Nothing in the cluster shows it, so without a hint only the next resync finds it.
#[tokio::test(start_paused = true)]
async fn a_hint_reports_a_change_by_another_process() {
    for (hint, soon) in [
        (None, false),
        (Some(PodHint::Missed), true),
        (Some(PodHint::Changed(PodId::from_bits(0))), true),
    ] {
        let world = World::new(Settings::default()).await;
        let (send, hints) = tokio::sync::mpsc::unbounded_channel();
        let platform = world
            .parts()
            .hints(Arc::new(Sent(Mutex::new(Some(hints)))))
            .build()
            .unwrap();
        let _driver = Driver::start(&platform);
        let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
        until_status(&platform, &world.ana, &pod.id, Status::Running).await;
        let removed = world.count(Method::Remove);

        world.platform().stop(&world.ana, &pod.id).await.unwrap();
        match hint {
            Some(PodHint::Changed(_)) => send.send(PodHint::Changed(pod.id.clone())).unwrap(),
            Some(hint) => send.send(hint).unwrap(),
            None => {}
        }
        sleep(Duration::from_secs(2)).await;
        assert_eq!(world.count(Method::Remove) > removed, soon);
        until(&platform, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
    }
}

/// The hints that a test sends.
struct Sent(Mutex<Option<UnboundedReceiver<PodHint>>>);

impl PodHints for Sent {
    fn hints(&self) -> BoxStream<'static, PodHint> {
        let hints = self.0.lock().unwrap().take().unwrap();
        stream::unfold(hints, async |mut hints| Some((hints.recv().await?, hints))).boxed()
    }
}
