//! Single pods: insert, get, update, remove.

use std::sync::Arc;

use super::sample::{moment, pod, user_id};
use crate::conformance::expect::{failure, taken};
use crate::id::PodId;
use crate::pod::record::{Pod, Status};
use crate::store::traits::PodStore;

/// A pod is stored with version 1, changed with the next, and removed; each call returns the stored pod.
pub async fn insert_get_update_remove(store: &Arc<dyn PodStore>) {
    let pod = Pod {
        version: 99,
        ..pod(&user_id(), "first")
    };
    assert_eq!(
        store.get(&pod.id).await.unwrap(),
        None,
        "nothing was inserted yet"
    );

    let inserted = store.insert(&pod).await.unwrap();
    let expected = Pod { version: 1, ..pod };
    assert_eq!(
        inserted, expected,
        "insert returns the pod as stored, with version 1"
    );
    assert_eq!(
        store.get(&inserted.id).await.unwrap().as_ref(),
        Some(&inserted),
        "get returns what insert returned"
    );

    let changed = Pod {
        status: Status::Running,
        ..inserted
    };
    let updated = store.update(&changed).await.unwrap();
    let expected = Pod {
        version: 2,
        ..changed
    };
    assert_eq!(
        updated, expected,
        "update returns the pod as stored, with the next version"
    );
    assert_eq!(
        store.get(&updated.id).await.unwrap().as_ref(),
        Some(&updated),
        "get returns what update returned"
    );

    store.remove(&updated.id, updated.version).await.unwrap();
    assert_eq!(store.get(&updated.id).await.unwrap(), None, "it was removed");
}

/// Ids are unique among all pods, and slugs among the pods of an owner, whether deleted or not.
pub async fn ids_and_names_are_unique(store: &Arc<dyn PodStore>) {
    let (ana, berta) = (user_id(), user_id());
    let first = store.insert(&pod(&ana, "one")).await.unwrap();

    let same_id = Pod {
        id: first.id.clone(),
        ..pod(&berta, "other")
    };
    taken(store.insert(&same_id).await, "id", "a second pod with this id");
    let same_name = pod(&ana, "one");
    taken(
        store.insert(&same_name).await,
        "name",
        "a second pod of this owner with this slug",
    );
    assert_eq!(
        store.get(&same_name.id).await.unwrap(),
        None,
        "an insert that failed stores nothing"
    );
    assert_eq!(
        store.get(&first.id).await.unwrap(),
        Some(first),
        "an insert that failed changes nothing"
    );
    store
        .insert(&pod(&berta, "one"))
        .await
        .expect("another owner may have the same slug");
}

/// The slug of a removed pod can be used again.
pub async fn a_name_is_free_again(store: &Arc<dyn PodStore>) {
    let owner = user_id();
    let first = store.insert(&pod(&owner, "again")).await.unwrap();
    store.remove(&first.id, first.version).await.unwrap();
    store
        .insert(&pod(&owner, "again"))
        .await
        .expect("the slug of a removed pod is free");
}

/// An outdated version can't change or remove anything.
pub async fn an_old_version_changes_nothing(store: &Arc<dyn PodStore>) {
    let first = store.insert(&pod(&user_id(), "race")).await.unwrap();
    let second = store.update(&first).await.unwrap();

    for (version, which) in [
        (first.version, "an old"),
        (second.version + 1, "a future"),
        (0, "no"),
    ] {
        let other = Pod {
            version,
            status: Status::Error,
            ..second.clone()
        };
        let error = failure(
            store.update(&other).await,
            "conflict",
            &format!("an update of {which} version"),
        );
        assert!(
            error.is_retryable(),
            "a conflict passes when the pod is read again"
        );
        failure(
            store.remove(&other.id, version).await,
            "conflict",
            &format!("a removal of {which} version"),
        );
    }
    assert_eq!(
        store.get(&second.id).await.unwrap(),
        Some(second),
        "a conflict leaves the pod as it was"
    );
}

/// Owner, slug and creation time can't be updated, because lists and uniqueness depend on them.
pub async fn some_fields_never_change(store: &Arc<dyn PodStore>) {
    let stored = store.insert(&pod(&user_id(), "fixed")).await.unwrap();
    let other_owner = Pod {
        owner: user_id(),
        ..stored.clone()
    };
    let other_slug = Pod {
        slug: "moved".parse().unwrap(),
        ..stored.clone()
    };
    let other_creation = Pod {
        created_at: moment(60),
        ..stored.clone()
    };
    for (changed, field) in [
        (other_owner, "owner"),
        (other_slug, "slug"),
        (other_creation, "createdAt"),
    ] {
        let error = failure(
            store.update(&changed).await,
            "invalid_state",
            &format!("an update with another {field}"),
        );
        assert_eq!(error.context("field"), Some(field), "the error names the field");
    }
    assert_eq!(
        store.get(&stored.id).await.unwrap(),
        Some(stored),
        "an update that failed changes nothing"
    );
}

/// Updating a pod that does not exist fails; removing it succeeds.
pub async fn what_is_gone(store: &Arc<dyn PodStore>) {
    let gone = store.insert(&pod(&user_id(), "gone")).await.unwrap();
    store.remove(&gone.id, gone.version).await.unwrap();
    store
        .remove(&gone.id, gone.version)
        .await
        .expect("to remove a pod twice is fine");
    store
        .remove(&PodId::random(), 1)
        .await
        .expect("to remove a pod that never was is fine");
    failure(
        store.update(&gone).await,
        "not_found",
        "an update of a removed pod",
    );
    assert_eq!(
        store.get(&gone.id).await.unwrap(),
        None,
        "an update brings nothing back"
    );
}
