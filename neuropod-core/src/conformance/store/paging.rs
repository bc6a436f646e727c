//! Lists of pods: order, filters, pages.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::sample::{moment, pod, user_id};
use crate::cluster::workload::VolumePolicy;
use crate::conformance::expect::failure;
use crate::id::{PodId, UserId};
use crate::pod::record::{Desired, Pod, VolumeDeletion};
use crate::store::traits::{Cursor, ListOptions, MAX_LIMIT, PodStore};

async fn insert_at(store: &Arc<dyn PodStore>, owner: &UserId, slug: &str, seconds: i64) -> Pod {
    let pod = Pod {
        created_at: moment(seconds),
        ..pod(owner, slug)
    };
    store.insert(&pod).await.unwrap()
}

async fn delete(store: &Arc<dyn PodStore>, pod: Pod) -> Pod {
    let deleted = Pod {
        desired: Desired::Deleted {
            volume: VolumePolicy::Keep,
        },
        ..pod
    };
    store.update(&deleted).await.unwrap()
}

fn owned_by(owner: &UserId, limit: u32) -> ListOptions {
    ListOptions {
        owner: Some(owner.clone()),
        limit,
        ..ListOptions::default()
    }
}

/// All pages from `options` on. No page exceeds the limit, and none but the last is shorter.
async fn pages(store: &Arc<dyn PodStore>, mut options: ListOptions) -> Vec<Pod> {
    let mut all = Vec::new();
    loop {
        let page = store.list(&options).await.unwrap();
        let full = page.pods.len() == options.limit as usize;
        assert!(
            full || page.next.is_none() && page.pods.len() < options.limit as usize,
            "a page of at most {} has {} pods, and another one follows: {}",
            options.limit,
            page.pods.len(),
            page.next.is_some()
        );
        assert!(
            page.next.is_none() || !page.pods.is_empty(),
            "an empty page is the last"
        );
        all.extend(page.pods);
        match page.next {
            Some(next) => options.after = Some(next),
            None => return all,
        }
    }
}

fn ids(pods: &[Pod]) -> Vec<&PodId> {
    pods.iter().map(|pod| &pod.id).collect()
}

/// Oldest first, by id at equal times, whatever the order of insertion and the size of the pages.
pub async fn sorted_by_creation_and_id(store: &Arc<dyn PodStore>) {
    let owner = user_id();
    let mut expected = Vec::new();
    for (index, seconds) in [5, 3, 3, -4, 3, 0, 9, 3].into_iter().enumerate() {
        expected.push(insert_at(store, &owner, &format!("pod-{index}"), seconds).await);
    }
    expected.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
    for limit in [1, 2, 3, 4, 7, 8, 9, MAX_LIMIT] {
        let listed = pages(store, owned_by(&owner, limit)).await;
        assert_eq!(
            ids(&listed),
            ids(&expected),
            "in pages of {limit}, by creation and id"
        );
    }
    // Eight pods are one page of eight, without an empty page after it.
    let page = store.list(&owned_by(&owner, 8)).await.unwrap();
    assert_eq!(page.next, None, "the last page says that it is the last");
    // A cursor can be converted to text and back.
    let page = store.list(&owned_by(&owner, 3)).await.unwrap();
    let text = serde_json::to_string(&page.next).unwrap();
    let options = ListOptions {
        after: serde_json::from_str(&text).unwrap(),
        ..owned_by(&owner, 5)
    };
    let rest = store.list(&options).await.unwrap();
    assert_eq!(
        ids(&rest.pods),
        ids(&expected[3..]),
        "a place that was text goes on where it stopped"
    );
}

