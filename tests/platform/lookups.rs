//! Finding and changing users and templates.

use neuropod::pod::Template;
use neuropod::sim::Settings;
use neuropod::store::{TemplateStore, UserStore};
use neuropod::user::{Identity, User};
use neuropod::{Actor, ErrorKind, Money, Platform, Role, UserId};

use super::users::user;
use crate::common::{World, jupyter_template};

fn root() -> Actor {
    Actor::admin("root")
}

/// Ana and Bea; Bea signs in at an issuer.
async fn two_users(world: &World) -> (Platform, Identity) {
    let platform = world.platform();
    let identity = Identity::new("https://id.example.com", "bea-1");
    let mut bea = user("bea", Role::Client);
    bea.identity = Some(identity.clone());
    for user in [&bea, &user("ana", Role::Client)] {
        platform.register(user).await.unwrap();
    }
    (platform, identity)
}

#[tokio::test(start_paused = true)]
async fn clients_find_themselves_and_administrators_everybody() {
    let world = World::new(Settings::default()).await;
    let (platform, identity) = two_users(&world).await;
    let (ana, bea) = (world.ana.clone(), UserId::new("bea"));
    assert_eq!(platform.user(&ana, &ana.id).await.unwrap().id, ana.id);
    let forbidden = [
        platform.user(&ana, &bea).await.err(),
        platform.users(&ana).await.err(),
        platform.user_by_email(&ana, "ana@example.com").await.err(),
        platform.user_by_identity(&ana, &identity).await.err(),
        platform.update_user(&ana, &ana.id, |_| ()).await.err(),
        platform.close_opening_credit(&ana, &ana.id).await.err(),
    ];
    for error in forbidden {
        assert_eq!(*error.unwrap().kind(), ErrorKind::Forbidden);
    }

    let root = root();
    let all = platform.users(&root).await.unwrap();
    let ids: Vec<_> = all.iter().map(|user| user.id.as_str()).collect();
    assert_eq!(ids, ["ana", "bea"], "by address");
    let found = platform.user_by_email(&root, "BEA@example.com").await.unwrap();
    assert_eq!(found.unwrap().id, bea);
    let found = platform.user_by_identity(&root, &identity).await.unwrap();
    assert_eq!(found.unwrap().id, bea);
    let stranger = Identity::new("https://elsewhere.example.com", "bea-1");
    assert_eq!(platform.user_by_identity(&root, &stranger).await.unwrap(), None);
    let missing = platform.user(&root, &UserId::new("zoe")).await.unwrap_err();
    assert_eq!(*missing.kind(), ErrorKind::NotFound);
}

/// A change of a user.
type Change = fn(&mut User);

#[tokio::test(start_paused = true)]
async fn an_application_changes_who_somebody_is_and_nothing_else() {
    let world = World::new(Settings::default()).await;
    let (platform, identity) = two_users(&world).await;
    let (root, ana) = (root(), world.ana.id.clone());
    let changed = platform.update_user(&root, &ana, |user| {
        user.name = "Ana María".into();
        user.email = "ana.maria@example.com".into();
        user.extra.insert("theme".into(), "dark".into());
    });
    let changed = changed.await.unwrap();
    assert_eq!((changed.name.as_str(), changed.version), ("Ana María", 2));
    assert_eq!(world.store.user(&ana).await.unwrap(), Some(changed.clone()));

    let refused: [(&str, Change); 6] = [
        ("id", |user| user.id = UserId::new("bea")),
        ("role", |user| user.role = Role::Admin),
        ("suspended", |user| user.suspended = true),
        ("deleted", |user| user.deleted = true),
        ("dailyCap", |user| user.daily_cap = Some(Money::ZERO)),
        ("version", |user| user.version += 1),
    ];
    for (field, change) in refused {
        let error = platform.update_user(&root, &ana, change).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.context("field")),
            (&ErrorKind::InvalidState, Some(field))
        );
    }
    let invalid = platform.update_user(&root, &ana, |user| user.email = "nobody".into());
    assert_eq!(invalid.await.unwrap_err().kind().code(), "invalid");
    let taken = |change: fn(&mut User, &Identity)| {
        let identity = identity.clone();
        platform.update_user(&root, &ana, move |user| change(user, &identity))
    };
    let address = taken(|user, _| user.email = "bea@example.com".into())
        .await
        .unwrap_err();
    let same = taken(|user, identity| user.identity = Some(identity.clone()))
        .await
        .unwrap_err();
    for (error, field) in [(address, "email"), (same, "identity")] {
        assert_eq!(
            (error.kind(), error.context("field")),
            (&ErrorKind::AlreadyExists, Some(field))
        );
    }
    assert_eq!(
        world.store.user(&ana).await.unwrap(),
        Some(changed),
        "nothing of it was stored"
    );
}

#[tokio::test(start_paused = true)]
async fn who_had_the_opening_credit_elsewhere_gets_none() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let (root, bea) = (root(), user("bea", Role::Client));
    for _ in 0..2 {
        assert!(platform.close_opening_credit(&root, &bea.id).await.unwrap());
    }
    platform.register(&bea).await.unwrap();
    assert_eq!(
        platform.balance(&root, &bea.id).await.unwrap().available,
        Money::ZERO
    );

    let zoe = user("zoe", Role::Client);
    platform.register(&zoe).await.unwrap();
    assert!(
        !platform.close_opening_credit(&root, &zoe.id).await.unwrap(),
        "it was given"
    );
    assert_eq!(
        platform.balance(&root, &zoe.id).await.unwrap().available,
        Money::from_cents(1000)
    );
}

#[tokio::test(start_paused = true)]
async fn templates_are_listed_by_name_and_found_by_id() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    assert_eq!(platform.templates().await.unwrap(), []);
    let jupyter = world.store.insert_template(&jupyter_template()).await.unwrap();
    let other = Template {
        id: "another".into(),
        name: "another".into(),
        ..jupyter.clone()
    };
    let other = world.store.insert_template(&other).await.unwrap();
    assert_eq!(platform.templates().await.unwrap(), [other, jupyter.clone()]);
    assert_eq!(platform.template(&jupyter.id).await.unwrap(), jupyter);
    let missing = platform.template("zzz").await.unwrap_err();
    assert_eq!(*missing.kind(), ErrorKind::NotFound);
}
