//! Concurrent calls.

use std::fmt::Debug;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::sample::{pod, user, user_id};
use crate::conformance::expect::{taken, unique};
use crate::error::kind::{ErrorKind, Result};
use crate::id::PodId;
use crate::store::traits::{PodStore, UserStore};
use crate::user::profile::{Identity, User};

const WRITERS: u32 = 64;

/// Of many writers that each add a value, with a retry after a conflict, none overwrites another's.
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

/// The number of attempts per race, because a bug does not show every time.
const RACES: usize = 20;
const RUNNERS: usize = 16;

/// Of many concurrent inserts with one owner and slug, one succeeds.
pub async fn one_of_many_inserts_wins(store: &Arc<dyn PodStore>) {
    for _ in 0..RACES {
        let owner = user_id();
        let mut inserts = JoinSet::new();
        for _ in 0..RUNNERS {
            let (store, pod) = (store.clone(), pod(&owner, "wanted"));
            inserts.spawn(async move { store.insert(&pod).await });
        }
        one_wins(inserts, "name", "a pod that came late").await;
    }
}

/// Of many concurrent users with one address, one succeeds.
pub async fn one_of_many_users_wins(store: &Arc<dyn UserStore>) {
    for _ in 0..RACES {
        let email = format!("{}@example.com", unique("wanted"));
        let mut inserts = JoinSet::new();
        for index in 0..RUNNERS {
            let written = if index % 2 == 0 {
                email.clone()
            } else {
                email.to_uppercase()
            };
            let (store, user) = (store.clone(), user(&written));
            inserts.spawn(async move { store.insert_user(&user).await });
        }
        one_wins(inserts, "email", "a user who came late").await;
    }
}

/// Of many concurrent users with one identity, new and existing, one succeeds.
pub async fn one_of_many_with_an_identity_wins(store: &Arc<dyn UserStore>) {
    for _ in 0..RACES {
        let identity = Identity::new(unique("issuer"), "wanted");
        let mut inserts = JoinSet::new();
        for index in 0..RUNNERS {
            let new = user(&format!("{index}@{}.example", unique("host")));
            let claimed = User {
                identity: Some(identity.clone()),
                ..new.clone()
            };
            let store = store.clone();
            inserts.spawn(async move {
                if index % 2 == 0 {
                    store.insert_user(&claimed).await
                } else {
                    let version = store.insert_user(&new).await?.version;
                    store.update_user(&User { version, ..claimed }).await
                }
            });
        }
        one_wins(inserts, "identity", "a user who came late").await;
    }
}

async fn one_wins<T: Debug + 'static>(inserts: JoinSet<Result<T>>, field: &str, late: &str) {
    let mut winners = 0;
    for result in inserts.join_all().await {
        if result.is_ok() {
            winners += 1;
        } else {
            taken(result, field, late);
        }
    }
    assert_eq!(winners, 1, "one of many inserts with the same {field} wins");
}
