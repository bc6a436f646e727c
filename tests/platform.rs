//! The platform on the simulated cluster: what people who call it see.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::time::Duration;

use common::{Driver, World, eventually, request, until, until_status};
use futures::{FutureExt, StreamExt};
use neuropod::billing::Billing;
use neuropod::sim::{Incident, Obstacle, Settings};
use neuropod::statement::explain;
use neuropod::store::MemoryStore;
use neuropod::user::User;
use neuropod::{
    Actor, ConnectionState, CreatePod, ErrorKind, LogOptions, Money, PodStore, PricePolicy, ReasonCode, Role,
    ServiceStatus, Status, Step, Update, UserId, UserStore, VolumePolicy,
};
use tokio::time::sleep;

#[tokio::test(start_paused = true)]
async fn a_pod_lives_stops_starts_and_goes() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let ana = &world.ana;

    let created = platform.create(ana, &request("Training")).await.unwrap();
    assert_eq!((created.status, created.step), (Status::Creating, Step::Accepted));
    let starting = platform.connections(ana, &created.id).await.unwrap();
    assert_eq!(starting.state, ConnectionState::Starting);
    assert_eq!(starting.http[0].status, ServiceStatus::Starting);

    let running = until_status(&platform, ana, &created.id, Status::Running).await;
    assert_eq!(running.step, Step::Ready);
    let links = platform.connections(ana, &created.id).await.unwrap();
    let first_link = links.http[0].link();
    assert_eq!(first_link.matches("?token=").count(), 1, "{first_link}");
    assert_eq!(links.http[1].link(), links.http[1].url);

    platform.stop(ana, &created.id).await.unwrap();
    let stopped = until(&platform, ana, &created.id, |pod| pod.step == Step::Stopped).await;
    assert_eq!(stopped.status, Status::Stopped);
    assert_eq!(world.cluster.objects().len(), 0, "{:?}", world.cluster.objects());
    assert_eq!(world.cluster.volumes().len(), 1);
    let gone = platform.connections(ana, &created.id).await.unwrap();
    assert_eq!(
        (gone.state, gone.http.len(), gone.tcp.len()),
        (ConnectionState::Stopped, 0, 0)
    );

    platform.start(ana, &created.id).await.unwrap();
    until_status(&platform, ana, &created.id, Status::Running).await;
    let again = platform.connections(ana, &created.id).await.unwrap();
    assert_eq!(again.http[0].url, links.http[0].url, "the same address");
    assert_ne!(again.http[0].link(), first_link, "another token");

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
async fn time_is_charged_by_the_second_while_the_container_runs() {
    // Slow to start and with nothing to wait for at the end.
    let settings = Settings {
        pull: Duration::from_mins(20),
        terminate: Duration::ZERO,
        ..Settings::default()
    };
    let world = World::new(settings).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until_status_late(&platform, &world.ana, &pod.id).await;
    sleep(Duration::from_hours(2)).await;
    platform.stop(&world.ana, &pod.id).await.unwrap();
    let stopped = until(&platform, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
    // 2.50 for the GPU and 0.20 for the disks per hour. It ran two hours and a few seconds.
    let charged = stopped.charged;
    let two_hours = Money::from_cents(540);
    assert!(
        charged >= two_hours && charged < two_hours + Money::from_cents(1),
        "{charged}"
    );
    assert_eq!(
        world.money().await,
        (Money::from_cents(1000) - charged, Money::ZERO)
    );
}

async fn until_status_late(platform: &neuropod::Platform, actor: &Actor, id: &neuropod::PodId) {
    eventually("the first 19 minutes", async || {
        platform.get(actor, id).await.unwrap().step == Step::PullingImage
    })
    .await;
    sleep(Duration::from_mins(19)).await;
    let pod = platform.get(actor, id).await.unwrap();
    assert_eq!(
        (pod.status, pod.charged),
        (Status::Creating, Money::ZERO),
        "waiting for an image is free"
    );
    until_status(platform, actor, id, Status::Running).await;
}

#[tokio::test(start_paused = true)]
async fn without_money_nothing_is_created() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let poor = Actor::client("poor");
    world.pay_in(&poor, 100).await;
    let error = platform.create(&poor, &request("Training")).await.unwrap_err();
    assert_eq!(
        *error.kind(),
        ErrorKind::InsufficientFunds {
            required: Money::from_cents(270),
            available: Money::from_cents(100)
        }
    );
    let nobody = platform
        .create(&Actor::client("nobody"), &request("Training"))
        .await
        .unwrap_err();
    assert_eq!(
        *nobody.kind(),
        ErrorKind::NotFound,
        "without an account there is no pod"
    );
    sleep(Duration::from_mins(1)).await;
    assert_eq!(world.cluster.writes(), 0);
    assert!(
        platform
            .list(&Actor::admin("root"), &neuropod::ListOptions::default())
            .await
            .unwrap()
            .pods
            .is_empty()
    );
    assert_eq!(
        world.store.balance(&poor.id).await.unwrap().available,
        Money::from_cents(100)
    );
    // The name is free again.
    world.pay_in(&Actor::client("rich"), 10_000).await;
    platform
        .create(&Actor::client("rich"), &request("Training"))
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn when_the_money_runs_out_the_owner_is_told_and_the_pod_stops_and_keeps_its_volume() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    let mut updates = platform.subscribe(&world.ana);
    let mut bob = platform.subscribe(&Actor::client("bob"));
    bob.next().await.unwrap().unwrap();
    // 10 euros last for 3 hours and 42 minutes of 2.70.
    let mut marks = Vec::new();
    let stopped = loop {
        match updates.next().await.unwrap().unwrap() {
            Update::LowBalance {
                pod_id,
                mark_seconds,
                seconds_left,
            } => {
                assert_eq!(pod_id, pod.id);
                assert!(seconds_left < mark_seconds, "{seconds_left} of {mark_seconds}");
                marks.push(mark_seconds);
            }
            Update::Changed(pod) if pod.step == Step::Stopped => break pod,
            _ => {}
        }
    };
    assert_eq!(marks, [3600, 900, 300]);
    assert!(bob.next().now_or_never().is_none(), "nobody else hears of it");
    assert_eq!(stopped.status, Status::Error);
    assert_eq!(
        stopped.reason.as_ref().unwrap().code,
        ReasonCode::InsufficientFunds
    );
    let (available, held) = world.money().await;
    assert_eq!(held, Money::ZERO);
    let minute = Money::from_cents(270).for_seconds(60);
    assert!(
        !available.is_negative() && available < minute,
        "{available} are left"
    );
    assert_eq!(stopped.charged, Money::from_cents(1000) - available);
    assert_eq!(
        (world.cluster.objects().len(), world.cluster.volumes().len()),
        (0, 1)
    );
    let refused = platform.start(&world.ana, &pod.id).await.unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::InsufficientFunds { .. }));

    let statement = platform
        .statement(&world.ana, &world.ana.id, None, None)
        .await
        .unwrap();
    assert_eq!(statement.by_pod[&pod.id], stopped.charged);
    assert_eq!(statement.total, available);
    let replayed: Money = statement
        .entries
        .iter()
        .filter_map(explain)
        .map(|charge| charge.amount)
        .sum();
    assert_eq!(replayed, stopped.charged, "every charge can be explained");
}

