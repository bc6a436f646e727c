//! People who arrive, are suspended, and leave.

use std::collections::BTreeMap;

use neuropod::cluster::ReasonCode;
use neuropod::money::{AccountKind, BillingExt, EntryKind, OpeningCredit};
use neuropod::sim::Settings;
use neuropod::store::UserStore;
use neuropod::user::{User, opening_key};
use neuropod::{
    Actor, Billing, ErrorKind, Money, Platform, PodId, PodStore, PriceList, Role, Status, UserId,
};

use crate::common::{Driver, World, eventually, request, until_status};

pub(crate) fn user(id: &str, role: Role) -> User {
    User {
        id: UserId::new(id),
        email: format!("{id}@example.com"),
        name: id.to_uppercase(),
        role,
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

/// Registers Ana, with two pods of which the second one runs.
async fn two_pods_of_ana(world: &World, platform: &Platform) -> Vec<PodId> {
    platform.register(&user("ana", Role::Client)).await.unwrap();
    let mut pods = Vec::new();
    for name in ["One", "Two"] {
        pods.push(platform.create(&world.ana, &request(name)).await.unwrap().id);
    }
    until_status(platform, &world.ana, &pods[1], Status::Running).await;
    pods
}

#[tokio::test(start_paused = true)]
async fn a_client_gets_the_opening_credit_once() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let bea = user("bea", Role::Client);
    for _ in 0..3 {
        platform.register(&bea).await.unwrap();
    }
    let balance = world.store.balance(&bea.id).await.unwrap();
    assert_eq!(balance.available, Money::from_cents(1000));
    // A platform with more credit for new clients gives nothing to existing ones.
    let generous = world.parts().opening_credit(Money::from_cents(2000));
    generous.build().unwrap().register(&bea).await.unwrap();
    assert_eq!(world.store.balance(&bea.id).await.unwrap(), balance);
    // Nor does a platform to which somebody came with a migrated balance.
    let zoe = user("zoe", Role::Client);
    world.store.open(&zoe.id, AccountKind::Prepaid).await.unwrap();
    world.store.release(&opening_key(&zoe.id)).await.unwrap();
    platform.register(&zoe).await.unwrap();
    let nothing = world.store.balance(&zoe.id).await.unwrap();
    assert_eq!(nothing.available, Money::ZERO);
    let other = User {
        id: UserId::new("eve"),
        email: "BEA@example.com".into(),
        ..bea
    };
    let error = platform.register(&other).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.context("field")),
        (&ErrorKind::AlreadyExists, Some("email"))
    );

    platform.register(&user("root", Role::Admin)).await.unwrap();
    platform
        .create(&Actor::admin("root"), &request("Free"))
        .await
        .expect("administrators spend without end");
}