/// Only the pods of the given owner, and deleted ones only on request; pages are full all the same.
pub async fn filters(store: &Arc<dyn PodStore>) {
    let (ana, berta) = (user_id(), user_id());
    let (mut alive, mut all) = (Vec::new(), Vec::new());
    for index in 0..10 {
        let mut pod = insert_at(store, &ana, &format!("pod-{index}"), index).await;
        insert_at(store, &berta, &format!("pod-{index}"), index).await;
        if index % 3 == 0 {
            pod = delete(store, pod).await;
        } else {
            alive.push(pod.clone());
        }
        all.push(pod);
    }
    for limit in [2, 3, 100] {
        assert_eq!(
            pages(store, owned_by(&ana, limit)).await,
            alive,
            "the pods of the owner, without the deleted, in pages of {limit}"
        );
        let with_deleted = ListOptions {
            include_deleted: true,
            ..owned_by(&ana, limit)
        };
        assert_eq!(
            pages(store, with_deleted).await,
            all,
            "the pods of the owner, with the deleted, in pages of {limit}"
        );
    }
    let nobody = pages(store, owned_by(&user_id(), 10)).await;
    assert!(nobody.is_empty(), "a user without pods has none");
}

/// Pods are found by their slug and by their volume, alone and with the other filters, and counted without the deleted.
pub async fn pods_by_name_and_volume(store: &Arc<dyn PodStore>) {
    let (ana, berta) = (user_id(), user_id());
    let on_volume = async |owner: &UserId, index: i64, volume: &str| {
        let pod = Pod {
            created_at: moment(index),
            volume: volume.to_owned(),
            ..pod(owner, &format!("pod-{index}"))
        };
        store.insert(&pod).await.unwrap()
    };
    let stays = on_volume(&ana, 0, "one").await;
    let deleted = delete(store, on_volume(&ana, 1, "one").await).await;
    let unpaid = Pod {
        desired: Desired::Stopped,
        volume_deletion: Some(VolumeDeletion {
            at: moment(60),
            decided: false,
            done: false,
        }),
        ..on_volume(&ana, 2, "one").await
    };
    let unpaid = store.update(&unpaid).await.unwrap();
    let other = on_volume(&ana, 3, "two").await;
    let hers = on_volume(&berta, 0, "one").await;
    let all = [&stays, &deleted, &unpaid];
    let found = async |options: ListOptions| {
        let owned = ListOptions {
            owner: options.owner.or_else(|| Some(ana.clone())),
            ..options
        };
        let found = pages(store, owned.with_limit(2)).await;
        found.into_iter().map(|pod| pod.id).collect::<Vec<_>>()
    };
    let of_these = |pods: &[&Pod]| pods.iter().map(|pod| pod.id.clone()).collect::<Vec<_>>();
    let any = ListOptions::default;

    let named = any().with_slug(deleted.slug.clone());
    assert_eq!(
        found(named.clone()).await,
        [],
        "a deleted pod has to be asked for"
    );
    assert_eq!(
        found(named.with_deleted()).await,
        of_these(&[&deleted]),
        "by slug"
    );
    let hers_too = any().with_slug(stays.slug.clone()).with_owner(berta.clone());
    assert_eq!(found(hers_too).await, of_these(&[&hers]), "a slug is its owner's");
    let after = Cursor {
        created_at: stays.created_at,
        id: stays.id.clone(),
    };
    let later = any().with_slug(stays.slug.clone()).with_after(after.clone());
    assert_eq!(found(later).await, [], "a slug before the page");

    let on_one = any().with_volume("one");
    assert_eq!(
        found(on_one.clone()).await,
        of_these(&[&stays, &unpaid]),
        "by volume"
    );
    assert_eq!(
        found(on_one.clone().with_deleted()).await,
        of_these(&all),
        "by volume, with the deleted"
    );
    assert_eq!(found(any().with_volume("two")).await, of_these(&[&other]));
    assert_eq!(found(any().with_volume("on")).await, [], "a part of a name");
    let takers = on_one.with_may_take_volume();
    assert_eq!(found(takers.clone()).await, of_these(&[&unpaid]));
    let takers = takers.with_deleted();
    assert_eq!(found(takers.clone()).await, of_these(&[&deleted, &unpaid]));
    let later = takers.with_after(after);
    assert_eq!(
        found(later).await,
        of_these(&[&deleted, &unpaid]),
        "on the next page"
    );

    assert_eq!(
        store.count(&ana).await.unwrap(),
        3,
        "the deleted one does not count"
    );
    assert_eq!(store.count(&berta).await.unwrap(), 1);
    assert_eq!(store.count(&user_id()).await.unwrap(), 0);
}