#[tokio::test(start_paused = true)]
async fn new_prices_are_for_new_starts_or_for_all_as_the_policy_says() {
    for (policy, expected) in [(PricePolicy::Quoted, 270), (PricePolicy::Current, 1020)] {
        let world = World::new(Settings::default()).await;
        let platform = world.builder().price_policy(policy).build().unwrap();
        let _driver = Driver::start(&platform);
        let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
        until_status(&platform, &world.ana, &pod.id, Status::Running).await;
        let mut prices = platform.prices().await.unwrap();
        prices.gpus.insert("rtx-4090".into(), Money::from_cents(1000));
        let refused = platform.set_prices(&world.ana, &prices).await.unwrap_err();
        assert_eq!(*refused.kind(), ErrorKind::Forbidden);
        let stored = platform.set_prices(&Actor::admin("root"), &prices).await.unwrap();
        assert_eq!(stored.version, 1);
        let stale = platform
            .set_prices(&Actor::admin("root"), &prices)
            .await
            .unwrap_err();
        assert_eq!(*stale.kind(), ErrorKind::Conflict);
        assert_eq!(
            platform.quote("rtx-4090", 10, 10).await.unwrap().hourly(),
            Money::from_cents(1020)
        );
        sleep(Duration::from_mins(10)).await;
        let pod = platform.get(&world.ana, &pod.id).await.unwrap();
        assert_eq!(pod.meter.price.hourly, Money::from_cents(expected), "{policy:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_request_twice_is_one_pod() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let keyed = request("Training").idempotency_key("abc");
    let (first, second) = tokio::join!(
        platform.create(&world.ana, &keyed),
        platform.create(&world.ana, &keyed)
    );
    let third = platform.create(&world.ana, &keyed).await.unwrap();
    let ids = [first.unwrap().id, second.unwrap().id, third.id];
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(world.money().await.1, Money::from_cents(270), "reserved once");
    let other = platform
        .create(&world.ana, &request("Other").idempotency_key("abc"))
        .await
        .unwrap_err();
    assert_eq!(*other.kind(), ErrorKind::AlreadyExists);
    assert!(!other.is_retryable());
}

#[tokio::test(start_paused = true)]
async fn everything_wrong_with_a_request_is_told_at_once() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let wrong = CreatePod {
        gpu: Some("rtx-9999".into()),
        container_disk_size: Some(101),
        ports: Some("0, 8888, 8888".into()),
        ..CreatePod::from_template("", "no such template").assign_to("somebody@example.com")
    };
    let error = platform.create(&world.ana, &wrong).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "name: required; gpu: gpu_unknown; containerDiskSize: out_of_range; ports: port; ports: port_twice; \
         template: template_unknown; assignToUser: assign_forbidden"
    );
    assert_eq!(world.money().await, (Money::from_cents(1000), Money::ZERO));
}

