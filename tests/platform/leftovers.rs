//! A start that waits for a leftover to be deleted names it, and releases its hold.

use std::time::Duration;

use futures::StreamExt;
use futures::future::ready;
use jiff::SignedDuration;
use neuropod::cluster::reason::{Blame, Remedy};
use neuropod::cluster::{ReasonCode, Step, VolumePolicy};
use neuropod::message::{Language, reason_of};
use neuropod::pod::Desired;
use neuropod::sim::{CallError, Method, ObjectKey, ObjectKind, Settings};
use neuropod::{ErrorKind, Money, Platform, Pod, PodId, Status, Update};
use tokio::time::sleep;

use crate::common::{Driver, World, eventually, request, until, until_status};

fn because(pod: &Pod, code: ReasonCode) -> bool {
    pod.reason.as_ref().is_some_and(|reason| reason.code == code)
}

fn service(world: &World) -> ObjectKey {
    let mut objects = world.cluster.objects().into_iter();
    objects.find(|key| key.kind == ObjectKind::Service).unwrap()
}

async fn running(world: &World, platform: &Platform) -> Pod {
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until_status(platform, &world.ana, &pod.id, Status::Running).await
}

/// Asserts that nothing is reported for two minutes.
async fn not_reported_early(world: &World, platform: &Platform, id: &PodId) {
    sleep(Duration::from_mins(2)).await;
    let early = platform.get(&world.ana, id).await.unwrap();
    assert_eq!(early.status, Status::Creating);
    assert!(
        !because(&early, ReasonCode::StopDelayed),
        "it may pass: {early:?}"
    );
}

/// Waits until the leftover is reported, and then until the start is given up; asserts that nothing is held or
/// paid for it.
async fn reported_and_given_up(world: &World, platform: &Platform, id: &PodId, name: &str) {
    let begun = platform.get(&world.ana, id).await.unwrap();
    let shown = until(platform, &world.ana, id, |pod| {
        because(pod, ReasonCode::StopDelayed)
    })
    .await;
    assert_eq!(
        (shown.status, shown.desired),
        (Status::Creating, Desired::Running)
    );
    let reason = shown.reason.unwrap();
    assert!(reason.is_leftover() && reason.detail.contains(name), "{reason:?}");
    assert_eq!((reason.blame(), reason.remedy()), (Blame::Platform, Remedy::Wait));
    assert!(reason_of(&reason, Language::Es).contains("eliminando"));
    sleep(Duration::from_hours(1)).await;
    let given_up = platform.get(&world.ana, id).await.unwrap();
    assert_eq!(
        (given_up.desired, given_up.status),
        (Desired::Stopped, Status::Error)
    );
    let volume = Money::from_cents(2);
    assert!(given_up.charged <= begun.charged + volume, "{given_up:?}");
    let reason = given_up.reason.unwrap();
    assert_eq!(
        (reason.code, reason.remedy()),
        (ReasonCode::GaveUp, Remedy::StartAgain)
    );
    assert!(reason.detail.contains(name), "{reason:?}");
    assert_eq!(world.money().await.1, Money::ZERO, "nothing is held");
}

fn volume_key(pod: &Pod) -> ObjectKey {
    ObjectKey {
        namespace: None,
        kind: ObjectKind::Volume,
        name: pod.volume.clone(),
    }
}

#[tokio::test(start_paused = true)]
async fn behind_a_service() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = running(&world, &platform).await;
    let service = service(&world);
    world.cluster.hold_finalizer(service.clone());
    platform.stop(&world.ana, &pod.id).await.unwrap();
    let stops = until(&platform, &world.ana, &pod.id, |pod| {
        because(pod, ReasonCode::StopDelayed)
    })
    .await;
    assert_eq!((stops.status, stops.step), (Status::Stopped, Step::Stopping));
    platform.start(&world.ana, &pod.id).await.unwrap();
    reported_and_given_up(&world, &platform, &pod.id, &service.name).await;
    // Once it is gone, another start works.
    world.cluster.release_finalizer(&service);
    until(&platform, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
    platform.start(&world.ana, &pod.id).await.unwrap();
    let runs = until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    assert_eq!((runs.reason, runs.wait), (None, None));
}

#[tokio::test(start_paused = true)]
async fn behind_a_volume_that_somebody_deletes() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = running(&world, &platform).await;
    platform.stop(&world.ana, &pod.id).await.unwrap();
    until(&platform, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
    let volume = volume_key(&pod);
    world.cluster.hold_finalizer(volume.clone());
    world.cluster.delete_by_hand(&volume);
    platform.start(&world.ana, &pod.id).await.unwrap();
    not_reported_early(&world, &platform, &pod.id).await;
    reported_and_given_up(&world, &platform, &pod.id, &pod.volume).await;
    world.cluster.release_finalizer(&volume);
    platform.start(&world.ana, &pod.id).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
}

