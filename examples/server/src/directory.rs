//! The names and addresses of all users, read at most every few seconds: lists for administrators show them with
//! whatever they list.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use neuropod::{Platform, Result, UserId};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::actor::itself;

/// How long a read result is reused.
const FRESH: Duration = Duration::from_secs(5);
/// How long it is used again where somebody is missing in it: they may be new.
const MISSING: Duration = Duration::from_secs(1);

/// A user, in short.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// The e-mail address.
    pub(crate) email: String,
    /// The name.
    pub(crate) name: String,
}

/// All users, by id.
pub(crate) type People = Arc<HashMap<UserId, Person>>;

/// All users as they were a moment ago.
#[derive(Default)]
pub(crate) struct Directory {
    known: Mutex<Option<(Instant, People)>>,
    #[cfg(test)]
    reads: std::sync::atomic::AtomicUsize,
}

impl Directory {
    /// All users; `needed` are in it if they are in the store.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn get<'a>(
        &self,
        platform: &Platform,
        mut needed: impl Iterator<Item = &'a UserId>,
    ) -> Result<People> {
        let mut known = self.known.lock().await;
        if let Some((at, people)) = &*known {
            let age = at.elapsed();
            if age < MISSING || (age < FRESH && needed.all(|id| people.contains_key(id))) {
                return Ok(Arc::clone(people));
            }
        }
        let person = |user: neuropod::User| {
            let (email, name) = (user.email, user.name);
            (user.id, Person { email, name })
        };
        let people: People = Arc::new(platform.users(&itself()).await?.into_iter().map(person).collect());
        *known = Some((Instant::now(), Arc::clone(&people)));
        #[cfg(test)]
        self.reads.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(people)
    }

    /// How often the store was asked.
    #[cfg(test)]
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(std::sync::atomic::Ordering::Relaxed)
    }
}