fn user(id: &str, role: Role, suspended: bool) -> User {
    User {
        id: UserId::new(id),
        email: format!("{id}@Example.com"),
        name: id.to_uppercase(),
        role,
        suspended,
        avatar: None,
        registration_date: jiff::Timestamp::UNIX_EPOCH,
        version: 0,
    }
}

#[tokio::test(start_paused = true)]
async fn an_administrator_creates_for_a_client_who_then_owns_and_pays() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let admin = Actor::admin("root");
    for (id, role) in [("ana", Role::Client), ("root", Role::Admin)] {
        world.store.insert_user(&user(id, role, false)).await.unwrap();
    }
    let problem = async |email: &str| {
        platform
            .create(&admin, &request("Training").assign_to(email))
            .await
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        problem("nobody@example.com").await,
        "assignToUser: assignee_unknown"
    );
    assert_eq!(
        problem("root@example.com").await,
        "assignToUser: assignee_not_client"
    );

    let pod = platform
        .create(&admin, &request("Training").assign_to("ANA@example.com"))
        .await
        .unwrap();
    assert_eq!((pod.owner.as_str(), pod.created_by.as_str()), ("ana", "root"));
    assert_eq!(world.money().await.1, Money::from_cents(270));
    let error = platform
        .create(&world.ana, &request("tráining"))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "name: name_in_use",
        "it reads the same in a host name"
    );
}

