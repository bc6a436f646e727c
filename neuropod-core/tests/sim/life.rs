use std::time::Duration;

use neuropod_core::ClusterBackend;
use neuropod_core::clock::Clock;
use neuropod_core::cluster::{ClusterEvent, Phase, ReasonCode, Step, VolumePolicy};
use neuropod_core::sim::{Mishap, Settings, SimCluster};

use crate::fixture::{Events, cluster, millis, start, workload};

#[tokio::test(start_paused = true)]
async fn a_pod_takes_the_time_of_the_settings() {
    let cluster = cluster();
    let mut events = Events::of(&cluster);
    assert_eq!(events.next().await, (0, ClusterEvent::Synced));
    let workload = workload(1);
    cluster.apply(&workload).await.unwrap();
    let mut steps = Vec::new();
    for _ in 0..6 {
        let (at, pod) = events.until(|_| true).await;
        steps.push((at, pod.phase, pod.step, pod.ready));
    }
    assert_eq!(
        steps,
        [
            (0, Phase::Pending, Step::Scheduling, false),
            (100, Phase::Pending, Step::Preparing, false),
            (300, Phase::Pending, Step::PullingImage, false),
            (1100, Phase::Pending, Step::Starting, false),
            (1300, Phase::Running, Step::Starting, false),
            (2000, Phase::Running, Step::Ready, true),
        ]
    );
    cluster
        .remove(&workload.reference, VolumePolicy::Keep)
        .await
        .unwrap();
    let (at, pod) = events.until(|_| true).await;
    assert_eq!((at, pod.terminating, pod.step), (2000, true, Step::Stopping));
    let (at, pod) = events.until(|_| true).await;
    assert_eq!((at, pod.phase, pod.container), (2500, Phase::Ended, None));
    assert_eq!(
        pod.finished_at,
        Some(Settings::default().epoch + Duration::from_millis(2500))
    );
    assert_eq!(events.until_gone().await, 2500);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_story() {
    let play = async |seed| {
        let cluster = SimCluster::new(Settings {
            seed,
            ..Settings::default()
        });
        let mut events = Events::of(&cluster);
        cluster.apply(&workload(1)).await.unwrap();
        cluster.inject_after(
            &workload(1).reference.pod_id,
            Duration::from_secs(3),
            Mishap::OutOfMemory,
        );
        let mut story = Vec::new();
        for _ in 0..10 {
            story.push(events.next().await);
        }
        story
    };
    assert_eq!(play(7).await, play(7).await);
    assert_ne!(play(7).await, play(8).await, "identities differ");
}

#[tokio::test(start_paused = true)]
async fn a_crash_loop_waits_longer_each_time() {
    let cluster = cluster();
    let workload = workload(1);
    let pod_id = &workload.reference.pod_id;
    cluster.inject(pod_id, Mishap::CrashLoop);
    let mut events = Events::of(&cluster);
    cluster.apply(&workload).await.unwrap();
    let (mut ended, mut waits) = (None, Vec::new());
    while waits.len() < 7 {
        let (at, pod) = events.until(|_| true).await;
        match (ended, pod.container, pod.reason) {
            (None, None, Some(reason)) => {
                assert_eq!(reason.code, ReasonCode::CrashLoop);
                ended = Some(at);
            }
            (Some(end), Some(_), None) => {
                waits.push((at - end) / 1000);
                ended = None;
            }
            _ => {}
        }
    }
    assert_eq!(
        waits,
        [10, 10, 20, 40, 80, 160, 300],
        "seconds, as the kubelet's back-off"
    );
    cluster.clear_mishaps(pod_id);
    let (_, pod) = events.until(|pod| pod.ready).await;
    assert_eq!(pod.reason, None, "a repaired program runs");
}

#[tokio::test(start_paused = true)]
async fn a_single_exit_is_restarted_at_once() {
    let cluster = cluster();
    let workload = workload(1);
    let first = start(&cluster, &workload).await;
    let mut events = Events::of(&cluster);
    cluster.inject(&workload.reference.pod_id, Mishap::Exit);
    let (ended, pod) = events.until(|pod| pod.container.is_none()).await;
    assert_eq!(pod.reason.unwrap().code, ReasonCode::ContainerExited);
    let end = pod.finished_at;
    let (again, pod) = events.until(|pod| pod.container.is_some()).await;
    assert_eq!(
        (again - ended, pod.restarts, pod.started_at),
        (200, 1, first.started_at)
    );
    assert_eq!(pod.finished_at, end, "where another one runs too");
    assert_eq!(
        pod.finished_id,
        first.container.as_ref().map(|first| first.id.clone())
    );
    assert!(end.is_some());
    assert_ne!(pod.container.unwrap().id, first.container.unwrap().id);
}

#[tokio::test(start_paused = true)]
async fn running_out_of_memory_is_reported_and_restarts_the_container() {
    let cluster = cluster();
    let workload = workload(1);
    cluster.inject_after(
        &workload.reference.pod_id,
        Duration::from_mins(1),
        Mishap::OutOfMemory,
    );
    let mut events = Events::of(&cluster);
    cluster.apply(&workload).await.unwrap();
    let (at, pod) = events.until(|pod| pod.reason.is_some()).await;
    assert_eq!((at, pod.reason.unwrap().code), (61_300, ReasonCode::OutOfMemory));
    let (at, pod) = events.until(|pod| pod.ready).await;
    assert_eq!((at, pod.restarts), (72_000, 1));
}

#[tokio::test(start_paused = true)]
async fn an_evicted_pod_stays_ended_and_frees_its_gpu() {
    let cluster = cluster();
    let workload = workload(1);
    start(&cluster, &workload).await;
    assert_eq!(cluster.gpus().await.unwrap().unwrap()[0].free(), 7);
    cluster.inject(&workload.reference.pod_id, Mishap::Evicted);
    let pod = cluster.pod(&workload.reference.pod_id).unwrap();
    assert_eq!(
        (pod.phase, pod.reason.unwrap().code),
        (Phase::Ended, ReasonCode::Evicted)
    );
    assert_eq!(cluster.gpus().await.unwrap().unwrap()[0].free(), 8);
    let seen = cluster
        .remove(&workload.reference, VolumePolicy::Keep)
        .await
        .unwrap();
    assert!(seen.is_cleared(), "no kubelet has anything to end");
}

#[tokio::test(start_paused = true)]
async fn a_lost_node_takes_its_pods_along_a_minute_later() {
    let cluster = cluster();
    let workload = workload(1);
    start(&cluster, &workload).await;
    let mut events = Events::of(&cluster);
    cluster.inject(&workload.reference.pod_id, Mishap::NodeLost);
    let (lost, pod) = events.until(|pod| pod.reason.is_some()).await;
    assert_eq!((pod.phase, pod.ready), (Phase::Unknown, false));
    let seen = cluster
        .remove(&workload.reference, VolumePolicy::Keep)
        .await
        .unwrap();
    assert!(seen.pod.unwrap().terminating, "nobody confirms the end");
    assert_eq!(events.until_gone().await - lost, 60_000);
}

#[tokio::test(start_paused = true)]
async fn a_program_that_ignores_the_signal_gets_its_whole_grace_period() {
    let cluster = cluster();
    let workload = workload(1);
    cluster.inject(&workload.reference.pod_id, Mishap::IgnoresTermination);
    start(&cluster, &workload).await;
    let from = millis(&cluster);
    let mut events = Events::of(&cluster);
    cluster
        .remove(&workload.reference, VolumePolicy::Keep)
        .await
        .unwrap();
    assert_eq!(events.until_gone().await - from, 30_000);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_server_is_reported() {
    let cluster = cluster();
    let workload = workload(1);
    cluster.inject(&workload.reference.pod_id, Mishap::NeverReady);
    let mut events = Events::of(&cluster);
    cluster.apply(&workload).await.unwrap();
    let (_, pod) = events.until(|pod| pod.reason.is_some()).await;
    assert_eq!(
        (pod.phase, pod.ready, pod.reason.unwrap().code),
        (Phase::Running, false, ReasonCode::NotAnswering)
    );
    cluster.clear_mishaps(&workload.reference.pod_id);
    assert!(cluster.pod(&workload.reference.pod_id).unwrap().ready);
}

#[tokio::test(start_paused = true)]
async fn a_halted_pod_stays_as_it_is_until_it_is_stepped() {
    let cluster = cluster();
    let workload = workload(1);
    let pod_id = &workload.reference.pod_id;
    let mut events = Events::of(&cluster);
    cluster.apply(&workload).await.unwrap();
    events.until(|pod| pod.step == Step::PullingImage).await;
    cluster.halt(pod_id);
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(cluster.pod(pod_id).unwrap().step, Step::PullingImage);
    cluster.step(pod_id);
    events.until(|pod| pod.ready).await;
}

#[tokio::test(start_paused = true)]
async fn an_aged_pod_started_and_ended_earlier() {
    let cluster = cluster();
    let workload = workload(1);
    let pod_id = &workload.reference.pod_id;
    let before = start(&cluster, &workload).await;
    let mut events = Events::of(&cluster);
    let hour = Duration::from_hours(1);
    cluster.age(pod_id, hour);
    let started = |pod: &neuropod_core::cluster::ObservedPod| pod.container.as_ref().unwrap().started_at;
    let (_, after) = events.until(|pod| started(pod) != started(&before)).await;
    assert_eq!(started(&after) + hour, started(&before));
    assert_eq!(after.started_at.unwrap() + hour, before.started_at.unwrap());
    cluster.inject(pod_id, Mishap::Exit);
    cluster.age(pod_id, hour);
    let ended = cluster.pod(pod_id).unwrap().finished_at.unwrap();
    assert_eq!(ended + hour, cluster.clock().now());
}

#[tokio::test(start_paused = true)]
async fn an_image_for_another_architecture_is_reported_as_such() {
    let cluster = cluster();
    let workload = workload(1);
    cluster.inject(&workload.reference.pod_id, Mishap::WrongArchitecture);
    let mut events = Events::of(&cluster);
    cluster.apply(&workload).await.unwrap();
    let (_, pod) = events.until(|pod| pod.reason.is_some()).await;
    assert_eq!(pod.reason.unwrap().code, ReasonCode::ImageArchitecture);
    assert_eq!(pod.container, None);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_hangs_on_its_node_only_reports_since_when() {
    let cluster = cluster();
    let workload = workload(1);
    let pod_id = &workload.reference.pod_id;
    cluster.inject(pod_id, Mishap::Hanging);
    let mut events = Events::of(&cluster);
    cluster.apply(&workload).await.unwrap();
    let (_, hangs) = events.until(|pod| pod.node.is_some()).await;
    assert_eq!((hangs.step, &hangs.reason), (Step::Preparing, &None));
    assert!(hangs.step_since.is_some());
    cluster.clear_mishaps(pod_id);
    let (_, pulling) = events.until(|pod| pod.step == Step::PullingImage).await;
    assert!(pulling.step_since >= hangs.step_since, "it goes on");
}

#[tokio::test(start_paused = true)]
async fn a_node_refuses_a_pod_before_anything_of_it_runs() {
    let cluster = cluster();
    let workload = workload(1);
    cluster.inject(&workload.reference.pod_id, Mishap::NodeRefuses);
    let mut events = Events::of(&cluster);
    cluster.apply(&workload).await.unwrap();
    let (_, refused) = events.until(|pod| pod.phase == Phase::Ended).await;
    assert_eq!((refused.started_at, refused.node_fault), (None, true));
    assert_eq!(refused.reason.unwrap().code, ReasonCode::Unschedulable);
}

#[tokio::test(start_paused = true)]
async fn an_unkillable_pod_stays_beyond_its_grace_period_until_cleared() {
    let cluster = cluster();
    let workload = workload(1);
    let pod_id = &workload.reference.pod_id;
    start(&cluster, &workload).await;
    cluster.inject(pod_id, Mishap::Unkillable);
    cluster
        .remove(&workload.reference, VolumePolicy::Keep)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_hours(1)).await;
    let pod = cluster.pod(pod_id).unwrap();
    assert!(pod.terminating && pod.container.is_some(), "{pod:?}");
    assert!(pod.ending.unwrap().by < cluster.clock().now());
    cluster.clear_mishaps(pod_id);
    assert_eq!(cluster.pod(pod_id), None);
}

#[tokio::test(start_paused = true)]
async fn a_restarted_container_reports_the_previous_end() {
    let cluster = cluster();
    let workload = workload(1);
    start(&cluster, &workload).await;
    let mut events = Events::of(&cluster);
    cluster.inject(&workload.reference.pod_id, Mishap::OutOfMemory);
    let (_, again) = events
        .until(|pod| pod.container.is_some() && pod.restarts == 1)
        .await;
    assert_eq!(again.reason, None);
    assert_eq!(again.last_end.unwrap().code, ReasonCode::OutOfMemory);
}
