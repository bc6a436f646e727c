//! Users.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::sample::{HOSTILE, user, user_id};
use crate::conformance::expect::{failure, possible, taken, unique};
use crate::id::Role;
use crate::money::amount::Money;
use crate::store::traits::UserStore;
use crate::user::profile::{Identity, User};

fn address(name: &str) -> String {
    format!("{name}@{}.example", unique("host"))
}

fn identity(subject: &str) -> Identity {
    Identity::new(format!("https://{}.example", unique("issuer")), subject)
}

/// A user is stored with version 1, found by id and by address in any case, changed, and removed.
pub async fn insert_get_update_remove(store: &Arc<dyn UserStore>) {
    let given = User {
        version: 99,
        ..user(&address("Ñandú"))
    };
    let inserted = store.insert_user(&given).await.unwrap();
    let expected = User { version: 1, ..given };
    assert_eq!(
        inserted, expected,
        "insert returns the user as stored, with version 1"
    );

    let changed = User {
        email: address("Berta"),
        name: possible("Berta \0 \"'$.\n"),
        role: Role::Admin,
        identity: Some(identity(&possible("Ñandú \0 $ne"))),
        email_verified: true,
        suspended: true,
        deleted: true,
        daily_cap: Some(Money::from_micros(i64::MAX)),
        extra: extra("https://example.com/b.png"),
        ..inserted.clone()
    };
    let (old, new) = (inserted.email.clone(), changed.email.clone());
    found_in_any_case(store, &inserted).await;
    let updated = store.update_user(&changed).await.unwrap();
    let expected = User {
        version: 2,
        ..changed
    };
    assert_eq!(
        updated, expected,
        "update returns the user as stored, with the next version"
    );
    found_in_any_case(store, &updated).await;
    assert_eq!(
        store.user_by_email(&old).await.unwrap(),
        None,
        "nobody has the old address any more"
    );

    store.remove_user(&updated.id).await.unwrap();
    assert_eq!(store.user(&updated.id).await.unwrap(), None, "they were removed");
    assert_eq!(
        store.user_by_email(&new).await.unwrap(),
        None,
        "their address too"
    );
    store
        .remove_user(&updated.id)
        .await
        .expect("to remove a user twice is fine");
    failure(
        store.update_user(&updated).await,
        "not_found",
        "an update of a removed user",
    );
}

async fn found_in_any_case(store: &Arc<dyn UserStore>, user: &User) {
    assert_eq!(
        store.user(&user.id).await.unwrap().as_ref(),
        Some(user),
        "found by id"
    );
    for email in [
        user.email.clone(),
        user.email.to_lowercase(),
        user.email.to_uppercase(),
    ] {
        assert_eq!(
            store.user_by_email(&email).await.unwrap().as_ref(),
            Some(user),
            "found by the address {email}"
        );
    }
}

/// Ids are unique, and addresses regardless of case; an address keeps its case.
pub async fn ids_and_addresses_are_unique(store: &Arc<dyn UserStore>) {
    let first = store.insert_user(&user(&address("Ana"))).await.unwrap();
    let second = store.insert_user(&user(&address("Berta"))).await.unwrap();

    let same_id = User {
        id: first.id.clone(),
        ..user(&address("other"))
    };
    taken(
        store.insert_user(&same_id).await,
        "id",
        "a second user with this id",
    );
    let same_email = user(&first.email.to_uppercase());
    taken(
        store.insert_user(&same_email).await,
        "email",
        "a second user with this address in another case",
    );
    let moved = User {
        email: first.email.to_uppercase(),
        ..second.clone()
    };
    taken(
        store.update_user(&moved).await,
        "email",
        "a user who takes the address of another",
    );
    assert_eq!(
        store.user(&second.id).await.unwrap(),
        Some(second),
        "an update that failed changes nothing"
    );
    let louder = User {
        email: first.email.to_uppercase(),
        ..first
    };
    let updated = store
        .update_user(&louder)
        .await
        .expect("a user may write their own address in another case");
    assert_eq!(
        updated.email, louder.email,
        "an address is kept as it was written"
    );
}

/// Users are found by issuer and subject, both taken literally.
pub async fn identities_are_unique(store: &Arc<dyn UserStore>) {
    let (ana, other) = (identity("Ana"), identity("Ana"));
    let known = User {
        identity: Some(ana.clone()),
        ..user(&address("Ana"))
    };
    let known = store.insert_user(&known).await.unwrap();
    for _ in 0..2 {
        let nobody = store.insert_user(&user(&address("nobody"))).await;
        nobody.expect("any number of users have no identity");
    }
    let found = store.user_by_identity(&ana).await.unwrap();
    assert_eq!(found.as_ref(), Some(&known), "found by issuer and subject");
    let (issuer, subject) = (&ana.issuer, &ana.subject);
    let nobody = [
        other.clone(),
        Identity::new(issuer, "ana"),
        Identity::new(issuer.to_uppercase(), subject),
        Identity::new(issuer, ""),
        Identity::new("", subject),
        Identity::new(format!("{issuer}{subject}"), ""),
        Identity::new(format!("{issuer}A"), "na"),
        Identity::new(subject, issuer),
    ];
    for identity in &nobody {
        let found = store.user_by_identity(identity).await.unwrap();
        assert!(found.is_none(), "{identity:?} finds {found:?}");
    }

    let second = User {
        identity: Some(ana.clone()),
        ..user(&address("second"))
    };
    taken(
        store.insert_user(&second).await,
        "identity",
        "a second user with this identity",
    );
    let second = store
        .insert_user(&User {
            identity: None,
            ..second
        })
        .await
        .unwrap();
    let claimed = User {
        identity: Some(ana.clone()),
        ..second.clone()
    };
    taken(
        store.update_user(&claimed).await,
        "identity",
        "a user who takes the identity of another",
    );
    let linked = User {
        identity: Some(other.clone()),
        ..second
    };
    let linked = store.update_user(&linked).await.unwrap();
    let found = store.user_by_identity(&other).await.unwrap();
    assert_eq!(found, Some(linked), "found by the identity they have now");
    store.remove_user(&known.id).await.unwrap();
    let found = store.user_by_identity(&ana).await.unwrap();
    assert_eq!(found, None, "a deleted user has no identity");
    let again = User {
        identity: Some(ana),
        ..user(&address("again"))
    };
    let again = store.insert_user(&again).await;
    again.expect("the identity of a removed user is free");
}

