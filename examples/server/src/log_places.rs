//! Limits the logs that are read at the same time. A cluster provides only a limited number of log streams, and
//! the driver needs some of them to find the tokens of Jupyter servers.
//!
//! The rest is shared fairly. When all places are taken, somebody with fewer logs than others still gets one:
//! the account that follows most logs loses its oldest one. Administrators have reserved places.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::StatusCode;
use neuropod::{Actor, UserId};
use tokio_util::sync::CancellationToken;

use crate::contract::failure::Failure;

/// The maximum number of logs read by one user at the same time: some pages with an open dialog.
const MOST_OF_ONE: usize = 8;

/// The log places and their readers.
#[derive(Debug, Clone)]
pub(crate) struct LogPlaces {
    /// The number of places for everybody.
    common: usize,
    /// The number of places reserved for administrators.
    reserved: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    /// Oldest first.
    readers: BTreeMap<u64, Reader>,
}

#[derive(Debug)]
struct Reader {
    user: UserId,
    is_reserved: bool,
    /// `None`: it ends by itself in a moment.
    gives_way: Option<CancellationToken>,
}

/// The right to read one log, until it is dropped or revoked.
#[derive(Debug)]
pub(crate) struct LogPlace {
    places: LogPlaces,
    number: u64,
    gives_way: CancellationToken,
}

impl LogPlace {
    /// Cancelled when somebody else needs the place more.
    pub(crate) fn gives_way(&self) -> CancellationToken {
        self.gives_way.clone()
    }
}

impl LogPlaces {
    /// The places on a cluster with this many log streams: a quarter is left to the driver, and an eighth is
    /// reserved for administrators.
    pub(crate) fn new(log_streams: u32) -> Self {
        let all = log_streams as usize;
        let reserved = all / 8;
        Self {
            common: all - all / 4 - reserved,
            reserved,
            taken: Arc::default(),
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for this user. A followed log gives way to others once it has been read for a while.
    ///
    /// # Errors
    /// 429 if they read the maximum number of logs per user, and 503 if nobody who reads more logs than they do
    /// can give way.
    pub(crate) fn acquire(&self, actor: &Actor, follows: bool) -> Result<LogPlace, Failure> {
        let mut taken = self.taken();
        if taken
            .readers
            .values()
            .filter(|reader| reader.user == actor.id)
            .count()
            >= MOST_OF_ONE
        {
            return Err(Failure::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_logs",
                "Lees demasiados logs a la vez; cierra alguno",
                "You are reading too many logs at once; close some",
            ));
        }
        let reserved = taken.readers.values().filter(|reader| reader.is_reserved).count();
        let is_reserved = actor.is_admin() && reserved < self.reserved;
        let common = taken.readers.len() - reserved;
        if !is_reserved && common >= self.common && !taken.make_room(actor) {
            return Err(Failure::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too_many_logs",
                "Ahora se están leyendo demasiados logs; vuelve a intentarlo",
                "Too many logs are being read now; try again",
            )
            .after(5));
        }
        taken.next += 1;
        let number = taken.next;
        let gives_way = CancellationToken::new();
        let reader = Reader {
            user: actor.id.clone(),
            is_reserved,
            gives_way: follows.then(|| gives_way.clone()),
        };
        taken.readers.insert(number, reader);
        Ok(LogPlace {
            places: self.clone(),
            number,
            gives_way,
        })
    }
}

impl Taken {
    /// Ends the oldest followed log of the account with most places, if that makes the distribution fairer.
    /// Nobody loses a place to somebody who would then have more, so two users can't take it from each other in
    /// turn.
    fn make_room(&mut self, actor: &Actor) -> bool {
        let mut counts: HashMap<&UserId, usize> = HashMap::new();
        for reader in self.readers.values().filter(|reader| !reader.is_reserved) {
            *counts.entry(&reader.user).or_default() += 1;
        }
        let own = counts.get(&actor.id).copied().unwrap_or_default();
        // Administrators investigate problems, so they are refused last.
        let more_than = if actor.is_admin() { 0 } else { own + 1 };
        let yields = self.readers.iter().filter(|(_, reader)| {
            !reader.is_reserved && reader.gives_way.is_some() && reader.user != actor.id
        });
        let count = |user: &UserId| counts.get(user).copied().unwrap_or_default();
        // Among equals, the one whose log is oldest.
        let most = yields
            .filter(|(_, reader)| count(&reader.user) > more_than)
            .max_by(|(one, a), (other, b)| count(&a.user).cmp(&count(&b.user)).then(other.cmp(one)));
        let Some(number) = most.map(|(number, _)| *number) else {
            return false;
        };
        if let Some(gives_way) = self.readers.remove(&number).and_then(|reader| reader.gives_way) {
            gives_way.cancel();
        }
        true
    }
}

