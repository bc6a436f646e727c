//! While the watch shows that nothing changes, the cluster is not listed; whatever changes is still found.

use std::time::Duration;

use neuropod::cluster::Step;
use neuropod::money::BillingExt;
use neuropod::pod::Template;
use neuropod::sim::{Method, ObjectKey, ObjectKind, Settings};
use neuropod::store::TemplateStore;
use neuropod::{CreatePod, Money, PodId, Status};
use tokio::time::{Instant, sleep};

use crate::common::{Driver, World, jupyter_template, request, until, until_status};

/// A world with a pod that runs and has settled.
async fn settled(settings: Settings) -> (World, neuropod::Platform, Driver, PodId) {
    let world = World::new(settings).await;
    let money = Money::from_cents(100_000);
    world.store.deposit("more", &world.ana.id, money).await.unwrap();
    let platform = world.platform();
    let driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Lab")).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    sleep(Duration::from_mins(7)).await;
    (world, platform, driver, pod.id)
}

#[tokio::test(start_paused = true)]
async fn a_cluster_in_which_nothing_changes_is_listed_once_an_hour() {
    let (world, _platform, _driver, _) = settled(Settings::default()).await;
    let before = (world.count(Method::Inventory), world.count(Method::Observe));
    sleep(Duration::from_hours(6)).await;
    let lists = world.count(Method::Inventory) - before.0;
    assert!((5..=6).contains(&lists), "{lists} lists in six hours");
    assert_eq!(world.count(Method::Observe), before.1);
}

/// A backend that only watches pods is listed at each resync.
#[tokio::test(start_paused = true)]
async fn a_watch_that_shows_pods_only_is_not_relied_on() {
    let settings = Settings {
        heartbeat: None,
        ..Settings::default()
    };
    let (world, _platform, _driver, _) = settled(settings).await;
    let before = world.count(Method::Inventory);
    sleep(Duration::from_hours(1)).await;
    let lists = world.count(Method::Inventory) - before;
    assert!((10..=14).contains(&lists), "{lists} lists in an hour");
}

#[tokio::test(start_paused = true)]
async fn what_somebody_deletes_by_hand_is_made_again() {
    for kind in [ObjectKind::Service, ObjectKind::Route, ObjectKind::Secret] {
        let (world, _platform, _driver, _) = settled(Settings::default()).await;
        let objects = world.cluster.objects();
        let object = objects.iter().find(|object| object.kind == kind).unwrap();
        world.cluster.delete_by_hand(object);
        assert_ne!(world.cluster.objects(), objects);
        sleep(Duration::from_mins(6)).await;
        assert_eq!(world.cluster.objects(), objects, "{kind:?}");
    }
}

/// What a list shows of a pod is not ignored because passes over it end meanwhile: the next list may come an hour later.
#[tokio::test(start_paused = true)]
async fn what_somebody_deletes_by_hand_is_made_again_though_the_pod_is_never_left_alone() {
    let settings = Settings {
        latency: Duration::from_secs(2),
        ..Settings::default()
    };
    let (world, platform, _driver, _) = settled(settings).await;
    // Whoever asks for the link of a server that has printed no token has it looked for.
    let options = jupyter_template().options;
    let options = options.with_image("quay.io/lab/server".parse().unwrap());
    let silent = Template::new("silent", "Silent", options, jiff::Timestamp::UNIX_EPOCH);
    world.store.insert_template(&silent).await.unwrap();
    let request = CreatePod::from_template("Silent", "silent");
    let pod = platform.create(&world.ana, &request).await.unwrap().id;
    until_status(&platform, &world.ana, &pod, Status::Running).await;
    sleep(Duration::from_mins(7)).await;
    let objects = world.cluster.objects();
    let is_service =
        |object: &&ObjectKey| object.kind == ObjectKind::Service && object.name.starts_with("silent");
    let service = objects.iter().find(is_service).unwrap();
    world.cluster.delete_by_hand(service);
    let end = Instant::now() + Duration::from_mins(6);
    while Instant::now() < end {
        platform.connections(&world.ana, &pod).await.unwrap();
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(world.cluster.objects(), objects);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_silent_is_not_relied_on() {
    let (world, platform, _driver, pod) = settled(Settings::default()).await;
    let before = world.count(Method::Inventory);
    world.cluster.break_watch();
    // Two and a half minutes of silence, and then the next resync.
    sleep(Duration::from_mins(9)).await;
    assert!(world.count(Method::Inventory) > before);
    world.cluster.mend_watch();
    sleep(Duration::from_mins(1)).await;
    let pod = platform.get(&world.ana, &pod).await.unwrap();
    assert_eq!(pod.status, Status::Running);
}

/// A container that disappears without a trace is charged until the watch last confirmed it, at most two minutes before.
#[tokio::test(start_paused = true)]
async fn a_container_that_vanishes_is_charged_until_the_watch_confirmed_it() {
    let (world, platform, _driver, pod) = settled(Settings::default()).await;
    sleep(Duration::from_mins(27)).await;
    let container = world.cluster.runs_of(&pod).pop().unwrap();
    world.cluster.break_watch();
    let objects = world.cluster.objects();
    let object = objects
        .iter()
        .find(|object| object.kind == ObjectKind::Pod)
        .unwrap();
    world.cluster.delete_by_hand(object);
    let ended = platform.now();
    world.cluster.mend_watch();
    sleep(Duration::from_mins(2)).await;
    platform.stop(&world.ana, &pod).await.unwrap();
    let stopped = until(&platform, &world.ana, &pod, |pod| pod.step == Step::Stopped).await;
    let runs = world.cluster.runs_of(&pod);
    let ran = |until: jiff::Timestamp| until.duration_since(container.started_at).as_secs();
    let later = runs[1..]
        .iter()
        .map(|run| run.ended_at.unwrap().duration_since(run.started_at));
    let later: i64 = later.map(|time| time.as_secs()).sum();
    let seconds = |seconds: i64| stopped.price.hourly.for_seconds(seconds);
    assert!(
        stopped.charged <= seconds(ran(ended) + later + 1),
        "never for what did not run"
    );
    assert!(
        stopped.charged >= seconds(ran(ended) - 125),
        "{}",
        stopped.charged
    );
}

#[tokio::test(start_paused = true)]
async fn a_pod_is_reported_as_ready_once_its_routes_know_it() {
    let routes = Duration::from_secs(3);
    let world = World::new(Settings {
        route_delay: routes,
        ..Settings::default()
    })
    .await;
    let platform = world.platform();
    let driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Lab")).await.unwrap();
    let is_ready = || world.cluster.pod(&pod.id).is_some_and(|pod| pod.ready);
    while !is_ready() {
        sleep(Duration::from_millis(10)).await;
    }
    let ready = Instant::now();
    let seen = until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    let took = ready.elapsed();
    assert!((routes..routes * 2).contains(&took), "{took:?}");
    assert_eq!(seen.step, Step::Ready);

    // A new driver does not take it back.
    drop(driver);
    let _driver = Driver::start(&platform);
    for _ in 0..100 {
        sleep(Duration::from_millis(50)).await;
        let pod = platform.get(&world.ana, &pod.id).await.unwrap();
        assert_eq!((pod.status, pod.step), (Status::Running, Step::Ready));
    }
}