#[tokio::test(start_paused = true)]
async fn a_changed_opening_credit_applies_to_later_clients() {
    let world = World::new(Settings::default()).await;
    let (platform, replica) = (world.platform(), world.platform());
    let admin = Actor::admin("root");
    let set = async |enabled, cents| {
        let prices = PriceList {
            opening_credit: Some(OpeningCredit {
                enabled,
                amount: Money::from_cents(cents),
            }),
            ..platform.prices().await.unwrap()
        };
        platform.set_prices(&admin, &prices).await.unwrap();
    };
    let comes = async |id: &str| {
        replica.register(&user(id, Role::Client)).await.unwrap();
        world.store.balance(&UserId::new(id)).await.unwrap().available
    };
    let of_the_builder = OpeningCredit::of(Money::from_cents(1000));
    assert_eq!(platform.opening_credit().await.unwrap(), of_the_builder);
    assert_eq!(comes("before").await, Money::from_cents(1000));
    set(true, 250).await;
    assert_eq!(comes("less").await, Money::from_cents(250));
    set(false, 250).await;
    assert_eq!(comes("nothing").await, Money::ZERO);
    set(true, 500).await;
    // Existing clients get nothing more, whatever their credit was when they came.
    for (id, cents) in [("before", 1000), ("less", 250), ("nothing", 0), ("after", 500)] {
        assert_eq!(comes(id).await, Money::from_cents(cents), "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn administrators_are_not_suspended_deleted_or_given_a_balance() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let (root, other) = (Actor::admin("root"), user("other", Role::Admin));
    platform.register(&other).await.unwrap();
    let refused = [
        platform.suspend(&root, &other.id, true).await.map(drop),
        platform.delete_user(&root, &other.id).await,
        platform
            .set_balance(&root, &other.id, Money::from_cents(5), "key")
            .await,
    ];
    for refused in refused {
        let error = refused.unwrap_err();
        assert_eq!(
            (error.kind(), error.context("user")),
            (&ErrorKind::InvalidState, Some("administrator"))
        );
    }
    let still = world.store.user(&other.id).await.unwrap().unwrap();
    assert!(!still.suspended);
    assert_eq!(world.store.all_entries(&other.id).await.unwrap(), []);
    // Somebody suspended before they became one is no longer suspended.
    platform.suspend(&root, &other.id, false).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn all_pods_of_a_user_are_stopped_and_can_be_restarted() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pods = two_pods_of_ana(&world, &platform).await;
    let stranger = platform.stop_all(&Actor::client("eve"), &world.ana.id).await;
    assert_eq!(*stranger.unwrap_err().kind(), ErrorKind::Forbidden);
    platform
        .stop_all(&Actor::admin("root"), &world.ana.id)
        .await
        .unwrap();
    for pod in &pods {
        until_status(&platform, &world.ana, pod, Status::Stopped).await;
    }
    assert!(!world.store.user(&world.ana.id).await.unwrap().unwrap().suspended);
    platform.start(&world.ana, &pods[0]).await.unwrap();
    until_status(&platform, &world.ana, &pods[0], Status::Running).await;
}

#[tokio::test(start_paused = true)]
async fn a_balance_is_set_by_an_adjustment() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let admin = Actor::admin("root");
    for (cents, key) in [(2500, "up"), (0, "down")] {
        platform
            .set_balance(&admin, &world.ana.id, Money::from_cents(cents), key)
            .await
            .unwrap();
        assert_eq!(world.money().await.0, Money::from_cents(cents));
    }
    // The reply to it was lost.
    platform
        .set_balance(&admin, &world.ana.id, Money::from_cents(2500), "up")
        .await
        .unwrap();
    assert_eq!(world.money().await.0, Money::ZERO, "as the later one has it");
    let taken = platform
        .set_balance(&admin, &world.ana.id, Money::from_cents(7), "welcome-ana")
        .await;
    assert_eq!(*taken.unwrap_err().kind(), ErrorKind::Conflict);
    let kinds: Vec<_> = world
        .store
        .all_entries(&world.ana.id)
        .await
        .unwrap()
        .iter()
        .map(|entry| entry.kind)
        .collect();
    assert_eq!(
        kinds,
        [EntryKind::Deposit, EntryKind::Adjustment, EntryKind::Adjustment]
    );
    let error = platform
        .set_balance(&admin, &world.ana.id, Money::from_cents(-1), "debt")
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "balance: amount");
    let refused = platform
        .set_balance(&world.ana, &world.ana.id, Money::from_cents(1), "mine")
        .await;
    assert_eq!(*refused.unwrap_err().kind(), ErrorKind::Forbidden);
}

#[tokio::test(start_paused = true)]
async fn a_suspended_user_has_their_pods_stopped_and_starts_none() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let admin = Actor::admin("root");
    platform.register(&user("ana", Role::Client)).await.unwrap();
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    assert_eq!(
        *platform
            .suspend(&world.ana, &world.ana.id, true)
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::Forbidden
    );
    platform.suspend(&admin, &world.ana.id, true).await.unwrap();
    eventually("nothing runs", async || world.cluster.objects().is_empty()).await;
    let stopped = platform.get(&world.ana, &pod.id).await.unwrap();
    assert_eq!(stopped.status, Status::Stopped);
    assert_eq!(stopped.reason.unwrap().code, ReasonCode::Suspended);
    let started = platform.start(&world.ana, &pod.id).await.unwrap_err();
    assert_eq!(*started.kind(), ErrorKind::Forbidden);
    platform.suspend(&admin, &world.ana.id, false).await.unwrap();
    let free = platform.get(&world.ana, &pod.id).await.unwrap();
    assert_eq!((free.status, free.reason), (Status::Stopped, None));
    platform.start(&world.ana, &pod.id).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_user_leaves_nothing_but_their_ledger() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pods = two_pods_of_ana(&world, &platform).await;
    platform
        .delete_user(&Actor::admin("root"), &world.ana.id)
        .await
        .unwrap();
    eventually("everything of theirs is gone", async || {
        let mut left = 0;
        for id in &pods {
            left += usize::from(world.store.get(id).await.unwrap().is_some());
        }
        left == 0 && world.cluster.objects().is_empty() && world.cluster.volumes().is_empty()
    })
    .await;
    assert_eq!(world.store.user(&world.ana.id).await.unwrap(), None);
    assert!(!world.store.all_entries(&world.ana.id).await.unwrap().is_empty());
    assert_eq!(world.money().await.1, Money::ZERO, "nothing stays held");
}