#[tokio::test(start_paused = true)]
async fn only_the_owner_and_administrators_may() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    let bob = Actor::client("bob");
    let refused = [
        platform.get(&bob, &pod.id).await.map(drop),
        platform.stop(&bob, &pod.id).await.map(drop),
        platform.start(&bob, &pod.id).await.map(drop),
        platform.restart(&bob, &pod.id).await.map(drop),
        platform.delete(&bob, &pod.id, VolumePolicy::Keep).await,
        platform.connections(&bob, &pod.id).await.map(drop),
        platform
            .logs(&bob, &pod.id, LogOptions::default())
            .await
            .map(drop),
    ];
    for result in refused {
        assert_eq!(*result.unwrap_err().kind(), ErrorKind::Forbidden);
    }
    platform.get(&Actor::admin("root"), &pod.id).await.unwrap();
    let mut seen = platform.subscribe(&bob);
    assert_eq!(
        seen.next().await.unwrap().unwrap(),
        Update::Snapshot {
            pods: vec![],
            missed: 0
        }
    );
    platform.stop(&world.ana, &pod.id).await.unwrap();
    assert!(seen.next().now_or_never().is_none(), "bob hears nothing of it");
}

#[tokio::test(start_paused = true)]
async fn a_suspended_user_starts_nothing() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    platform.stop(&world.ana, &pod.id).await.unwrap();
    world
        .store
        .insert_user(&user("ana", Role::Client, true))
        .await
        .unwrap();
    let created = platform.create(&world.ana, &request("Other")).await.unwrap_err();
    let started = platform.start(&world.ana, &pod.id).await.unwrap_err();
    assert_eq!(
        (created.kind(), started.kind()),
        (&ErrorKind::Forbidden, &ErrorKind::Forbidden)
    );
}