impl Drop for LogPlace {
    fn drop(&mut self) {
        self.places.taken().readers.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_of(places: &LogPlaces, actor: &Actor, follows: bool) -> Vec<LogPlace> {
        std::iter::from_fn(|| places.acquire(actor, follows).ok()).collect()
    }

    fn remaining(held: &[LogPlace]) -> usize {
        held.iter()
            .filter(|place| !place.gives_way.is_cancelled())
            .count()
    }

    #[test]
    fn six_users_with_eight_logs_each_lock_nobody_out() {
        let places = LogPlaces::new(64);
        let greedy: Vec<_> = (0..6)
            .map(|number| all_of(&places, &Actor::client(format!("greedy {number}")), true))
            .collect();
        assert_eq!(
            greedy.iter().map(|held| remaining(held)).sum::<usize>(),
            places.common
        );
        let others: Vec<_> = (0..20)
            .map(|number| {
                places
                    .acquire(&Actor::client(format!("other {number}")), true)
                    .unwrap()
            })
            .collect();
        assert_eq!(remaining(&others), 20);
        let shares: Vec<_> = greedy.iter().map(|held| remaining(held)).collect();
        assert_eq!(shares.iter().sum::<usize>() + 20, places.common, "{shares:?}");
        assert!(shares.iter().all(|share| (3..=4).contains(share)), "{shares:?}");
        // They don't get back the places that others need more.
        let again = Actor::client("greedy 0");
        assert!(all_of(&places, &again, true).len() <= 1);
        assert_eq!(remaining(&others), 20);
    }

    #[test]
    fn a_place_is_free_again_and_nobody_has_more_than_eight() {
        let places = LogPlaces::new(64);
        let ana = Actor::client("ana");
        let mut held = all_of(&places, &ana, true);
        assert_eq!(held.len(), MOST_OF_ONE);
        assert_eq!(places.acquire(&ana, false).unwrap_err().code(), "too_many_logs");
        held.pop();
        assert!(places.acquire(&ana, true).is_ok());
        drop(held);
        assert!(places.taken().readers.is_empty());
    }

    #[test]
    fn administrators_are_never_locked_out_by_followed_logs() {
        let places = LogPlaces::new(64);
        let clients: Vec<_> = (0..100)
            .filter_map(|number| places.acquire(&Actor::client(number.to_string()), true).ok())
            .collect();
        assert_eq!(remaining(&clients), places.common, "one each is fair");
        let stranger = Actor::client("stranger");
        assert_eq!(
            places.acquire(&stranger, true).unwrap_err().code(),
            "too_many_logs"
        );
        let held: Vec<_> = (0..3)
            .map(|number| all_of(&places, &Actor::admin(format!("admin {number}")), true))
            .collect();
        assert!(
            held.iter()
                .all(|own| own.len() == MOST_OF_ONE && remaining(own) > 0),
            "{held:?}"
        );
        assert!(remaining(&clients) >= places.common - 2 * MOST_OF_ONE);
        let fourth = places.acquire(&Actor::admin("admin 3"), true);
        assert!(fourth.is_ok());
    }

    #[test]
    fn logs_that_are_not_followed_are_never_interrupted() {
        let places = LogPlaces::new(64);
        let busy: Vec<_> = (0..5)
            .flat_map(|number| all_of(&places, &Actor::client(format!("busy {number}")), false))
            .collect();
        assert_eq!(busy.len(), places.common);
        assert!(places.acquire(&Actor::client("other"), true).is_err());
        assert_eq!(remaining(&busy), busy.len());
    }
}
