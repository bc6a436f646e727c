//! The audit log, whatever fails; and money that an administrator adds.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use neuropod::cluster::VolumePolicy;
use neuropod::money::EntryKind;
use neuropod::money::billing::EntryOptions;
use neuropod::platform::AuditEvent;
use neuropod::sim::Settings;
use neuropod::sim::faults::{Fault, Faults};
use neuropod::store::MemoryStore;
use neuropod::store::audit::{AuditAction, AuditEntry, AuditLog, AuditOptions, AuditOutcome, AuditTarget};
use neuropod::{Actor, Billing, CreatePod, ErrorKind, Money, Platform, PodOptions, Role, Template, UserId};
use tokio::time::sleep;

use crate::common::World;
use crate::users::user;

const NOTE: &str = "Taller de octubre";

/// A platform with an audit log in its store, an administrator, and a client with 10 EUR.
struct Stage {
    world: World,
    platform: Platform,
    root: Actor,
    bea: Actor,
}

impl Stage {
    async fn new() -> Self {
        let world = World::new(Settings::default()).await;
        let platform = world.parts().audit(world.store.clone()).build().unwrap();
        for user in [user("root", Role::Admin), user("bea", Role::Client)] {
            platform.register(&user).await.unwrap();
        }
        Self {
            world,
            platform,
            root: Actor::admin("root").with_address(Some([203, 0, 113, 7].into())),
            bea: Actor::client("bea"),
        }
    }

    /// A platform whose log has these faults.
    fn with_faults(&self, faults: &Faults) -> Platform {
        let log = faults.audit(self.world.store.clone());
        self.world.parts().audit(log).build().unwrap()
    }

    /// The log, oldest first.
    async fn log(&self) -> Vec<AuditEntry> {
        let page = self.world.store.page(&AuditOptions::default()).await.unwrap();
        page.entries.into_iter().rev().collect()
    }

    async fn available(&self) -> Money {
        self.world.store.balance(&self.bea.id).await.unwrap().available
    }

    async fn credit(&self, platform: &Platform, cents: i64, key: &str) -> neuropod::Result<Money> {
        let amount = Money::from_cents(cents);
        let added = platform.add_credit(&self.root, &self.bea.id, amount, NOTE, key);
        added.await.map(|balance| balance.available)
    }
}

/// A short form of an entry.
fn line(entry: &AuditEntry) -> (AuditAction, &AuditOutcome, Option<&str>, Option<&str>) {
    let change = entry.change.as_ref();
    (
        entry.action,
        &entry.outcome,
        change.and_then(|change| change.before.as_deref()),
        change.and_then(|change| change.after.as_deref()),
    )
}

fn template() -> Template {
    let options = PodOptions::default()
        .with_image("quay.io/jupyter/base-notebook".parse().unwrap())
        .with_disks(10, 10)
        .with_mount_path("/workspace");
    Template::new("t1", "Jupyter", options, jiff::Timestamp::UNIX_EPOCH)
}

