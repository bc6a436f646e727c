//! The maximum number of pods of a person.

use std::time::Duration;

use neuropod::cluster::VolumePolicy;
use neuropod::sim::Settings;
use neuropod::sim::faults::{Fault, Faults};
use neuropod::{Actor, ErrorKind, Platform, PodStore, Role};
use tokio::time::sleep;

use crate::common::{Driver, World, eventually, request};
use crate::users::user;

const LIMIT: u32 = 3;

/// A world with a platform that limits clients to [`LIMIT`] pods.
async fn world() -> (World, Platform) {
    let world = World::new(Settings::default()).await;
    let platform = world.parts().max_pods(LIMIT).build().unwrap();
    platform.register(&user("ana", Role::Client)).await.unwrap();
    (world, platform)
}

async fn pods(platform: &Platform, actor: &Actor) -> usize {
    platform.list_all(actor, Some(&actor.id)).await.unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_a_client_includes_stopped_pods() {
    let (world, platform) = world().await;
    let _driver = Driver::start(&platform);
    let mut made = Vec::new();
    for n in 0..LIMIT {
        made.push(
            platform
                .create(&world.ana, &request(&format!("Pod {n}")))
                .await
                .unwrap(),
        );
    }
    platform.stop(&world.ana, &made[0].id).await.unwrap();
    let before = world.money().await;
    let one_more = request("One more").idempotency_key("one more");
    let refused = platform.create(&world.ana, &one_more).await.unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::TooManyPods { limit: LIMIT });
    assert!(!refused.is_retryable());
    assert_eq!(world.money().await.1, before.1, "nothing was held");

    // Administrators can't create more for them, but may have any number themselves.
    let root = Actor::admin("root");
    platform.register(&user("root", Role::Admin)).await.unwrap();
    let assigned = request("For Ana").assign_to("ana@example.com");
    let refused = platform.create(&root, &assigned).await.unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::TooManyPods { limit: LIMIT });
    for n in 0..=LIMIT {
        platform
            .create(&root, &request(&format!("Pod {n}")))
            .await
            .expect("administrators have no limit");
    }

    // Existing pods can be started whatever the limit, and a deleted pod makes room, with the same key.
    let strict = world.parts().max_pods(1).build().unwrap();
    eventually("it stopped", async || {
        strict.start(&world.ana, &made[0].id).await.is_ok()
    })
    .await;
    let keep = VolumePolicy::Keep;
    platform.delete(&world.ana, &made[1].id, keep).await.unwrap();
    platform
        .create(&world.ana, &one_more)
        .await
        .expect("there is room");
}

#[tokio::test(start_paused = true)]
async fn concurrent_creates_do_not_exceed_the_limit() {
    let mut full = 0;
    for n in 1.. {
        let (world, platform) = world().await;
        let _driver = Driver::start(&platform);
        for n in 1..LIMIT {
            platform
                .create(&world.ana, &request(&format!("Pod {n}")))
                .await
                .unwrap();
        }
        let faults = Faults::at_call(n, Fault::Late);
        let parts = world.parts().max_pods(LIMIT);
        let slow = parts.store(faults.store(world.store.clone()));
        let slow = slow.billing(faults.billing(world.store.clone())).build().unwrap();
        let (one, other) = (request("One"), request("Other"));
        let quick = async {
            sleep(Duration::from_secs(5)).await;
            platform.create(&world.ana, &other).await
        };
        let (one, other) = tokio::join!(slow.create(&world.ana, &one), quick);
        assert!(
            one.is_err() || other.is_err(),
            "{:?} was late: both are in",
            faults.injected()
        );
        full += usize::from(one.is_ok() || other.is_ok());
        for refused in [one, other].into_iter().filter_map(Result::err) {
            assert_eq!(*refused.kind(), ErrorKind::TooManyPods { limit: LIMIT });
        }
        // A refused request leaves nothing, so a later one gets the place, if it is free.
        let left = LIMIT as usize - pods(&platform, &world.ana).await;
        let later = platform.create(&world.ana, &request("Later")).await;
        assert_eq!(usize::from(later.is_ok()), left, "{later:?}");
        assert_eq!(pods(&platform, &world.ana).await, LIMIT as usize);
        if faults.injected().is_none() {
            assert!(full > 0, "one of the two gets in where they don't meet");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_ends_during_a_create_does_not_circumvent_the_limit() {
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        for n in 1.. {
            let (world, platform) = world().await;
            let faults = Faults::at_call(n, fault);
            let parts = world.parts().max_pods(LIMIT);
            let mortal = parts.store(faults.store(world.store.clone()));
            let mortal = mortal
                .billing(faults.billing(world.store.clone()))
                .build()
                .unwrap();
            let lost = request("Lost");
            tokio::select! {
                created = mortal.create(&world.ana, &lost) => drop(created.unwrap()),
                () = faults.crashed() => {}
            }
            // The driver handles the rest of it late.
            for n in 0..LIMIT {
                match platform.create(&world.ana, &request(&format!("Pod {n}"))).await {
                    Err(error) if *error.kind() == (ErrorKind::TooManyPods { limit: LIMIT }) => {}
                    created => drop(created.unwrap()),
                }
            }
            let _driver = Driver::start(&platform);
            sleep(Duration::from_mins(1)).await;
            assert_eq!(
                pods(&platform, &world.ana).await,
                LIMIT as usize,
                "{fault:?} at the {n}th call, {:?}",
                faults.injected()
            );
            let held = world
                .store
                .list(&neuropod::store::ListOptions::default())
                .await
                .unwrap();
            assert_eq!(held.pods.len(), LIMIT as usize);
            if faults.injected().is_none() {
                break;
            }
        }
    }
}