#[tokio::test(start_paused = true)]
async fn states_that_do_not_fit_are_refused() {
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
async fn the_reason_is_shown_and_passes() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    world.cluster.obstruct(&pod.id, Obstacle::ImageMissing);
    let failed = until_status(&platform, &world.ana, &pod.id, Status::Error).await;
    assert_eq!(failed.reason.as_ref().unwrap().code, ReasonCode::ImageNotFound);
    assert_eq!(failed.charged, Money::ZERO);
    world.cluster.clear_obstacles(&pod.id);
    let running = until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    assert_eq!(running.reason, None);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_only_fails_is_stopped_and_its_money_is_free_again() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    world.cluster.obstruct(&pod.id, Obstacle::ImageMissing);
    sleep(Duration::from_mins(31)).await;
    let failed = until(&platform, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
    assert_eq!(
        (failed.status, failed.reason.unwrap().code),
        (Status::Error, ReasonCode::GaveUp)
    );
    assert_eq!(world.money().await, (Money::from_cents(1000), Money::ZERO));
    assert_eq!(world.cluster.objects().len(), 0);
    world.cluster.clear_obstacles(&pod.id);
    platform.start(&world.ana, &pod.id).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
}

#[tokio::test(start_paused = true)]
async fn an_evicted_pod_comes_back_on_its_volume() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    world.cluster.strike(&pod.id, Incident::Evicted);
    let evicted = until(&platform, &world.ana, &pod.id, |pod| {
        pod.status == Status::Creating
    })
    .await;
    assert_eq!(evicted.reason.unwrap().code, ReasonCode::Evicted);
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    assert_eq!(world.cluster.volumes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_by_hand_comes_back_and_what_has_no_record_goes() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    let objects = world.cluster.objects();
    let service = objects
        .iter()
        .find(|key| key.name.ends_with("-service"))
        .unwrap()
        .clone();
    world.cluster.delete_by_hand(&service);
    eventually("the service is back", async || world.cluster.objects() == objects).await;

    // A record that vanishes without its pod, as from a store restored from an old backup.
    let record = world.store.get(&pod.id).await.unwrap().unwrap();
    world.store.remove(&pod.id, record.version).await.unwrap();
    eventually("the orphan is gone", async || world.cluster.objects().is_empty()).await;
    assert_eq!(
        world.cluster.volumes().len(),
        1,
        "nobody asked for the volume to go"
    );
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_sees_every_change_in_order() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let mut updates = platform.subscribe(&world.ana);
    assert!(matches!(
        updates.next().await.unwrap().unwrap(),
        Update::Snapshot { .. }
    ));
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    let mut versions = Vec::new();
    let mut steps = Vec::new();
    while steps.last() != Some(&Step::Ready) {
        let Update::Changed(pod) = updates.next().await.unwrap().unwrap() else {
            panic!("a change")
        };
        versions.push(pod.version);
        steps.push(pod.step);
    }
    assert!(versions.is_sorted(), "{versions:?}");
    steps.dedup();
    assert_eq!(
        steps,
        [
            Step::Accepted,
            Step::Scheduling,
            Step::Preparing,
            Step::PullingImage,
            Step::Starting,
            Step::Ready
        ]
    );
    platform
        .delete(&world.ana, &pod.id, VolumePolicy::Keep)
        .await
        .unwrap();
    loop {
        match updates.next().await.unwrap().unwrap() {
            Update::Deleted(id) => break assert_eq!(id, pod.id),
            Update::Changed(_) => {}
            other => panic!("{other:?}"),
        }
    }
    eventually("it is gone", async || {
        world.store.get(&pod.id).await.unwrap().is_none()
    })
    .await;
    assert!(updates.next().now_or_never().is_none(), "it is deleted once");
}

#[tokio::test(start_paused = true)]
async fn a_slow_subscriber_is_told_and_gets_a_snapshot() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    let mut updates = platform.subscribe(&world.ana);
    updates.next().await.unwrap().unwrap();
    for _ in 0..2000 {
        platform.restart(&world.ana, &pod.id).await.unwrap();
    }
    let latest = platform.get(&world.ana, &pod.id).await.unwrap();
    let Update::Snapshot { pods, missed } = updates.next().await.unwrap().unwrap() else {
        panic!("a snapshot")
    };
    assert!(missed > 0);
    assert_eq!(pods, [latest]);
    assert!(updates.next().now_or_never().is_none(), "nothing older follows");
}

#[tokio::test(start_paused = true)]
async fn two_drivers_on_one_store_and_cluster_charge_once() {
    let world = World::new(Settings::default()).await;
    let (first, second) = (world.platform(), world.platform());
    let _drivers = (Driver::start(&first), Driver::start(&second));
    let pod = first.create(&world.ana, &request("Training")).await.unwrap();
    until_status(&second, &world.ana, &pod.id, Status::Running).await;
    sleep(Duration::from_mins(70)).await;
    second.stop(&world.ana, &pod.id).await.unwrap();
    let stopped = until(&first, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
    let expected = Money::from_cents(270).for_seconds(3600 + 600);
    assert!(
        stopped.charged >= expected && stopped.charged < expected + Money::from_cents(1),
        "{} and not {expected}",
        stopped.charged
    );
    assert_eq!(
        world.money().await,
        (Money::from_cents(1000) - stopped.charged, Money::ZERO)
    );
}

#[tokio::test(start_paused = true)]
async fn the_driver_ends_when_it_is_asked_to_and_the_next_goes_on() {
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
        "nobody looks"
    );
    let _driver = Driver::start(&world.platform());
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
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
        .logs(
            &world.ana,
            &pod.id,
            LogOptions {
                follow: true,
                ..LogOptions::default()
            },
        )
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

#[test]
fn a_platform_without_its_parts_is_not_built() {
    let store = std::sync::Arc::new(MemoryStore::new());
    let error = neuropod::Platform::builder().store(store).build().unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::NotConfigured);
    assert!(error.to_string().contains("cluster"), "{error}");
}