#[tokio::test(start_paused = true)]
async fn all_actions_of_an_administrator_are_in_the_log() {
    use AuditAction as Did;
    let stage = Stage::new().await;
    let (platform, root, bea) = (&stage.platform, &stage.root, &stage.bea);
    // Set before there is a pod, because it would change during the table below.
    platform
        .set_balance(root, &bea.id, Money::from_cents(2500), "set")
        .await
        .unwrap();
    stage.credit(platform, 2000, "credit").await.unwrap();
    platform
        .set_daily_cap(root, &bea.id, Some(Money::from_cents(3000)))
        .await
        .unwrap();
    let request = CreatePod::from_image("training", "quay.io/jupyter/base-notebook")
        .gpu("rtx-4050")
        .assign_to("bea@example.com");
    let pod = platform.create(root, &request).await.unwrap();
    platform.restart(root, &pod.id).await.unwrap();
    platform.stop(root, &pod.id).await.unwrap();
    platform.stop(root, &pod.id).await.unwrap_err();
    platform.start(root, &pod.id).await.unwrap();
    platform.delete(root, &pod.id, VolumePolicy::Keep).await.unwrap();
    let mut prices = platform.prices().await.unwrap();
    prices.gpus.insert("rtx-4090".into(), Money::from_cents(300));
    platform.set_prices(root, &prices).await.unwrap();
    platform.set_prices(root, &prices).await.unwrap_err();
    let stored = platform.create_template(root, &template()).await.unwrap();
    let stored = platform.change_template(root, &stored).await.unwrap();
    platform.delete_template(root, &stored).await.unwrap();
    platform.suspend(root, &bea.id, true).await.unwrap();
    platform.suspend(root, &bea.id, false).await.unwrap();
    platform.delete_user(root, &bea.id).await.unwrap();
    platform.delete_user(root, &bea.id).await.unwrap_err();

    let done = || AuditOutcome::Done;
    let refused = |code: &str| AuditOutcome::Refused { code: code.into() };
    let expected = [
        (Did::BalanceSet, done(), Some("10.00"), Some("25.00")),
        (Did::CreditAdded, done(), None, Some("20.00")),
        (Did::DailyCapSet, done(), None, Some("30.00")),
        (Did::PodCreated, done(), None, None),
        (Did::PodRestarted, done(), None, None),
        (Did::PodStopped, done(), None, None),
        (Did::PodStopped, refused("invalid_state"), None, None),
        (Did::PodStarted, done(), None, None),
        (Did::PodDeleted, done(), None, None),
        (
            Did::PricesSet,
            done(),
            Some("rtx-4090 2.50"),
            Some("rtx-4090 3.00"),
        ),
        (Did::PricesSet, refused("conflict"), None, None),
        (Did::TemplateCreated, done(), None, None),
        (Did::TemplateChanged, done(), None, None),
        (Did::TemplateDeleted, done(), None, None),
        (Did::UserSuspended, done(), None, None),
        (Did::UserResumed, done(), None, None),
        (Did::UserDeleted, done(), None, None),
        (Did::UserDeleted, refused("not_found"), None, None),
    ];
    let log = stage.log().await;
    // All of it happened at one moment, and entries of the same moment are in the order of their ids.
    assert_eq!(log.len(), expected.len());
    for (action, outcome, before, after) in &expected {
        let is_it = |entry: &&AuditEntry| line(entry) == (*action, outcome, *before, *after);
        let found: Vec<_> = log.iter().filter(is_it).collect();
        assert_eq!(found.len(), 1, "{action:?} {outcome:?}: {log:#?}");
        let entry = found[0];
        assert_eq!(entry.actor.email.as_deref(), Some("root@example.com"));
        assert_eq!(entry.address, root.address);
        match &entry.target {
            AuditTarget::User(person) => assert_eq!(person.id, bea.id),
            AuditTarget::Pod { id, name, owner } => {
                assert_eq!((id, name.as_str()), (&pod.id, "training"));
                assert_eq!(owner.email.as_deref(), Some("bea@example.com"));
            }
            AuditTarget::Template { name, .. } => assert_eq!(name, "Jupyter"),
            other => assert_eq!(*other, AuditTarget::Prices),
        }
    }
    // The user is gone, but their address still finds the actions on them.
    let options = AuditOptions {
        whom: Some("bea@example.com".into()),
        action: Some(Did::CreditAdded),
        ..AuditOptions::default()
    };
    let found = platform.audit_log(root, &options).await.unwrap();
    assert_eq!(found.entries.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn actions_on_ones_own_pods_are_not_in_the_log() {
    let stage = Stage::new().await;
    for actor in [&stage.bea, &stage.root] {
        let request = CreatePod::from_image("training", "quay.io/jupyter/base-notebook");
        let pod = stage.platform.create(actor, &request).await.unwrap();
        stage.platform.restart(actor, &pod.id).await.unwrap();
        stage.platform.stop(actor, &pod.id).await.unwrap();
        let deleted = stage.platform.delete(actor, &pod.id, VolumePolicy::Delete);
        deleted.await.unwrap();
    }
    assert_eq!(stage.log().await, []);
}

#[tokio::test(start_paused = true)]
async fn refused_requests_of_a_client_are_in_the_log_once_a_minute() {
    let stage = Stage::new().await;
    let (platform, bea) = (&stage.platform, &stage.bea);
    let key = || rand::random::<u64>().to_string();
    for _ in 0..20 {
        let amount = Money::from_cents(100_000);
        let refused = platform.set_balance(bea, &bea.id, amount, &key()).await;
        assert_eq!(*refused.unwrap_err().kind(), ErrorKind::Forbidden);
        platform
            .add_credit(bea, &bea.id, amount, NOTE, &key())
            .await
            .unwrap_err();
    }
    assert_eq!(stage.available().await, Money::from_cents(1000));
    let refused = AuditOutcome::Refused {
        code: "forbidden".into(),
    };
    let log = stage.log().await;
    let mut actions: Vec<_> = log.iter().map(|entry| entry.action).collect();
    actions.sort_unstable();
    assert_eq!(actions, [AuditAction::BalanceSet, AuditAction::CreditAdded]);
    for entry in &log {
        assert_eq!(entry.outcome, refused);
        assert_eq!(entry.actor.email.as_deref(), Some("bea@example.com"));
    }
    sleep(Duration::from_mins(1)).await;
    platform
        .set_balance(bea, &bea.id, Money::ZERO, "k")
        .await
        .unwrap_err();
    assert_eq!(stage.log().await.len(), 3);
    let error = platform
        .audit_log(bea, &AuditOptions::default())
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Forbidden);
}

#[tokio::test(start_paused = true)]
async fn actions_that_can_not_be_recorded_are_not_carried_out() {
    for fault in [
        Fault::ErrorBefore,
        Fault::ErrorAfter,
        Fault::RateLimited,
        Fault::Unexpected,
    ] {
        // The first call is the entry before the change, the second is its result.
        for call in [1, 2] {
            let stage = Stage::new().await;
            let faults = Faults::at_call(call, fault);
            let platform = stage.with_faults(&faults);
            let added = stage.credit(&platform, 500, "key").await;
            assert_eq!(faults.injected(), Some("audit.record"), "{fault:?} at {call}");
            let cents = if call == 1 { 1000 } else { 1500 };
            assert_eq!(
                (added.is_ok(), stage.available().await),
                (call == 2, Money::from_cents(cents)),
                "{fault:?} at {call}"
            );
            let log = stage.log().await;
            assert!(log.len() <= 1, "{fault:?} at {call}: {log:#?}");
            if call == 2 {
                let outcome = &log[0].outcome;
                let known = if fault == Fault::ErrorAfter {
                    AuditOutcome::Done
                } else {
                    AuditOutcome::Pending
                };
                assert_eq!(*outcome, known, "{fault:?}");
            }
            // A repetition with the same key completes everything.
            assert_eq!(
                stage.credit(&platform, 500, "key").await.unwrap(),
                Money::from_cents(1500)
            );
            let log = stage.log().await;
            assert_eq!(log.len(), 1, "{fault:?} at {call}");
            assert_eq!(log[0].outcome, AuditOutcome::Done);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_ends_in_the_middle_leaves_a_pending_entry() {
    let stage = Stage::new().await;
    let faults = Faults::at_call(2, Fault::CrashBefore);
    let platform = stage.with_faults(&faults);
    tokio::select! {
        _ = stage.credit(&platform, 500, "key") => panic!("it has crashed"),
        () = faults.crashed() => {}
    }
    let log = stage.log().await;
    assert_eq!(log.len(), 1);
    assert_eq!(
        (log[0].action, &log[0].outcome),
        (AuditAction::CreditAdded, &AuditOutcome::Pending)
    );
}

#[tokio::test(start_paused = true)]
async fn money_is_added_once_per_key_and_its_owner_sees_the_reason() {
    let stage = Stage::new().await;
    let platform = &stage.platform;
    // A double click, and a later repetition.
    let (one, other) = tokio::join!(
        stage.credit(platform, 2000, "click"),
        stage.credit(platform, 2000, "click")
    );
    assert_eq!(one.unwrap(), Money::from_cents(3000));
    assert_eq!(other.unwrap(), Money::from_cents(3000));
    stage.credit(platform, 2000, "click").await.unwrap();
    assert_eq!(stage.available().await, Money::from_cents(3000));
    let error = stage.credit(platform, 2100, "click").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Conflict);
    assert!(!error.is_retryable());
    stage.credit(platform, 500, "another").await.unwrap();

    let options = EntryOptions::default();
    let entries = platform
        .entries(&stage.bea, &stage.bea.id, &options)
        .await
        .unwrap();
    let credits: Vec<_> = entries
        .iter()
        .filter(|entry| entry.details.note.as_deref() == Some(NOTE))
        .map(|entry| (entry.kind, entry.amount))
        .collect();
    let deposit = |cents| (EntryKind::Deposit, Money::from_cents(cents));
    assert_eq!(credits, [deposit(2000), deposit(500)]);
    let log = stage.log().await;
    let done = log.iter().filter(|entry| entry.outcome == AuditOutcome::Done);
    assert_eq!(done.count(), 2, "{log:#?}");
    assert_eq!(log.len(), 3, "the other amount was refused: {log:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_credit_adds_nothing() {
    let stage = Stage::new().await;
    let long = "n".repeat(201);
    let most = "ñ".repeat(200);
    let cases = [
        (Money::ZERO, NOTE, vec!["amount"]),
        (Money::from_micros(-1), NOTE, vec!["amount"]),
        (Money::from_micros(i64::MAX), NOTE, vec!["amount"]),
        (Money::from_cents(1), "", vec!["note"]),
        (Money::from_cents(1), " \t ", vec!["note"]),
        (Money::from_cents(1), &long, vec!["note"]),
        (Money::from_cents(1), "two\nlines", vec!["note"]),
        (Money::from_cents(1), "NUL \0", vec!["note"]),
        (Money::from_cents(1), "\u{202e}drawkcab", vec!["note"]),
        (Money::from_cents(1), "zero\u{200b}width", vec!["note"]),
        (Money::ZERO, "", vec!["amount", "note"]),
    ];
    for (amount, note, fields) in cases {
        let added = stage
            .platform
            .add_credit(&stage.root, &stage.bea.id, amount, note, "key")
            .await;
        let error = added.unwrap_err();
        let ErrorKind::Invalid(errors) = error.kind() else {
            panic!("{amount} {note:?}: {error}");
        };
        let wrong: Vec<_> = errors.problems().iter().map(|problem| problem.field).collect();
        assert_eq!(wrong, fields, "{amount} {note:?}");
    }
    for (user, kind) in [("root", ErrorKind::InvalidState), ("nobody", ErrorKind::NotFound)] {
        let amount = Money::from_cents(1);
        let user = UserId::new(user);
        let added = stage
            .platform
            .add_credit(&stage.root, &user, amount, NOTE, "key")
            .await;
        assert_eq!(*added.unwrap_err().kind(), kind);
    }
    assert_eq!(stage.available().await, Money::from_cents(1000));
    let balance = stage
        .platform
        .add_credit(&stage.root, &stage.bea.id, Money::from_micros(1), &most, "key")
        .await;
    assert_eq!(balance.unwrap().available, Money::from_micros(10_000_001));
}

#[tokio::test(start_paused = true)]
async fn old_entries_are_deleted() {
    let world = World::new(Settings::default()).await;
    let log = Arc::new(MemoryStore::new());
    let kept = SignedDuration::from_hours(24 * 30);
    let parts = world.parts().audit(log.clone()).audit_kept(kept);
    let platform = parts.build().unwrap();
    let root = Actor::admin("root");
    let note = async || {
        let event = AuditEvent::new(AuditAction::SignedIn);
        platform.audit(&root, event).await.unwrap();
        let page = log.page(&AuditOptions::default()).await.unwrap();
        page.entries.len()
    };
    assert_eq!(note().await, 1);
    sleep(Duration::from_hours(24 * 29)).await;
    assert_eq!(note().await, 2);
    sleep(Duration::from_hours(24 * 2)).await;
    assert_eq!(note().await, 2, "the first one is too old now");
    let parts = world.parts().audit(log).audit_kept(SignedDuration::from_secs(1));
    assert!(parts.build().is_err());
}

#[tokio::test(start_paused = true)]
async fn without_a_log_nothing_is_written_and_everything_works() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let root = Actor::admin("root");
    let bea = user("bea", Role::Client);
    platform.register(&bea).await.unwrap();
    let amount = Money::from_cents(500);
    platform
        .add_credit(&root, &bea.id, amount, NOTE, "key")
        .await
        .unwrap();
    let event = AuditEvent::new(AuditAction::SignedIn);
    platform.audit(&root, event).await.unwrap();
    let error = platform
        .audit_log(&root, &AuditOptions::default())
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unsupported);
}
