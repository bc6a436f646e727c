//! Many at a time.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::super::{taken, unique};
use super::sample::{pod, user, user_id};
use crate::error::ErrorKind;
use crate::id::PodId;
use crate::store::PodStore;

const WRITERS: u32 = 64;

/// Of many writers that each add one, by trying again after a conflict, none loses what another one added.
pub async fn writers_lose_nothing(store: &Arc<dyn PodStore>) {
    let inserted = store.insert(&pod(&user_id(), "counted")).await.unwrap();
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        writers.spawn(add_one(store.clone(), inserted.id.clone()));
    }
    writers.join_all().await;
    let last = store.get(&inserted.id).await.unwrap().unwrap();
    assert_eq!(last.attempts, WRITERS, "every writer added one, once");
    assert_eq!(
        last.version,
        u64::from(WRITERS) + 1,
        "every change has a version of its own"
    );
}

async fn add_one(store: Arc<dyn PodStore>, id: PodId) {
    // A conflict means that another writer was first; that happens at most once for each of them.
    for _ in 0..WRITERS {
        let mut pod = store.get(&id).await.unwrap().unwrap();
        pod.attempts += 1;
        match store.update(&pod).await {
            Ok(_) => return,
            Err(error) => assert_eq!(
                *error.kind(),
                ErrorKind::Conflict,
                "an update fails for a conflict only: {error}"
            ),
        }
    }
    panic!("a conflict although no other writer changed the pod");
}

/// Of many inserts with one owner and slug, one wins.
pub async fn one_of_many_inserts_wins(store: &Arc<dyn PodStore>) {
    let owner = user_id();
    let mut writers = JoinSet::new();
    for _ in 0..16 {
        let (store, pod) = (store.clone(), pod(&owner, "wanted"));
        writers.spawn(async move { store.insert(&pod).await });
    }
    let mut winners = 0;
    for result in writers.join_all().await {
        if result.is_ok() {
            winners += 1;
        } else {
            taken(result, "name", "an insert that came late");
        }
    }
    assert_eq!(winners, 1, "one of many inserts with the same slug wins");
}

/// Of many users with one address, one wins.
pub async fn one_of_many_users_wins(store: &Arc<dyn PodStore>) {
    let email = format!("{}@example.com", unique("wanted"));
    let mut writers = JoinSet::new();
    for index in 0..16 {
        let written = if index % 2 == 0 {
            email.clone()
        } else {
            email.to_uppercase()
        };
        let (store, user) = (store.clone(), user(&written));
        writers.spawn(async move { store.insert_user(&user).await });
    }
    let mut winners = 0;
    for result in writers.join_all().await {
        if result.is_ok() {
            winners += 1;
        } else {
            taken(result, "email", "a user who came late");
        }
    }
    assert_eq!(winners, 1, "one of many users with the same address wins");
}