#[tokio::test(start_paused = true)]
async fn behind_a_volume_deleted_with_another_pod() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let old = running(&world, &platform).await;
    let volume = volume_key(&old);
    world.cluster.hold_finalizer(volume.clone());
    platform
        .delete(&world.ana, &old.id, VolumePolicy::Delete)
        .await
        .unwrap();
    let objects = async || world.cluster.objects().is_empty();
    eventually("nothing but the volume is left", objects).await;
    let new = platform.create(&world.ana, &request("Next")).await.unwrap();
    assert_eq!(new.volume, old.volume);
    not_reported_early(&world, &platform, &new.id).await;
    reported_and_given_up(&world, &platform, &new.id, &old.volume).await;
    world.cluster.release_finalizer(&volume);
    sleep(Duration::from_mins(1)).await;
    platform.start(&world.ana, &new.id).await.unwrap();
    until_status(&platform, &world.ana, &new.id, Status::Running).await;
}

#[tokio::test(start_paused = true)]
async fn a_leftover_gone_within_minutes_is_not_reported_and_the_pod_runs() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = running(&world, &platform).await;
    let service = service(&world);
    world.cluster.hold_finalizer(service.clone());
    let shown = platform
        .subscribe(&world.ana)
        .filter_map(async |update| match update.unwrap() {
            Update::Changed(pod) if pod.run == 2 => Some((pod.status, pod.reason)),
            _ => None,
        });
    let shown = shown.take_while(|(status, _)| ready(*status != Status::Running));
    let shown = tokio::spawn(shown.collect::<Vec<_>>());
    platform.restart(&world.ana, &pod.id).await.unwrap();
    sleep(Duration::from_secs(100)).await;
    world.cluster.release_finalizer(&service);
    let runs = until(&platform, &world.ana, &pod.id, |pod| {
        pod.run == 2 && pod.status == Status::Running
    })
    .await;
    assert_eq!(runs.wait, None);
    let shown = shown.await.unwrap();
    assert!(!shown.is_empty());
    assert!(shown.iter().all(|(_, reason)| reason.is_none()), "{shown:?}");
}

#[tokio::test(start_paused = true)]
async fn the_limit_is_the_platform_s_and_outlives_its_process() {
    let world = World::new(Settings::default()).await;
    let begin = || {
        let parts = world.parts().start_limit(SignedDuration::from_mins(20));
        parts.build().unwrap()
    };
    let platform = begin();
    let driver = Driver::start(&platform);
    let pod = running(&world, &platform).await;
    world.cluster.hold_finalizer(service(&world));
    platform.restart(&world.ana, &pod.id).await.unwrap();
    sleep(Duration::from_mins(12)).await;
    drop(driver);
    let platform = begin();
    let _driver = Driver::start(&platform);
    sleep(Duration::from_mins(7)).await;
    let waits = platform.get(&world.ana, &pod.id).await.unwrap();
    assert!(because(&waits, ReasonCode::StopDelayed), "{waits:?}");
    sleep(Duration::from_mins(2)).await;
    let given_up = platform.get(&world.ana, &pod.id).await.unwrap();
    assert!(because(&given_up, ReasonCode::GaveUp), "{given_up:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_refused_by_the_cluster_is_reported_and_free() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = running(&world, &platform).await;
    world.cluster.inject_error(CallError {
        method: Some(Method::Remove),
        times: u32::MAX,
        kind: ErrorKind::PermissionDenied,
        after_effect: false,
    });
    platform.stop(&world.ana, &pod.id).await.unwrap();
    let shown = until(&platform, &world.ana, &pod.id, |pod| {
        because(pod, ReasonCode::StopDelayed)
    })
    .await;
    assert_eq!((shown.status, shown.step), (Status::Stopped, Step::Stopping));
    assert!(!shown.reason.unwrap().detail.is_empty(), "why it was refused");
    let unpaid = until(&platform, &world.ana, &pod.id, |pod| {
        pod.meter.from.is_none() && pod.meter.pending.is_none()
    })
    .await;
    sleep(Duration::from_mins(30)).await;
    let later = platform.get(&world.ana, &pod.id).await.unwrap();
    assert!(because(&later, ReasonCode::StopDelayed), "{later:?}");
    let volume = unpaid.price.stopped.for_seconds(3600);
    assert!(later.charged <= unpaid.charged + volume, "{later:?}");
    world.cluster.clear_errors();
    let stopped = until(&platform, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
    assert_eq!((stopped.reason, stopped.wait), (None, None));
}
