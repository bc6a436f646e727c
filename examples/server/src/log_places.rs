//! Who reads how many logs at a time. A cluster gives only so many for all, and the driver needs some of them to find
//! the tokens of Jupyter servers.
//!
//! What is left is shared fairly. When all places are taken, somebody who reads less than others gets one all the same:
//! the account that follows most logs gives its oldest one back. Administrators have places that nobody else gets.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::StatusCode;
use neuropod::{Actor, UserId};
use tokio_util::sync::CancellationToken;

use crate::contract::failure::Failure;

/// Most logs that are read at a time for one user: some pages with a dialog open.
const MOST_OF_ONE: usize = 8;

/// Who reads how many logs.
#[derive(Debug, Clone)]
pub(crate) struct LogPlaces {
    /// Places for all.
    common: usize,
    /// Places for administrators alone.
    reserved: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    /// The oldest first.
    readers: BTreeMap<u64, Reader>,
}

#[derive(Debug)]
struct Reader {
    user: UserId,
    is_reserved: bool,
    /// `None`: it ends by itself in a moment.
    gives_way: Option<CancellationToken>,
}

/// The right to read one log, until it is dropped or given way.
#[derive(Debug)]
pub(crate) struct LogPlace {
    places: LogPlaces,
    number: u64,
    gives_way: CancellationToken,
}

impl LogPlace {
    /// Is cancelled when somebody else needs the place more.
    pub(crate) fn gives_way(&self) -> CancellationToken {
        self.gives_way.clone()
    }
}

impl LogPlaces {
    /// The places on a cluster that gives so many logs at a time: a quarter stays for the driver, and an eighth for
    /// administrators.
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

    /// A place for this user. One who follows a log, until they have seen enough, gives way to others.
    ///
    /// # Errors
    /// 429 when they read as many logs as one may, and 503 when all places are taken by those who read no more than
    /// they do.
    pub(crate) fn take(&self, actor: &Actor, follows: bool) -> Result<LogPlace, Failure> {
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
    /// Ends what the account with most places follows longest, where that makes it fairer. So nobody takes a place from
    /// those who would then have less than they, and two don't take it from each other in turn.
    fn make_room(&mut self, actor: &Actor) -> bool {
        let mut counts: HashMap<&UserId, usize> = HashMap::new();
        for reader in self.readers.values().filter(|reader| !reader.is_reserved) {
            *counts.entry(&reader.user).or_default() += 1;
        }
        let own = counts.get(&actor.id).copied().unwrap_or_default();
        // Administrators look into what goes wrong: the last to be shut out.
        let more_than = if actor.is_admin() { 0 } else { own + 1 };
        let yields = self.readers.iter().filter(|(_, reader)| {
            !reader.is_reserved && reader.gives_way.is_some() && reader.user != actor.id
        });
        let count = |user: &UserId| counts.get(user).copied().unwrap_or_default();
        // Of several with as many the one whose log is oldest.
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
        std::iter::from_fn(|| places.take(actor, follows).ok()).collect()
    }

    fn left(held: &[LogPlace]) -> usize {
        held.iter()
            .filter(|place| !place.gives_way.is_cancelled())
            .count()
    }

    #[test]
    fn six_with_eight_logs_each_shut_nobody_out() {
        let places = LogPlaces::new(64);
        let greedy: Vec<_> = (0..6)
            .map(|number| all_of(&places, &Actor::client(format!("greedy {number}")), true))
            .collect();
        assert_eq!(greedy.iter().map(|held| left(held)).sum::<usize>(), places.common);
        let others: Vec<_> = (0..20)
            .map(|number| {
                places
                    .take(&Actor::client(format!("other {number}")), true)
                    .unwrap()
            })
            .collect();
        assert_eq!(left(&others), 20);
        let shares: Vec<_> = greedy.iter().map(|held| left(held)).collect();
        assert_eq!(shares.iter().sum::<usize>() + 20, places.common, "{shares:?}");
        assert!(shares.iter().all(|share| (3..=4).contains(share)), "{shares:?}");
        // They don't get back what others need more.
        let again = Actor::client("greedy 0");
        assert!(all_of(&places, &again, true).len() <= 1);
        assert_eq!(left(&others), 20);
    }

    #[test]
    fn a_place_is_free_again_and_nobody_has_more_than_eight() {
        let places = LogPlaces::new(64);
        let ana = Actor::client("ana");
        let mut held = all_of(&places, &ana, true);
        assert_eq!(held.len(), MOST_OF_ONE);
        assert_eq!(places.take(&ana, false).unwrap_err().code(), "too_many_logs");
        held.pop();
        assert!(places.take(&ana, true).is_ok());
        drop(held);
        assert!(places.taken().readers.is_empty());
    }

    #[test]
    fn administrators_are_never_shut_out_by_those_who_follow() {
        let places = LogPlaces::new(64);
        let clients: Vec<_> = (0..100)
            .filter_map(|number| places.take(&Actor::client(number.to_string()), true).ok())
            .collect();
        assert_eq!(left(&clients), places.common, "one each is fair");
        let stranger = Actor::client("stranger");
        assert_eq!(places.take(&stranger, true).unwrap_err().code(), "too_many_logs");
        let held: Vec<_> = (0..3)
            .map(|number| all_of(&places, &Actor::admin(format!("admin {number}")), true))
            .collect();
        assert!(
            held.iter().all(|own| own.len() == MOST_OF_ONE && left(own) > 0),
            "{held:?}"
        );
        assert!(left(&clients) >= places.common - 2 * MOST_OF_ONE);
        let fourth = places.take(&Actor::admin("admin 3"), true);
        assert!(fourth.is_ok());
    }

    #[test]
    fn what_is_read_once_is_not_broken_off() {
        let places = LogPlaces::new(64);
        let busy: Vec<_> = (0..5)
            .flat_map(|number| all_of(&places, &Actor::client(format!("busy {number}")), false))
            .collect();
        assert_eq!(busy.len(), places.common);
        assert!(places.take(&Actor::client("other"), true).is_err());
        assert_eq!(left(&busy), busy.len());
    }
}
