//! Mishaps that keep a pod from running: each is reported to the owner, costs nothing, and the pod runs once it
//! is over.

use std::time::Duration;

use neuropod::cluster::reason::{Blame, Remedy};
use neuropod::money::meter::HoldState;
use neuropod::sim::{CallError, GpuPool, Method, Mishap, ObjectKey, ObjectKind, Settings};
use neuropod::store::TemplateStore;
use neuropod::token::TokenState;
use neuropod::{CreatePod, ErrorKind, Money, Status};
use tokio::time::sleep;

use crate::common::witness::{money_is_right, ran};
use crate::common::{Driver, World, eventually, jupyter_template, request, until, until_status};
use neuropod::cluster::LogOptions;
use neuropod::cluster::ReasonCode;
use neuropod::cluster::Step;
use neuropod::cluster::VolumePolicy;
use neuropod::pod::Desired;

#[tokio::test(start_paused = true)]
async fn every_mishap_is_reported_free_and_passes() {
    for (mishap, code, status) in [
        (Mishap::NoGpuFree, ReasonCode::NoGpuFree, Status::Creating),
        (Mishap::Unschedulable, ReasonCode::Unschedulable, Status::Creating),
        (Mishap::VolumePending, ReasonCode::VolumePending, Status::Creating),
        (Mishap::MountFailing, ReasonCode::VolumeFailed, Status::Error),
        (Mishap::PullFailing, ReasonCode::ImagePullFailed, Status::Error),
        (Mishap::ImageMissing, ReasonCode::ImageNotFound, Status::Error),
        (Mishap::ConfigError, ReasonCode::ContainerConfig, Status::Error),
        (Mishap::StartError, ReasonCode::ContainerStart, Status::Error),
    ] {
        let world = World::new(Settings::default()).await;
        let platform = world.platform();
        let _driver = Driver::start(&platform);
        let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
        world.cluster.inject(&pod.id, mishap);
        let shown = until(&platform, &world.ana, &pod.id, |pod| pod.reason.is_some()).await;
        assert_eq!(
            (shown.reason.unwrap().code, shown.status),
            (code, status),
            "{mishap:?}"
        );
        sleep(Duration::from_mins(10)).await;
        world.cluster.clear_mishaps(&pod.id);
        let pod = until_status(&platform, &world.ana, &pod.id, Status::Running).await;
        assert_eq!((pod.charged, pod.reason), (Money::ZERO, None), "{mishap:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_by_quotas_and_limits_are_reported_with_a_remedy_free_and_pass() {
    for (mishap, code, remedy) in [
        (
            Mishap::QuotaUsedUp,
            ReasonCode::QuotaExceeded,
            Remedy::StopAnotherPod,
        ),
        (
            Mishap::QuotaOfWebhook,
            ReasonCode::QuotaExceeded,
            Remedy::StopAnotherPod,
        ),
        (
            Mishap::SizeNotAllowed,
            ReasonCode::QuotaExceeded,
            Remedy::ChooseAnotherSize,
        ),
        (
            Mishap::LimitNotSet,
            ReasonCode::ClusterSetup,
            Remedy::ContactSupport,
        ),
        (
            Mishap::AdmissionDenied,
            ReasonCode::Rejected,
            Remedy::ContactSupport,
        ),
    ] {
        let world = World::new(Settings::default()).await;
        let platform = world.platform();
        let _driver = Driver::start(&platform);
        let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
        world.cluster.inject(&pod.id, mishap);
        let shown = until(&platform, &world.ana, &pod.id, |pod| pod.reason.is_some()).await;
        let reason = shown.reason.unwrap();
        assert_eq!((reason.code, reason.remedy()), (code, remedy), "{mishap:?}");
        assert_eq!(
            (reason.blame(), shown.charged),
            (Blame::Platform, Money::ZERO),
            "{mishap:?}"
        );
        world.cluster.clear_mishaps(&pod.id);
        let pod = until_status(&platform, &world.ana, &pod.id, Status::Running).await;
        assert_eq!((pod.charged, pod.reason), (Money::ZERO, None), "{mishap:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_restarted_pod_that_waits_in_vain_is_free() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    let stop = async || {
        platform.stop(&world.ana, &pod.id).await.unwrap();
        until(&platform, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await
    };
    stop().await;
    world.cluster.inject(&pod.id, Mishap::NoGpuFree);
    platform.start(&world.ana, &pod.id).await.unwrap();
    let waiting = until(&platform, &world.ana, &pod.id, |pod| pod.reason.is_some()).await;
    sleep(Duration::from_hours(10)).await;
    let stopped = stop().await;
    assert_eq!(stopped.charged, waiting.charged);
    // Its volume is charged from now on.
    sleep(Duration::from_hours(2)).await;
    let later = platform.get(&world.ana, &pod.id).await.unwrap();
    assert_eq!(later.charged - stopped.charged, Money::from_cents(20));
}

#[tokio::test(start_paused = true)]
async fn a_start_that_can_not_succeed_is_stopped_at_once_and_its_hold_released() {
    for end in [Some(Mishap::DiskExceeded), None] {
        let world = World::new(Settings::default()).await;
        let platform = world.platform();
        let _driver = Driver::start(&platform);
        let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
        let code = if let Some(mishap) = end {
            until_status(&platform, &world.ana, &pod.id, Status::Running).await;
            world.cluster.inject(&pod.id, mishap);
            ReasonCode::DiskExceeded
        } else {
            world.cluster.inject(&pod.id, Mishap::ImageInvalid);
            ReasonCode::ImageInvalid
        };
        let stopped = until(&platform, &world.ana, &pod.id, |pod| {
            pod.step == Step::Stopped && pod.meter.hold_state == HoldState::None
        })
        .await;
        assert_eq!(
            (stopped.status, stopped.reason.unwrap().code),
            (Status::Error, code)
        );
        assert_eq!(
            (world.cluster.objects(), world.money().await.1),
            (vec![], Money::ZERO)
        );
        assert_eq!(world.cluster.volumes().len(), 1, "its files stay");
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_loop_is_reported_and_charged_for_its_running_time() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    world.cluster.inject(&pod.id, Mishap::CrashLoop);
    let crashing = until_status(&platform, &world.ana, &pod.id, Status::Error).await;
    assert_eq!(crashing.reason.unwrap().code, ReasonCode::CrashLoop);
    sleep(Duration::from_mins(5)).await;
    world.cluster.clear_mishaps(&pod.id);
    let running = until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    // Each container ran for a second.
    assert!(
        running.charged <= Money::from_cents(270).for_seconds(10),
        "{}",
        running.charged
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_responds_is_reported() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    world.cluster.inject(&pod.id, Mishap::NeverReady);
    let silent = until(&platform, &world.ana, &pod.id, |pod| pod.reason.is_some()).await;
    assert_eq!(
        (silent.status, silent.reason.unwrap().code),
        (Status::Creating, ReasonCode::NotAnswering)
    );
    world.cluster.clear_mishaps(&pod.id);
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
}

#[tokio::test(start_paused = true)]
async fn a_program_that_ignores_the_signal_is_gone_after_its_grace_period() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    world.cluster.inject(&pod.id, Mishap::IgnoresTermination);
    platform.stop(&world.ana, &pod.id).await.unwrap();
    sleep(Duration::from_secs(20)).await;
    let stopping = platform.get(&world.ana, &pod.id).await.unwrap();
    assert_eq!(
        (stopping.status, stopping.step),
        (Status::Stopped, Step::Stopping)
    );
    sleep(Duration::from_secs(15)).await;
    let stopped = platform.get(&world.ana, &pod.id).await.unwrap();
    assert_eq!(stopped.step, Step::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_pod_on_a_lost_node_returns_on_another_one() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    sleep(Duration::from_secs(30)).await;
    world.cluster.inject(&pod.id, Mishap::NodeLost);
    let lost = until_status(&platform, &world.ana, &pod.id, Status::Creating).await;
    assert_eq!(lost.reason.unwrap().code, ReasonCode::NodeLost);
    let again = until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    // The minute until the node was removed is free.
    assert!(
        again.charged <= Money::from_cents(270).for_seconds(32),
        "{}",
        again.charged
    );
}

#[tokio::test(start_paused = true)]
async fn a_foreign_object_is_reported_and_left_alone() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    let connections = platform.connections(&world.ana, &pod.id).await.unwrap();
    let foreign = ObjectKey {
        namespace: None,
        kind: ObjectKind::Service,
        name: connections[0].objects.service.clone(),
    };
    world.cluster.add_foreign(foreign);
    let _driver = Driver::start(&platform);
    let shown = until_status(&platform, &world.ana, &pod.id, Status::Error).await;
    assert_eq!(shown.reason.unwrap().code, ReasonCode::NameTaken);
    platform
        .delete(&world.ana, &pod.id, VolumePolicy::Delete)
        .await
        .unwrap();
    eventually("ours is gone", async || {
        world.cluster.objects().is_empty() && world.cluster.volumes().is_empty()
    })
    .await;
    let other = platform.create(&world.ana, &request("Training")).await;
    let shown = until_status(&platform, &world.ana, &other.unwrap().id, Status::Error).await;
    assert_eq!(
        shown.reason.unwrap().code,
        ReasonCode::NameTaken,
        "it is still there"
    );
}

#[tokio::test(start_paused = true)]
async fn a_broken_log_is_read_again_until_the_token_is_found() {
    let world = World::new(Settings::default()).await;
    world.store.insert_template(&jupyter_template()).await.unwrap();
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let request = CreatePod::from_template("Training", "jupyter");
    let pod = platform.create(&world.ana, &request).await.unwrap();
    until(&platform, &world.ana, &pod.id, |pod| pod.started_at.is_some()).await;
    for _ in 0..5 {
        world.cluster.break_logs();
        sleep(Duration::from_millis(100)).await;
    }
    let token = async |before: Option<&TokenState>| {
        let is_new = |pod: &neuropod::Pod| {
            matches!(pod.login.found, TokenState::Generated(_)) && Some(&pod.login.found) != before
        };
        until(&platform, &world.ana, &pod.id, is_new).await.login.found
    };
    let first = token(None).await;
    // Another container has another token.
    world.cluster.inject(&pod.id, Mishap::Exit);
    world.cluster.break_logs();
    let second = token(Some(&first)).await;
    assert_ne!(first, second);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_found_after_an_hour_without_logs() {
    let world = World::new(Settings::default()).await;
    world.store.insert_template(&jupyter_template()).await.unwrap();
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    world
        .cluster
        .inject_error(refusal(Method::Logs, ErrorKind::RateLimited));
    let request = CreatePod::from_template("Training", "jupyter");
    let pod = platform.create(&world.ana, &request).await.unwrap();
    sleep(Duration::from_hours(1)).await;
    let found = platform.get(&world.ana, &pod.id).await.unwrap().login.found;
    assert_eq!(found, TokenState::Unknown);
    world.cluster.clear_errors();
    until(&platform, &world.ana, &pod.id, |pod| {
        matches!(pod.login.found, TokenState::Generated(_))
    })
    .await;
}

fn refusal(method: Method, kind: ErrorKind) -> CallError {
    CallError {
        method: Some(method),
        times: u32::MAX,
        kind,
        after_effect: false,
    }
}

#[tokio::test(start_paused = true)]
async fn a_serving_pod_is_not_stopped_because_an_object_can_not_be_recreated() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    world
        .cluster
        .inject_error(refusal(Method::Apply, ErrorKind::Rejected));
    let objects = world.cluster.objects();
    let service = objects.into_iter().find(|key| key.kind == ObjectKind::Service);
    world.cluster.delete_by_hand(&service.unwrap());
    let shown = until(&platform, &world.ana, &pod.id, |pod| pod.reason.is_some()).await;
    let reason = shown.reason.unwrap();
    assert_eq!(
        (reason.code, reason.blame()),
        (ReasonCode::Rejected, Blame::Platform)
    );
    sleep(Duration::from_hours(3)).await;
    assert_eq!(world.cluster.runs_of(&pod.id).last().unwrap().ended_at, None);
    world.cluster.clear_errors();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    assert_eq!(world.cluster.runs_of(&pod.id).len(), 1);
    // It served all the time, which is charged.
    platform.stop(&world.ana, &pod.id).await.unwrap();
    until(&platform, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
    let (paid_in, hourly) = (Money::from_cents(1000), Money::from_cents(270));
    let ran = ran(&world, |_| true);
    let lost = money_is_right(&world, &world.ana.id, (paid_in, hourly), ran, Duration::ZERO).await;
    assert!(lost < 3.0, "{lost} seconds were not charged");
}

#[tokio::test(start_paused = true)]
async fn a_given_up_pod_reports_who_was_at_fault_and_has_no_log() {
    for (mishap, blame) in [
        (Mishap::StartError, Blame::User),
        (Mishap::ConfigError, Blame::Platform),
        (Mishap::PullFailing, Blame::Nobody),
    ] {
        let world = World::new(Settings::default()).await;
        let platform = world.platform();
        let _driver = Driver::start(&platform);
        let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
        world.cluster.inject(&pod.id, mishap);
        sleep(Duration::from_hours(2)).await;
        let pod = until(&platform, &world.ana, &pod.id, |pod| {
            pod.desired == Desired::Stopped && pod.step == Step::Stopped
        })
        .await;
        let reason = pod.reason.unwrap();
        assert_eq!((reason.code, reason.blame()), (ReasonCode::GaveUp, blame));
        let logs = platform.logs(&world.ana, &pod.id, LogOptions::default()).await;
        let error = logs.err().unwrap();
        assert_eq!(error.to_string(), "the pod is stopped (state: stopped)");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_outlives_its_template() {
    let world = World::new(Settings::default()).await;
    world.store.insert_template(&jupyter_template()).await.unwrap();
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let request = CreatePod::from_template("Training", "jupyter");
    let pod = platform.create(&world.ana, &request).await.unwrap();
    world.store.remove_template("jupyter").await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    platform.restart(&world.ana, &pod.id).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    let again = CreatePod::from_template("Another", "jupyter");
    let error = platform.create(&world.ana, &again).await.unwrap_err();
    assert_eq!(error.to_string(), "template: template_unknown");
}

#[tokio::test(start_paused = true)]
async fn a_pod_whose_volume_is_on_a_full_node_reports_it_until_another_pod_stops() {
    let pool = || GpuPool {
        resource: "nvidia.com/gpu".into(),
        model: None,
        total: 1,
    };
    let world = World::new(Settings {
        gpus: vec![pool(), pool()],
        one_node_volumes: true,
        ..Settings::default()
    })
    .await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let first = platform.create(&world.ana, &request("First")).await.unwrap();
    until_status(&platform, &world.ana, &first.id, Status::Running).await;
    let second = platform.create(&world.ana, &request("Second")).await.unwrap();
    let waits = until(&platform, &world.ana, &second.id, |pod| pod.reason.is_some()).await;
    let reason = waits.reason.unwrap();
    assert!(reason.is_volume_on_full_node(), "one node is free: {reason:?}");
    assert_eq!(reason.remedy(), Remedy::StopAnotherPod);
    assert_eq!((waits.status, waits.charged), (Status::Creating, Money::ZERO));
    platform.stop(&world.ana, &first.id).await.unwrap();
    let runs = until_status(&platform, &world.ana, &second.id, Status::Running).await;
    assert_eq!(runs.reason, None);
}
