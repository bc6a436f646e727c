//! People who are deleted while their requests are in progress: nobody who is gone owns anything.

use std::time::Duration;

use neuropod::cluster::VolumePolicy;
use neuropod::sim::Settings;
use neuropod::sim::faults::{Fault, Faults};
use neuropod::store::{ListOptions, UserStore};
use neuropod::{Actor, Billing, ErrorKind, Money, Platform, PodStore, Role, Status};
use tokio::time::sleep;

use crate::common::{Driver, World, eventually, request, until_status};
use crate::users::user;

/// The delay of a late call.
const MEANWHILE: Duration = Duration::from_secs(5);

fn root() -> Actor {
    Actor::admin("root")
}

/// A world in which Ana is known and has a running pod, and a platform that drives it.
async fn with_a_pod() -> (World, Platform, Driver) {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let driver = Driver::start(&platform);
    platform.register(&user("ana", Role::Client)).await.unwrap();
    let pod = platform.create(&world.ana, &request("First")).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    (world, platform, driver)
}

/// The same platform in another process, with these faults.
fn with_faults(world: &World, faults: &Faults) -> Platform {
    let store = world.store.clone();
    world.platform_on(
        faults.cluster(std::sync::Arc::new(world.cluster.clone())),
        faults.store(store.clone()),
        faults.billing(store),
    )
}

/// Asserts that nothing of Ana's remains, now or later, and that she is gone.
async fn nothing_is_left(world: &World, what: &str) {
    let options = ListOptions {
        include_deleted: true,
        ..ListOptions::default()
    };
    eventually(what, async || {
        world.cluster.objects().is_empty()
            && world.cluster.volumes().is_empty()
            && world.store.list(&options).await.unwrap().pods.is_empty()
            && world.store.user(&world.ana.id).await.unwrap().is_none()
    })
    .await;
    let balance = world.store.balance(&world.ana.id).await.unwrap();
    assert_eq!(balance.held, Money::ZERO, "{what}: nothing stays held");
}

#[tokio::test(start_paused = true)]
async fn a_deletion_comes_between_any_two_calls_of_a_create() {
    for n in 1.. {
        let (world, platform, _driver) = with_a_pod().await;
        let faults = Faults::at_call(n, Fault::Late);
        let slow = with_faults(&world, &faults);
        let second = request("Second");
        let create = slow.create(&world.ana, &second);
        let delete = async {
            sleep(MEANWHILE).await;
            platform.delete_user(&root(), &world.ana.id).await.unwrap();
        };
        let (created, ()) = tokio::join!(create, delete);
        let Some(call) = faults.injected() else {
            assert!(n > 8, "only {n} calls");
            return;
        };
        nothing_is_left(&world, &format!("{call}, the {n}th call, was late: {created:?}")).await;
        sleep(Duration::from_mins(20)).await;
        nothing_is_left(&world, &format!("{call}, the {n}th call, was late, and later")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_comes_between_any_two_calls_of_a_deletion() {
    for n in 1.. {
        let (world, platform, _driver) = with_a_pod().await;
        let faults = Faults::at_call(n, Fault::Late);
        let slow = with_faults(&world, &faults);
        let (root, second) = (root(), request("Second"));
        let delete = slow.delete_user(&root, &world.ana.id);
        let create = async {
            sleep(MEANWHILE).await;
            platform.create(&world.ana, &second).await
        };
        let (deleted, created) = tokio::join!(delete, create);
        deleted.unwrap();
        let injected = faults.injected();
        let call = injected.unwrap_or("nothing");
        nothing_is_left(&world, &format!("{call}, the {n}th call, was late: {created:?}")).await;
        if injected.is_none() {
            assert!(n > 4, "only {n} calls");
            let error = created.unwrap_err();
            assert_eq!(
                (error.kind(), error.context("user")),
                (&ErrorKind::Forbidden, Some("deleted")),
                "after the deletion"
            );
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_ends_during_a_deletion_leaves_nothing_half_deleted() {
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        for n in 1.. {
            let (world, platform, _driver) = with_a_pod().await;
            let faults = Faults::at_call(n, fault);
            let (mortal, administrator) = (with_faults(&world, &faults), root());
            tokio::select! {
                deleted = mortal.delete_user(&administrator, &world.ana.id) => deleted.unwrap(),
                () = faults.crashed() => {}
            }
            let known = world.store.user(&world.ana.id).await.unwrap();
            if known.is_some_and(|known| !known.deleted) {
                // It had not begun.
                platform.delete_user(&root(), &world.ana.id).await.unwrap();
            }
            let what = format!("{fault:?} at the {n}th call, {:?}", faults.injected());
            nothing_is_left(&world, &what).await;
            if faults.injected().is_none() {
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_ends_during_a_create_leaves_nothing_of_a_deleted_user() {
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        for n in 1.. {
            let (world, platform, driver) = with_a_pod().await;
            // Nobody drives until they are deleted, so that the record waits for its money.
            drop(driver);
            let faults = Faults::at_call(n, fault);
            let mortal = with_faults(&world, &faults);
            let second = request("Second");
            tokio::select! {
                created = mortal.create(&world.ana, &second) => drop(created.unwrap()),
                () = faults.crashed() => {}
            }
            platform.delete_user(&root(), &world.ana.id).await.unwrap();
            let _driver = Driver::start(&platform);
            let what = format!("{fault:?} at the {n}th call, {:?}", faults.injected());
            nothing_is_left(&world, &what).await;
            if faults.injected().is_none() {
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_kept_volume_is_deleted_with_its_owner() {
    let (world, platform, driver) = with_a_pod().await;
    let pods = platform.list_all(&world.ana, None).await.unwrap();
    drop(driver);
    platform
        .delete(&world.ana, &pods[0].id, VolumePolicy::Keep)
        .await
        .unwrap();
    platform.delete_user(&root(), &world.ana.id).await.unwrap();
    let _driver = Driver::start(&platform);
    nothing_is_left(&world, "the pod was on its way out").await;
}

#[tokio::test(start_paused = true)]
async fn pods_of_users_unknown_to_the_store_are_the_applications_responsibility() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    sleep(Duration::from_mins(20)).await;
    let pod = platform.get(&world.ana, &pod.id).await.unwrap();
    assert_eq!(pod.status, Status::Running);
}

#[tokio::test(start_paused = true)]
async fn a_returning_user_keeps_their_account_and_gets_nothing_more() {
    let (world, platform, _driver) = with_a_pod().await;
    platform.delete_user(&root(), &world.ana.id).await.unwrap();
    nothing_is_left(&world, "deleted").await;
    let refused = platform.create(&world.ana, &request("Again")).await.unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::Forbidden);
    let before = world.store.balance(&world.ana.id).await.unwrap();
    platform.register(&user("ana", Role::Client)).await.unwrap();
    assert_eq!(
        world.store.balance(&world.ana.id).await.unwrap(),
        before,
        "no second opening credit"
    );
    let pod = platform.create(&world.ana, &request("Again")).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
}