/// A page has 1 to 1000 pods.
pub async fn limits(store: &Arc<dyn PodStore>) {
    let owner = user_id();
    for limit in [0, MAX_LIMIT + 1, u32::MAX] {
        failure(
            store.list(&owned_by(&owner, limit)).await,
            "invalid",
            &format!("a page of {limit}"),
        );
    }
    for limit in [1, MAX_LIMIT] {
        let page = store.list(&owned_by(&owner, limit)).await.unwrap();
        assert_eq!(page.next, None, "an empty list has one page");
    }
}

/// A reader of several pages sees each pod that existed all the time exactly once, while others are added and
/// removed.
pub async fn pages_while_pods_come_and_go(store: &Arc<dyn PodStore>) {
    let owner = user_id();
    let mut pods = Vec::new();
    for index in 0..30 {
        pods.push(insert_at(store, &owner, &format!("pod-{index}"), index).await);
    }
    let mut options = owned_by(&owner, 10);
    let first = store.list(&options).await.unwrap();
    assert_eq!(ids(&first.pods), ids(&pods[..10]), "the first page");

    // One older than the current cursor, one newer, and one newest; and the pod at the cursor is removed.
    insert_at(store, &owner, "older", -1).await;
    let newest = insert_at(store, &owner, "newest", 1000).await;
    store.remove(&pods[9].id, pods[9].version).await.unwrap();
    store.remove(&pods[15].id, pods[15].version).await.unwrap();
    // Changing a pod does not move it.
    for pod in [&pods[0], &pods[20]] {
        store.update(pod).await.unwrap();
    }

    options.after = first.next;
    let rest = pages(store, options).await;
    let mut expected: Vec<_> = pods[10..].iter().filter(|pod| pod.id != pods[15].id).collect();
    expected.push(&newest);
    let expected: Vec<_> = expected.into_iter().map(|pod| &pod.id).collect();
    assert_eq!(ids(&rest), expected, "the pages after it");

    // A cursor before all pods and one after all pods.
    let before = Cursor {
        created_at: moment(-1000),
        id: PodId::from_bits(0),
    };
    let after = Cursor {
        created_at: moment(2000),
        id: PodId::from_bits(u64::MAX),
    };
    for (place, count) in [(before, 30), (after, 0)] {
        let options = ListOptions {
            after: Some(place),
            ..owned_by(&owner, 1000)
        };
        let page = store.list(&options).await.unwrap();
        assert_eq!(page.pods.len(), count, "after a place of one's own");
    }
}

/// Without a filter the pods of all owners are listed in one order.
pub async fn all_owners(store: &Arc<dyn PodStore>) {
    let mut missing = BTreeSet::new();
    for index in 0..3 {
        missing.insert(insert_at(store, &user_id(), "pod", index).await.id);
    }
    let mut options = ListOptions {
        limit: MAX_LIMIT,
        ..ListOptions::default()
    };
    let mut last = None;
    loop {
        let page = store.list(&options).await.unwrap();
        for pod in page.pods {
            let place = Cursor {
                created_at: pod.created_at,
                id: pod.id.clone(),
            };
            assert!(last.as_ref() < Some(&place), "all pods come in one order");
            last = Some(place);
            missing.remove(&pod.id);
        }
        match page.next {
            Some(next) => options.after = Some(next),
            None => break,
        }
    }
    assert!(missing.is_empty(), "the list of all owners lacks {missing:?}");
}
