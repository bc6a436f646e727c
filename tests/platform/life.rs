//! From creation to deletion, from the owner's view.

use futures::StreamExt;
use neuropod::cluster::{LogOptions, Step, VolumePolicy};
use neuropod::pod::{Connection, ConnectionState};
use neuropod::sim::Settings;
use neuropod::{ErrorKind, Money, PodStore, Status};

use crate::common::{Driver, World, eventually, request, until, until_status};

fn states(connections: &[Connection]) -> Vec<ConnectionState> {
    connections.iter().map(|connection| connection.state).collect()
}

#[tokio::test(start_paused = true)]
async fn a_pod_runs_stops_restarts_and_is_deleted() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let ana = &world.ana;

    let created = platform.create(ana, &request("Training")).await.unwrap();
    assert_eq!((created.status, created.step), (Status::Creating, Step::Accepted));
    let starting = platform.connections(ana, &created.id).await.unwrap();
    assert_eq!(states(&starting), [ConnectionState::Starting; 2]);
    assert_eq!(starting[0].link(), starting[0].url, "no token yet");

    let running = until_status(&platform, ana, &created.id, Status::Running).await;
    assert_eq!(running.step, Step::Ready);
    let links = platform.connections(ana, &created.id).await.unwrap();
    let first_link = links[0].link();
    assert_eq!(first_link.matches("?token=").count(), 1, "{first_link}");
    assert_eq!(links[1].link(), links[1].url);

    platform.stop(ana, &created.id).await.unwrap();
    let stopped = until(&platform, ana, &created.id, |pod| pod.step == Step::Stopped).await;
    assert_eq!(stopped.status, Status::Stopped);
    assert_eq!(world.cluster.objects().len(), 0, "{:?}", world.cluster.objects());
    assert_eq!(world.cluster.volumes().len(), 1);
    let gone = platform.connections(ana, &created.id).await.unwrap();
    assert_eq!(states(&gone), [ConnectionState::Stopped; 2]);
    assert_eq!(gone[0].link(), gone[0].url, "its token is gone");

    platform.start(ana, &created.id).await.unwrap();
    until_status(&platform, ana, &created.id, Status::Running).await;
    let again = platform.connections(ana, &created.id).await.unwrap();
    assert_eq!(again[0].url, links[0].url, "the same address");
    assert_ne!(again[0].link(), first_link, "another token");

    platform
        .delete(ana, &created.id, VolumePolicy::Delete)
        .await
        .unwrap();
    let error = platform.get(ana, &created.id).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::NotFound);
    eventually("nothing is left", async || {
        world.store.get(&created.id).await.unwrap().is_none() && world.cluster.volumes().is_empty()
    })
    .await;
    assert_eq!(world.cluster.objects().len(), 0);
    let (available, held) = world.money().await;
    assert_eq!(held, Money::ZERO);
    assert!(
        available < Money::from_cents(1000) && available > Money::from_cents(990),
        "{available}"
    );
}

#[tokio::test(start_paused = true)]
async fn calls_in_the_wrong_state_are_refused() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    let kind = |error: neuropod::Error| error.kind().clone();
    assert_eq!(
        kind(platform.start(&world.ana, &pod.id).await.unwrap_err()),
        ErrorKind::InvalidState
    );
    platform.stop(&world.ana, &pod.id).await.unwrap();
    assert_eq!(
        kind(platform.stop(&world.ana, &pod.id).await.unwrap_err()),
        ErrorKind::InvalidState
    );
    assert_eq!(
        kind(platform.restart(&world.ana, &pod.id).await.unwrap_err()),
        ErrorKind::InvalidState
    );
    let logs = platform.logs(&world.ana, &pod.id, LogOptions::default()).await;
    assert_eq!(kind(logs.err().unwrap()), ErrorKind::InvalidState);
}

#[tokio::test(start_paused = true)]
async fn a_shared_volume_is_not_deleted_under_another_pod() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let first = platform.create(&world.ana, &request("One")).await.unwrap();
    let second = platform.create(&world.ana, &request("Two")).await.unwrap();
    let refused = platform
        .delete(&world.ana, &first.id, VolumePolicy::Delete)
        .await
        .unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::InvalidState);
    platform
        .delete(&world.ana, &first.id, VolumePolicy::Keep)
        .await
        .unwrap();
    eventually("the first is gone", async || {
        world.store.get(&first.id).await.unwrap().is_none()
    })
    .await;
    platform
        .delete(&world.ana, &second.id, VolumePolicy::Delete)
        .await
        .unwrap();
    eventually("the volume is gone", async || world.cluster.volumes().is_empty()).await;
}

#[tokio::test(start_paused = true)]
async fn logs_follow_live() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    let early = platform.logs(&world.ana, &pod.id, LogOptions::default()).await;
    assert_eq!(*early.err().unwrap().kind(), ErrorKind::InvalidState);
    until(&platform, &world.ana, &pod.id, |pod| pod.started_at.is_some()).await;
    let mut log = platform
        .logs(&world.ana, &pod.id, LogOptions::default().with_follow())
        .await
        .unwrap();
    let mut text = String::new();
    while !text.contains("is running at:") {
        text += &String::from_utf8_lossy(&log.next().await.unwrap().unwrap());
    }
    let token = platform
        .get(&world.ana, &pod.id)
        .await
        .unwrap()
        .login
        .injected
        .unwrap();
    assert!(
        !text.contains(token.expose()),
        "a token that was given is not printed"
    );
}