/// A removal is remembered until the user is stored again.
pub async fn who_was_removed_is_remembered(store: &Arc<dyn UserStore>) {
    let ana = store.insert_user(&user(&address("Ana"))).await.unwrap();
    let was_removed = async || store.was_removed(&ana.id).await.unwrap();
    assert!(!was_removed().await, "they are there");
    for _ in 0..2 {
        store.remove_user(&ana.id).await.unwrap();
        assert!(was_removed().await, "they were removed");
    }
    store.insert_user(&ana).await.unwrap();
    assert!(!was_removed().await, "they are there again");
    store.remove_user(&ana.id).await.unwrap();
    assert!(was_removed().await, "they were removed again");

    let nobody = user_id();
    store.remove_user(&nobody).await.unwrap();
    assert!(
        !store.was_removed(&nobody).await.unwrap(),
        "nobody with this id was ever stored"
    );
}

/// The address of a removed user, or one with a new address, is free again.
pub async fn an_address_is_free_again(store: &Arc<dyn UserStore>) {
    let first = store.insert_user(&user(&address("Ana"))).await.unwrap();
    let moved = User {
        email: address("moved"),
        ..first.clone()
    };
    store.update_user(&moved).await.unwrap();
    let second = store
        .insert_user(&user(&first.email))
        .await
        .expect("an address that was given up is free");
    store.remove_user(&second.id).await.unwrap();
    store
        .insert_user(&user(&first.email))
        .await
        .expect("the address of a removed user is free");
}

/// An outdated version can't change anything.
pub async fn an_old_version_changes_nothing(store: &Arc<dyn UserStore>) {
    let first = store.insert_user(&user(&address("Ana"))).await.unwrap();
    let second = store.update_user(&first).await.unwrap();
    let stale = User {
        suspended: true,
        ..first
    };
    failure(
        store.update_user(&stale).await,
        "conflict",
        "an update of an old version of a user",
    );
    assert_eq!(
        store.user(&second.id).await.unwrap(),
        Some(second),
        "a conflict leaves the user as they were"
    );
}

/// Users are listed by address, regardless of case.
pub async fn sorted_by_address(store: &Arc<dyn UserStore>) {
    let host = unique("sorted");
    let mut expected = Vec::new();
    for name in ["c", "B", "a", "D"] {
        let email = format!("{name}@{host}.example");
        store.insert_user(&user(&email)).await.unwrap();
        expected.push(email);
    }
    expected.sort_by_key(|email| email.to_lowercase());
    let users = store.users().await.unwrap();
    let ours = users.into_iter().map(|user| user.email);
    let ours: Vec<_> = ours.filter(|email| email.contains(&host)).collect();
    assert_eq!(ours, expected, "users by address in lower case");
}

/// Values that an application may store with a user: every kind, and names that are invalid as field names
/// elsewhere.
fn extra(text: &str) -> BTreeMap<String, Value> {
    let value = json!({
        "text": text, "$set": { "a.b": [null, true, -1, 0.1, u64::MAX, i64::MIN] }, "": {}, text: [],
    });
    BTreeMap::from([
        ("value".to_owned(), value),
        ("$where.".to_owned(), text.into()),
        (text.to_owned(), Value::Null),
    ])
}

/// Search texts are taken literally: neither patterns nor operators.
pub async fn texts_are_no_patterns(store: &Arc<dyn UserStore>) {
    let stored = store.insert_user(&user(&address("pattern"))).await.unwrap();
    for text in &HOSTILE.map(possible) {
        // On a server with other data somebody may really have such an address, but not with this id.
        let found = store.user_by_email(text).await.unwrap();
        assert!(
            found.is_none_or(|found| found.id != stored.id),
            "the address {text:?} finds {}",
            stored.email
        );
        let hostile = User {
            name: text.into(),
            extra: extra(text),
            ..user(&format!("{text}{}", address("hostile")))
        };
        let inserted = store.insert_user(&hostile).await.unwrap();
        let expected = User {
            version: 1,
            ..hostile
        };
        assert_eq!(inserted, expected, "a user full of {text:?} comes back as it was");
        found_in_any_case(store, &expected).await;
        store.remove_user(&expected.id).await.unwrap();
    }
    let underscore = stored.email.replacen("pattern", "p_ttern", 1);
    assert_eq!(
        store.user_by_email(&underscore).await.unwrap(),
        None,
        "`_` in an address stands for no other letter"
    );
    assert_eq!(store.user(&user_id()).await.unwrap(), None, "nobody has a new id");
}