#[tokio::test(start_paused = true)]
async fn users_with_deceptive_addresses_or_names_are_refused() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let good = user("zoe", Role::Client);
    for (email, name, expected) in [
        ("", "Zoe", "email: required"),
        ("zoe", "Zoe", "email: malformed"),
        ("zoe@exam\u{200b}ple.com", "Zoe", "email: hidden_character"),
        ("zoe@example.com\0", "Zoe", "email: control_character"),
        ("zoe@example.com", " ", "name: required"),
        ("zoe@example.com", "Zoe\u{202e}nimda", "name: hidden_character"),
        ("@", "Z\noe", "email: malformed; name: control_character"),
    ] {
        let wrong = User {
            email: email.into(),
            name: name.into(),
            ..good.clone()
        };
        let error = platform.register(&wrong).await.unwrap_err();
        assert_eq!(error.to_string(), expected, "{email:?} {name:?}");
        assert_eq!(world.store.user(&good.id).await.unwrap(), None);
        // Existing users of an earlier version get the missing parts.
        world.store.insert_user(&wrong).await.unwrap();
        platform.register(&wrong).await.unwrap();
        world.store.remove_user(&wrong.id).await.unwrap();
    }
    platform.register(&good).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_role_and_the_account_go_together() {
    let world = World::new(Settings::default()).await;
    let platform = world.parts().daily_cap(Money::from_cents(500)).build().unwrap();
    let _driver = Driver::start(&platform);
    let root = Actor::admin("root");
    let bea = platform.register(&user("bea", Role::Client)).await.unwrap();
    let balance = async || world.store.balance(&bea.id).await.unwrap();
    let refused = platform
        .set_role(&Actor::client("bea"), &bea.id, Role::Admin)
        .await;
    assert_eq!(*refused.unwrap_err().kind(), ErrorKind::Forbidden);

    // As an administrator she can spend without limit, whatever she had.
    platform
        .set_balance(&root, &bea.id, Money::ZERO, "empty")
        .await
        .unwrap();
    for _ in 0..2 {
        let admin = platform.set_role(&root, &bea.id, Role::Admin).await.unwrap();
        assert_eq!(admin.role, Role::Admin);
    }
    assert_eq!(balance().await.kind, AccountKind::Unlimited);
    let actor = Actor::admin("bea");
    let pod = platform.create(&actor, &request("Big")).await.unwrap();
    until_status(&platform, &actor, &pod.id, Status::Running).await;
    tokio::time::sleep(std::time::Duration::from_hours(2)).await;
    assert!(balance().await.available.is_negative());

    // As a client she owes nothing of that, pays from now on, and has the cap of clients.
    for _ in 0..2 {
        let client = platform.set_role(&root, &bea.id, Role::Client).await.unwrap();
        assert_eq!(client.role, Role::Client);
        let now = balance().await;
        assert_eq!((now.kind, now.available), (AccountKind::Prepaid, Money::ZERO));
    }
    let sum: Money = world
        .store
        .all_entries(&bea.id)
        .await
        .unwrap()
        .iter()
        .map(|entry| entry.amount)
        .sum();
    assert_eq!(sum, balance().await.total(), "the entries are the balance");
    let pod = platform.get(&root, &pod.id).await.unwrap();
    assert_eq!(pod.owner_cap, Some(Money::from_cents(500)));
    let error = platform
        .create(&Actor::client("bea"), &request("Another"))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error.kind(),
            ErrorKind::InsufficientFunds { .. } | ErrorKind::SpendCapReached { .. }
        ),
        "{error}"
    );
}
