//! Daily caps of pods and of people, and unpaid volumes.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use jiff::SignedDuration;
use neuropod::clock::Clock;
use neuropod::cluster::plan::{Layout, VolumeScope};
use neuropod::cluster::{ReasonCode, Step, VolumePolicy};
use neuropod::money::{BillingExt, EntryKind};
use neuropod::pod::Desired;
use neuropod::sim::faults::{Fault, Faults};
use neuropod::sim::{CallError, Method, Settings};
use neuropod::user::User;
use neuropod::{Actor, Billing, ErrorKind, Money, Platform, Pod, PodStore, Role, Status, Update, UserId};
use tokio::time::sleep;

use crate::common::{Driver, World, eventually, request, until, until_status};

/// The price per minute of the pods in these tests: 2.70 an hour.
const MINUTE: Money = Money::from_micros(45_000);
const GRACE: SignedDuration = SignedDuration::from_hours(48);

fn ana() -> User {
    User {
        id: UserId::new("ana"),
        email: "ana@example.com".into(),
        name: "Ana".into(),
        role: Role::Client,
        identity: None,
        email_verified: false,
        suspended: false,
        deleted: false,
        daily_cap: None,
        extra: BTreeMap::new(),
        registration_date: jiff::Timestamp::UNIX_EPOCH,
        version: 0,
    }
}

