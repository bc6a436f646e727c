//! Pods that hang silently: this is reported after a while, costs nothing, and frees their GPU.

use std::time::Duration;

use jiff::SignedDuration;
use neuropod::cluster::reason::{Blame, Remedy};
use neuropod::cluster::{ReasonCode, Step};
use neuropod::pod::Desired;
use neuropod::sim::{GpuPool, Mishap, Settings};
use neuropod::{Money, Pod, Status};
use tokio::time::sleep;

use crate::common::{Driver, World, request, until, until_status};

fn because(pod: &Pod, code: ReasonCode) -> bool {
    pod.reason.as_ref().is_some_and(|reason| reason.code == code)
}

/// Nodes with this many GPUs each.
fn nodes(gpus: &[u32]) -> Settings {
    let pool = |total: &u32| GpuPool {
        resource: "nvidia.com/gpu".into(),
        model: None,
        total: *total,
    };
    Settings {
        gpus: gpus.iter().map(pool).collect(),
        ..Settings::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_hanging_pod_gives_its_gpu_to_the_next_one() {
    let world = World::new(nodes(&[1])).await;
    let limit = SignedDuration::from_mins(20);
    let platform = world.parts().start_limit(limit).build().unwrap();
    let _driver = Driver::start(&platform);
    let hangs = platform.create(&world.ana, &request("Hangs")).await.unwrap();
    world.cluster.inject(&hangs.id, Mishap::Hanging);
    until(&platform, &world.ana, &hangs.id, |pod| {
        pod.step == Step::Preparing
    })
    .await;
    let waits = platform.create(&world.ana, &request("Waits")).await.unwrap();
    until(&platform, &world.ana, &waits.id, |pod| {
        because(pod, ReasonCode::NoGpuFree)
    })
    .await;
    sleep(Duration::from_mins(19)).await;
    let still = platform.get(&world.ana, &hangs.id).await.unwrap();
    assert_eq!((still.status, still.reason), (Status::Creating, None));
    let gave_up = until(&platform, &world.ana, &hangs.id, |pod| {
        because(pod, ReasonCode::GaveUp)
    })
    .await;
    assert_eq!(
        (gave_up.desired, gave_up.charged),
        (Desired::Stopped, Money::ZERO)
    );
    let reason = gave_up.reason.unwrap();
    assert_eq!(
        (reason.blame(), reason.remedy()),
        (Blame::Nobody, Remedy::StartAgain)
    );
    assert!(reason.detail.contains("node-1"), "{reason:?}");
    until_status(&platform, &world.ana, &waits.id, Status::Running).await;
}

#[tokio::test(start_paused = true)]
async fn a_hanging_stop_is_reported_and_free_and_a_start_waits_behind_it() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    world.cluster.inject(&pod.id, Mishap::Unkillable);
    platform.stop(&world.ana, &pod.id).await.unwrap();
    let shown = until(&platform, &world.ana, &pod.id, |pod| {
        because(pod, ReasonCode::StopDelayed)
    })
    .await;
    assert_eq!((shown.status, shown.step), (Status::Stopped, Step::Stopping));
    let paid = until(&platform, &world.ana, &pod.id, |pod| pod.meter.from.is_none()).await;
    platform.start(&world.ana, &pod.id).await.unwrap();
    let waits = until(&platform, &world.ana, &pod.id, |pod| {
        because(pod, ReasonCode::StopDelayed)
    })
    .await;
    assert_eq!(waits.status, Status::Creating);
    sleep(Duration::from_hours(3)).await;
    let later = platform.get(&world.ana, &pod.id).await.unwrap();
    // The start is given up after an hour; its volume is charged from then on.
    let volume = paid.price.stopped.for_seconds(3 * 3600);
    assert!(
        later.charged <= paid.charged + volume,
        "{} and {}",
        later.charged,
        paid.charged
    );
    assert_eq!(world.cluster.runs_of(&pod.id).len(), 1, "no two at once");
    assert_eq!(
        (later.desired, later.status),
        (Desired::Stopped, Status::Error),
        "it has waited for an hour"
    );
    let reason = later.reason.unwrap();
    assert_eq!(
        (reason.code, reason.blame()),
        (ReasonCode::GaveUp, Blame::Platform)
    );
    assert_eq!(world.money().await.1, Money::ZERO, "nothing is held");
    platform.start(&world.ana, &pod.id).await.unwrap();
    world.cluster.clear_mishaps(&pod.id);
    let runs = until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    assert_eq!(runs.reason, None);
}

#[tokio::test(start_paused = true)]
async fn a_pod_on_a_faulty_node_moves_to_another_one() {
    let world = World::new(nodes(&[1, 1])).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    world.cluster.inject(&pod.id, Mishap::NodeFault);
    let failed = until_status(&platform, &world.ana, &pod.id, Status::Error).await;
    assert_eq!(failed.reason.unwrap().blame(), Blame::Platform);
    assert_eq!(failed.failed_nodes, ["node-1"]);
    let elsewhere = until(&platform, &world.ana, &pod.id, |pod| {
        pod.node.as_deref() == Some("node-2")
    })
    .await;
    assert_eq!(elsewhere.run, 1, "nobody had to start it again");
    let failed = until(&platform, &world.ana, &pod.id, |pod| pod.failed_nodes.len() == 2).await;
    assert_eq!(failed.failed_nodes, ["node-1", "node-2"], "it is the same there");
    world.cluster.clear_mishaps(&pod.id);
    let runs = until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    assert_eq!(runs.charged, Money::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_faulty_node_is_avoided_by_the_next_start() {
    let world = World::new(nodes(&[1, 1])).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    world.cluster.inject(&pod.id, Mishap::NodeFault);
    until_status(&platform, &world.ana, &pod.id, Status::Error).await;
    world.cluster.clear_mishaps(&pod.id);
    platform.restart(&world.ana, &pod.id).await.unwrap();
    let runs = until(&platform, &world.ana, &pod.id, |pod| {
        pod.run == 2 && pod.status == Status::Running
    })
    .await;
    assert_eq!(runs.node.as_deref(), Some("node-2"));
    assert_eq!(runs.failed_nodes, ["node-1"], "that is remembered");
}

#[tokio::test(start_paused = true)]
async fn a_pod_refused_by_its_node_is_recreated_until_a_node_accepts_it() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    world.cluster.inject(&pod.id, Mishap::NodeRefuses);
    let refused = until(&platform, &world.ana, &pod.id, |pod| pod.attempts >= 3).await;
    assert_eq!(refused.status, Status::Creating, "it has not ended: it never ran");
    assert!(because(&refused, ReasonCode::Unschedulable), "{refused:?}");
    world.cluster.clear_mishaps(&pod.id);
    let runs = until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    assert_eq!((runs.reason, runs.charged), (None, Money::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_program_in_another_format_is_not_stopped_at_once() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    world.cluster.inject(&pod.id, Mishap::WrongArchitecture);
    until_status(&platform, &world.ana, &pod.id, Status::Error).await;
    sleep(Duration::from_mins(10)).await;
    let shown = platform.get(&world.ana, &pod.id).await.unwrap();
    assert_eq!(
        shown.desired,
        Desired::Running,
        "it may be a script without its first line"
    );
    sleep(Duration::from_mins(25)).await;
    let given_up = platform.get(&world.ana, &pod.id).await.unwrap();
    assert_eq!(given_up.desired, Desired::Stopped);
    assert_eq!(given_up.reason.unwrap().remedy(), Remedy::ChangeImage);
}

#[tokio::test(start_paused = true)]
async fn an_out_of_memory_kill_is_shown_while_the_container_runs_again() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    world.cluster.inject(&pod.id, Mishap::OutOfMemory);
    until(&platform, &world.ana, &pod.id, |pod| {
        because(pod, ReasonCode::OutOfMemory)
    })
    .await;
    let again = until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    assert_eq!(again.last_end.unwrap().code, ReasonCode::OutOfMemory);
    platform.restart(&world.ana, &pod.id).await.unwrap();
    let fresh = until(&platform, &world.ana, &pod.id, |pod| {
        pod.run == 2 && pod.status == Status::Running
    })
    .await;
    assert_eq!(fresh.last_end, None, "of another run");
}

#[tokio::test(start_paused = true)]
async fn a_warning_that_passes_within_half_a_minute_is_not_reported() {
    for passes in [true, false] {
        let world = World::new(Settings::default()).await;
        let platform = world.platform();
        let _driver = Driver::start(&platform);
        let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
        world.cluster.inject(&pod.id, Mishap::MountSlow);
        sleep(Duration::from_secs(25)).await;
        let young = platform.get(&world.ana, &pod.id).await.unwrap();
        assert_eq!(
            (young.status, young.step, young.reason),
            (Status::Creating, Step::Preparing, None)
        );
        if passes {
            world.cluster.clear_mishaps(&pod.id);
            until_status(&platform, &world.ana, &pod.id, Status::Running).await;
        } else {
            sleep(Duration::from_secs(10)).await;
            let shown = platform.get(&world.ana, &pod.id).await.unwrap();
            assert!(because(&shown, ReasonCode::VolumeFailed), "{shown:?}");
        }
    }
}
