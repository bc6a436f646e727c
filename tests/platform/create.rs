//! Requests: which are accepted from whom, and which are refused.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use neuropod::cluster::{LogOptions, VolumePolicy};
use neuropod::money::BillingExt;
use neuropod::sim::Settings;
use neuropod::sim::faults::{Fault, Faults};
use neuropod::store::MemoryStore;
use neuropod::store::UserStore;
use neuropod::user::User;
use neuropod::{
    Actor, CreatePod, ErrorKind, Money, Platform, PodId, PodStore, PriceList, Role, Status, Update, UserId,
};
use tokio::time::sleep;

use crate::common::{Driver, World, eventually, request, until_status};

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
    assert_eq!(world.money().await.1, Money::from_cents(270), "held once");
    let other = platform
        .create(&world.ana, &request("Other").idempotency_key("abc"))
        .await
        .unwrap_err();
    assert_eq!(*other.kind(), ErrorKind::AlreadyExists);
    assert!(!other.is_retryable());
}

#[tokio::test(start_paused = true)]
async fn all_mistakes_of_a_request_are_reported_at_once() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let wrong = CreatePod::from_template("", "no such template")
        .gpu("rtx-9999")
        .disks(101, 10)
        .ports([0, 8888, 8888])
        .assign_to("somebody@example.com");
    let error = platform.create(&world.ana, &wrong).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "name: required; gpu: gpu_unknown; disk_gb: out_of_range; ports: port; ports: port_twice; \
         template: template_unknown; assign_to: assign_forbidden"
    );
    assert_eq!(world.money().await, (Money::from_cents(1000), Money::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_plan_equals_the_creation_and_leaves_nothing() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let request = request("Training");
    let plan = platform.plan(&world.ana, &request).await.unwrap();
    assert_eq!(platform.list_all(&world.ana, None).await.unwrap(), []);
    assert_eq!(world.money().await, (Money::from_cents(1000), Money::ZERO));

    let pod = platform.create(&world.ana, &request).await.unwrap();
    assert_eq!(
        plan.workload.reference.name,
        format!("{}-{}", pod.slug, pod.owner_hash)
    );
    assert_eq!(plan.quote.hourly(), pod.price.hourly);
    let host = |port| platform.naming().host(&pod.slug, &pod.owner_hash, port);
    assert_eq!(plan.hosts, [host(8888), host(7860)]);
    let error = platform.plan(&world.ana, &request).await.unwrap_err();
    assert_eq!(error.to_string(), "name: name_in_use");
}

fn user(id: &str, role: Role, suspended: bool) -> User {
    User {
        id: UserId::new(id),
        email: format!("{id}@Example.com"),
        name: id.to_uppercase(),
        role,
        identity: None,
        email_verified: false,
        suspended,
        deleted: false,
        daily_cap: None,
        extra: BTreeMap::new(),
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
        Box::pin(platform.create(&admin, &request("Training").assign_to(email)))
            .await
            .unwrap_err()
            .to_string()
    };
    assert_eq!(problem("nobody@example.com").await, "assign_to: assignee_unknown");
    assert_eq!(
        problem("root@example.com").await,
        "assign_to: assignee_not_client"
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
        Update::Snapshot { pods: vec![] }
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

#[test]
fn an_unusable_price_is_refused() {
    for price in [-1, i64::MAX] {
        let prices = PriceList {
            volume_disk_gb: Money::from_micros(price),
            ..PriceList::default()
        };
        let error = Platform::builder().price_list(prices).build().unwrap_err();
        assert_eq!(error.kind().code(), "invalid");
        assert!(error.to_string().contains("volumeDiskGb"), "{error}");
    }
}

#[test]
fn a_platform_without_its_parts_is_not_built() {
    let store = std::sync::Arc::new(MemoryStore::new());
    let error = neuropod::Platform::builder().store(store).build().unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::NotConfigured);
    assert!(error.to_string().contains("cluster"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_idempotency_key_of_a_deleted_pod_is_kept_for_a_day_and_its_name_is_not() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let keyed = request("Training").idempotency_key("abc");
    let pod = platform.create(&world.ana, &keyed).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    sleep(Duration::from_mins(1)).await;
    platform
        .delete(&world.ana, &pod.id, VolumePolicy::Keep)
        .await
        .unwrap();
    until_gone(&world, &pod.id).await;
    let (available, _) = world.money().await;

    // The reply to the first one was lost, and it is sent again late.
    let error = platform.create(&world.ana, &keyed).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (&ErrorKind::InvalidState, false)
    );
    let other = request("Other").idempotency_key("abc");
    let error = platform.create(&world.ana, &other).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(
        world.money().await,
        (available, Money::ZERO),
        "nothing is charged"
    );

    let second = platform
        .create(&world.ana, &request("Training").idempotency_key("def"))
        .await
        .unwrap();
    assert_ne!(second.id, pod.id);
    platform
        .delete(&world.ana, &second.id, VolumePolicy::Keep)
        .await
        .unwrap();
    until_gone(&world, &second.id).await;

    sleep(Duration::from_hours(23)).await;
    let error = platform.create(&world.ana, &keyed).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidState, "it is kept for 24 hours");
    sleep(Duration::from_hours(1)).await;
    let third = platform.create(&world.ana, &keyed).await.unwrap();
    assert_eq!(world.money().await.1, Money::from_cents(270));
    until_status(&platform, &world.ana, &third.id, Status::Running).await;
    sleep(Duration::from_mins(2)).await;
    platform
        .delete(&world.ana, &third.id, VolumePolicy::Keep)
        .await
        .unwrap();
    until_gone(&world, &third.id).await;
    let (available, held) = world.money().await;
    let charged = Money::from_cents(1000) - available;
    let three_minutes = Money::from_cents(270).for_seconds(180);
    assert!(
        charged >= three_minutes && charged < three_minutes + Money::from_cents(1),
        "{charged}"
    );
    assert_eq!(held, Money::ZERO);
    let error = platform.create(&world.ana, &keyed).await.unwrap_err();
    assert_eq!(
        *error.kind(),
        ErrorKind::InvalidState,
        "used again, it holds again"
    );
}

async fn until_gone(world: &World, id: &PodId) {
    eventually("it is gone", async || {
        world.store.get(id).await.unwrap().is_none()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_request_refused_for_lack_of_money_is_refused_again_under_its_key() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let poor = Actor::client("poor");
    world.pay_in(&poor, 100).await;
    let keyed = request("Training").idempotency_key("abc");
    let first = platform.create(&poor, &keyed).await.unwrap_err();
    let refused = ErrorKind::InsufficientFunds {
        required: Money::from_cents(270),
        available: Money::from_cents(100),
    };
    assert_eq!(*first.kind(), refused);
    // For any balance by then: nobody may be waiting for the result any more.
    let more = Money::from_cents(1000);
    world.store.deposit("more", &poor.id, more).await.unwrap();
    let again = platform.create(&poor, &keyed).await.unwrap_err();
    assert_eq!((again.kind(), again.is_retryable()), (&refused, false));
    let other = request("Other").idempotency_key("abc");
    let error = platform.create(&poor, &other).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::AlreadyExists);

    let anew = request("Training").idempotency_key("def");
    let pod = platform.create(&poor, &anew).await.unwrap();
    until_status(&platform, &poor, &pod.id, Status::Running).await;
}

#[tokio::test(start_paused = true)]
async fn without_an_account_a_request_is_refused_again_under_its_key() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let nobody = Actor::client("nobody");
    let keyed = request("Training").idempotency_key("abc");
    let first = platform.create(&nobody, &keyed).await.unwrap_err();
    world.pay_in(&nobody, 1000).await;
    let again = platform.create(&nobody, &keyed).await.unwrap_err();
    for error in [first, again] {
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (&ErrorKind::NotFound, false)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_invalid_request_does_not_use_its_key() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let wrong = request("---").idempotency_key("abc");
    let error = platform.create(&world.ana, &wrong).await.unwrap_err();
    assert_eq!(error.kind().code(), "invalid");
    let right = request("Training").idempotency_key("abc");
    platform.create(&world.ana, &right).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_idempotency_key_of_a_pod_being_deleted_is_reported() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let keyed = request("Training").idempotency_key("abc");
    let pod = platform.create(&world.ana, &keyed).await.unwrap();
    platform
        .delete(&world.ana, &pod.id, VolumePolicy::Keep)
        .await
        .unwrap();
    let error = platform.create(&world.ana, &keyed).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (&ErrorKind::InvalidState, false)
    );
}

#[tokio::test(start_paused = true)]
async fn the_same_request_twice_at_once_without_money_is_refused_twice() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let poor = Actor::client("poor");
    world.pay_in(&poor, 1).await;
    let keyed = request("Training").idempotency_key("abc");
    // The reply of billing to the first one is late.
    let faults = Faults::at_call(1, Fault::Late);
    let slow = world
        .parts()
        .billing(faults.billing(world.store.clone()))
        .build()
        .unwrap();
    let (first, second) = tokio::join!(slow.create(&poor, &keyed), async {
        sleep(Duration::from_secs(1)).await;
        platform.create(&poor, &keyed).await
    });
    for answer in [first, second] {
        let error = answer.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::InsufficientFunds { .. }),
            "{error}"
        );
    }
}