/// Waits until the pod is stopped, however long it runs.
async fn until_stopped(platform: &Platform, world: &World, pod: &Pod) -> Pod {
    let mut updates = platform.subscribe(&world.ana);
    loop {
        match updates.next().await.unwrap().unwrap() {
            Update::Changed(now) if now.id == pod.id && now.step == Step::Stopped => return *now,
            _ => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_stops_at_its_own_cap_and_starts_again_the_next_day() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let cap = MINUTE.times(30);
    let pod = platform
        .create(&world.ana, &request("Training").daily_cap(cap))
        .await
        .unwrap();
    let mut updates = platform.subscribe(&world.ana);
    let warned = async {
        loop {
            if let Update::LowBalance {
                daily_cap,
                threshold_seconds,
                ..
            } = updates.next().await.unwrap().unwrap()
            {
                return (daily_cap, threshold_seconds);
            }
        }
    };
    let (warned, stopped) = tokio::join!(warned, until_stopped(&platform, &world, &pod));
    assert_eq!(
        warned,
        (true, 3600),
        "at the first charge, as half an hour is all there is"
    );
    assert_eq!(stopped.reason.unwrap().code, ReasonCode::SpendCap);
    assert!(
        stopped.charged <= cap && stopped.charged > cap - MINUTE,
        "{}",
        stopped.charged
    );
    let refused = platform.start(&world.ana, &pod.id).await.unwrap_err();
    assert!(
        matches!(refused.kind(), ErrorKind::SpendCapReached { .. }),
        "{refused}"
    );
    sleep(Duration::from_hours(24)).await;
    platform.start(&world.ana, &pod.id).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
}

#[tokio::test(start_paused = true)]
async fn the_cap_of_a_person_is_for_all_their_pods_together() {
    let world = World::new(Settings::default()).await;
    let cap = MINUTE.times(40);
    let platform = world.parts().daily_cap(cap).build().unwrap();
    let _driver = Driver::start(&platform);
    platform.register(&ana()).await.unwrap();
    let one = platform.create(&world.ana, &request("One")).await.unwrap();
    let two = platform.create(&world.ana, &request("Two")).await.unwrap();
    let stopped = [
        until_stopped(&platform, &world, &one),
        until_stopped(&platform, &world, &two),
    ];
    let stopped = futures::future::join_all(stopped).await;
    let charged: Money = stopped.iter().map(|pod| pod.charged).sum();
    for pod in &stopped {
        assert_eq!(pod.reason.as_ref().unwrap().code, ReasonCode::SpendCap, "{pod:?}");
    }
    assert!(
        charged <= cap && charged > cap - MINUTE.times(3),
        "{charged} of {cap}"
    );
    // While they are stopped, only their volume is charged.
    let balance = world.store.balance(&world.ana.id).await.unwrap();
    assert_eq!(balance.spent.unwrap().amount, charged);
}

#[tokio::test(start_paused = true)]
async fn an_administrator_sets_a_persons_cap_and_it_applies_at_once() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let admin = Actor::admin("root");
    platform.register(&ana()).await.unwrap();
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    sleep(Duration::from_mins(30)).await;

    let cap = Some(MINUTE.times(10));
    let mine = platform.set_daily_cap(&world.ana, &world.ana.id, None).await;
    assert_eq!(*mine.unwrap_err().kind(), ErrorKind::Forbidden);
    let negative = Some(Money::from_micros(-1));
    let wrong = platform.set_daily_cap(&admin, &world.ana.id, negative).await;
    assert!(matches!(wrong.unwrap_err().kind(), ErrorKind::Invalid(_)));
    let user = platform.set_daily_cap(&admin, &world.ana.id, cap).await.unwrap();
    assert_eq!(user.daily_cap, cap);
    let stopped = until(&platform, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
    assert_eq!(stopped.reason.unwrap().code, ReasonCode::SpendCap);
    for refused in [
        platform.start(&world.ana, &pod.id).await,
        platform.create(&world.ana, &request("Another")).await,
    ] {
        let error = refused.unwrap_err();
        let ErrorKind::SpendCapReached { cap: reported, spent } = *error.kind() else {
            panic!("{error}")
        };
        assert!(Some(reported) == cap && spent > reported, "{spent} of {reported}");
    }
    platform.set_daily_cap(&admin, &world.ana.id, None).await.unwrap();
    platform.start(&world.ana, &pod.id).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
}

/// Two stopped pods of somebody without money.
async fn two_unpaid(world: &World, platform: &Platform) -> [Pod; 2] {
    let mut pods = Vec::new();
    for name in ["One", "Two"] {
        let pod = platform.create(&world.ana, &request(name)).await.unwrap();
        until_status(platform, &world.ana, &pod.id, Status::Running).await;
        platform.stop(&world.ana, &pod.id).await.unwrap();
        pods.push(until(platform, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await);
    }
    platform
        .set_balance(
            &Actor::admin("root"),
            &world.ana.id,
            Money::ZERO,
            "spent elsewhere",
        )
        .await
        .unwrap();
    [pods.remove(0), pods.remove(0)]
}

#[tokio::test(start_paused = true)]
async fn an_unpaid_volume_is_deleted_after_a_warning_and_the_grace_time() {
    for volume in [VolumeScope::User, VolumeScope::Pod] {
        let world = World::new(Settings::default()).await;
        let layout = Layout {
            volume,
            ..Layout::default()
        };
        let platform = world.parts().layout(layout).volume_grace(GRACE).build().unwrap();
        let _driver = Driver::start(&platform);
        let [one, two] = two_unpaid(&world, &platform).await;
        let volumes = world.cluster.volumes().len();
        let mut updates = platform.subscribe(&world.ana);
        let mut warnings = Vec::new();
        while warnings.len() < 4 {
            if let Update::VolumeAtRisk { pod_id, at } = updates.next().await.unwrap().unwrap() {
                warnings.push((pod_id, at));
            }
        }
        assert_eq!(
            world.cluster.volumes().len(),
            volumes,
            "{volume:?}: they are kept until then"
        );
        for pod in [&one, &two] {
            let mine: Vec<_> = warnings.iter().filter(|(id, _)| *id == pod.id).collect();
            assert_eq!(
                (mine.len(), mine[0]),
                (2, mine[1]),
                "reported twice, and the same"
            );
        }
        sleep(Duration::from_hours(26)).await;
        eventually("the volumes are gone", async || {
            world.cluster.volumes().is_empty()
        })
        .await;
        for pod in [&one, &two] {
            let pod = platform.get(&world.ana, &pod.id).await.unwrap();
            assert_eq!(pod.status, Status::Stopped);
            assert_eq!(pod.reason.unwrap().code, ReasonCode::VolumeDeleted);
        }
        // Unpaid charges are in the ledger, and nothing is charged any more.
        let entries = async || world.store.all_entries(&world.ana.id).await.unwrap();
        let before = entries().await;
        let kind = |kind| before.iter().filter(|entry| entry.kind == kind).count();
        assert!(kind(EntryKind::WriteOff) >= 96, "each hour of both");
        sleep(Duration::from_hours(24)).await;
        assert_eq!(entries().await.len(), before.len());

        world
            .store
            .deposit("back again", &world.ana.id, Money::from_cents(1000))
            .await
            .unwrap();
        platform.start(&world.ana, &one.id).await.unwrap();
        until_status(&platform, &world.ana, &one.id, Status::Running).await;
        assert_eq!(world.cluster.volumes().len(), 1, "an empty one");
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_does_not_shorten_the_grace_time() {
    let world = World::new(Settings::default()).await;
    let platform = world.parts().volume_grace(GRACE).build().unwrap();
    let driver = Driver::start(&platform);
    let [one, _] = two_unpaid(&world, &platform).await;
    drop(driver);
    sleep(Duration::from_hours(100)).await;
    let _driver = Driver::start(&platform);
    let at_risk = until(&platform, &world.ana, &one.id, |pod| {
        pod.volume_deletion.is_some()
    })
    .await;
    let left = at_risk
        .volume_deletion
        .unwrap()
        .at
        .duration_since(world.cluster.clock().now());
    assert!(left > GRACE - SignedDuration::from_mins(61), "{left}");
    sleep(Duration::from_hours(46)).await;
    assert_eq!(world.cluster.volumes().len(), 1);
    sleep(Duration::from_hours(2)).await;
    assert!(world.cluster.volumes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn after_losing_a_volume_its_successor_is_not_charged() {
    let world = World::new(Settings::default()).await;
    let platform = world.parts().volume_grace(GRACE).build().unwrap();
    let _driver = Driver::start(&platform);
    let [one, two] = two_unpaid(&world, &platform).await;
    sleep(Duration::from_hours(60)).await;
    assert!(world.cluster.volumes().is_empty());
    let money = Money::from_cents(10_000);
    world
        .store
        .deposit("back again", &world.ana.id, money)
        .await
        .unwrap();
    platform.start(&world.ana, &two.id).await.unwrap();
    until_status(&platform, &world.ana, &two.id, Status::Running).await;
    let charged = async || platform.get(&world.ana, &one.id).await.unwrap().charged;
    let before = charged().await;
    sleep(Duration::from_hours(24)).await;
    assert_eq!(charged().await, before, "its volume is gone");
    let lost = platform.get(&world.ana, &one.id).await.unwrap();
    assert_eq!(lost.reason.unwrap().code, ReasonCode::VolumeDeleted);
    // Nor does it keep or delete that volume.
    platform
        .delete(&world.ana, &one.id, VolumePolicy::Keep)
        .await
        .unwrap();
    eventually("it is gone", async || {
        world.store.get(&one.id).await.unwrap().is_none()
    })
    .await;
    assert_eq!(world.cluster.volumes().len(), 1);
    platform
        .delete(&world.ana, &two.id, VolumePolicy::Delete)
        .await
        .unwrap();
    eventually("all is gone", async || world.cluster.volumes().is_empty()).await;
}

#[tokio::test(start_paused = true)]
async fn the_cap_of_a_pod_only_counts_running_time() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let request = request("Training").daily_cap(MINUTE.times(10));
    let pod = platform.create(&world.ana, &request).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    platform.stop(&world.ana, &pod.id).await.unwrap();
    // The volume costs more than that.
    sleep(Duration::from_hours(20)).await;
    let stopped = platform.get(&world.ana, &pod.id).await.unwrap();
    assert!(stopped.charged > MINUTE.times(10), "{}", stopped.charged);
    platform.start(&world.ana, &pod.id).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
}

#[tokio::test(start_paused = true)]
async fn a_cap_or_suspension_during_a_start_takes_effect() {
    let mut made_nevertheless = 0;
    // Whichever reply of the store is late meanwhile.
    for (call, suspend) in (1..=12).flat_map(|call| [(call, false), (call, true)]) {
        let world = World::new(Settings::default()).await;
        let platform = world.platform();
        let user = platform.register(&ana()).await.unwrap();
        let admin = Actor::admin("root");
        let late = Faults::at_call(call, Fault::Late);
        let slow = world
            .parts()
            .store(late.store(world.store.clone()))
            .build()
            .unwrap();
        let cap = Some(MINUTE.times(10));
        let request = request("Training");
        let (made, ()) = tokio::join!(slow.create(&world.ana, &request), async {
            sleep(Duration::from_secs(1)).await;
            if suspend {
                platform.suspend(&admin, &user.id, true).await.unwrap();
            } else {
                platform.set_daily_cap(&admin, &user.id, cap).await.unwrap();
            }
        });
        let Ok(pod) = made else { continue };
        let pod = platform.get(&world.ana, &pod.id).await.unwrap();
        assert_eq!(pod.desired == Desired::Stopped, suspend, "call {call}");
        assert_eq!(pod.owner_cap, cap.filter(|_| !suspend), "call {call}");
        made_nevertheless += 1;
    }
    assert!(made_nevertheless > 2);
}

#[tokio::test(start_paused = true)]
async fn a_volume_in_use_by_another_pod_stays() {
    let world = World::new(Settings::default()).await;
    let platform = world.parts().volume_grace(GRACE).build().unwrap();
    let _driver = Driver::start(&platform);
    let [one, two] = two_unpaid(&world, &platform).await;
    sleep(Duration::from_hours(40)).await;
    let at_risk = platform.get(&world.ana, &one.id).await.unwrap();
    assert!(at_risk.volume_deletion.is_some());
    world
        .store
        .deposit("just enough", &world.ana.id, Money::from_cents(271))
        .await
        .unwrap();
    platform.start(&world.ana, &two.id).await.unwrap();
    until_status(&platform, &world.ana, &two.id, Status::Running).await;
    sleep(Duration::from_hours(30)).await;
    assert_eq!(world.cluster.volumes().len(), 1);
    let pod = platform.get(&world.ana, &one.id).await.unwrap();
    assert_ne!(
        pod.reason.map(|reason| reason.code),
        Some(ReasonCode::VolumeDeleted),
        "the files are there"
    );
}

/// A deletion that has begun is called off while the cluster does not carry it out.
#[tokio::test(start_paused = true)]
async fn a_pod_whose_volume_another_pod_saves_still_says_why_it_was_stopped() {
    let world = World::new(Settings::default()).await;
    let platform = world.parts().volume_grace(GRACE).build().unwrap();
    let _driver = Driver::start(&platform);
    let mut pods = Vec::new();
    for name in ["One", "Two"] {
        let pod = platform.create(&world.ana, &request(name)).await.unwrap();
        pods.push(until_status(&platform, &world.ana, &pod.id, Status::Running).await);
    }
    let root = Actor::admin("root");
    let all_spent = platform.set_balance(&root, &world.ana.id, Money::ZERO, "spent elsewhere");
    all_spent.await.unwrap();
    let [one, two] = [&pods[0], &pods[1]];
    // The time that is already paid.
    sleep(Duration::from_hours(2)).await;
    let why = ReasonCode::InsufficientFunds;
    for pod in &pods {
        until(&platform, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
    }
    world.cluster.inject_error(CallError {
        method: Some(Method::Remove),
        times: 1_000_000,
        kind: ErrorKind::Unavailable,
        after_effect: false,
    });
    sleep(Duration::from_hours(60)).await;
    let decided = platform.get(&world.ana, &one.id).await.unwrap();
    assert!(decided.volume_deletion.unwrap().decided);
    assert_eq!(decided.reason.unwrap().code, why, "its volume is still there");
    let money = Money::from_cents(10_000);
    world
        .store
        .deposit("back again", &world.ana.id, money)
        .await
        .unwrap();
    platform.start(&world.ana, &two.id).await.unwrap();
    until_status(&platform, &world.ana, &two.id, Status::Running).await;
    let saved = platform.get(&world.ana, &one.id).await.unwrap();
    assert_eq!(saved.reason.unwrap().code, why);
    assert_eq!(world.cluster.volumes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_platform_is_not_built_with_a_cap_grace_time_or_threshold_out_of_range() {
    let world = World::new(Settings::default()).await;
    for parts in [
        world.parts().daily_cap(Money::from_micros(-1)),
        world.parts().volume_grace(SignedDuration::from_secs(-1)),
        world.parts().low_balance_thresholds([SignedDuration::ZERO]),
        world
            .parts()
            .low_balance_thresholds([SignedDuration::from_mins(61)]),
    ] {
        let error = parts.build().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Invalid(_)), "{error}");
    }
}
