//! Limits waiting connections. A connection that waits for a request, or for the rest of one, costs this server
//! something and its peer nothing, so an address may only have a limited number of them.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::limits::household;

/// A connection that has waited for less than this may simply not have been read yet.
const YOUNG: Duration = Duration::from_secs(1);

/// The waiting connections, by address.
///
/// A new connection is never refused; beyond the limit, the one that has waited longest is closed. So nobody is
/// locked out by others who keep connections open at the same address, such as that of a proxy.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    most: Option<usize>,
    waiting: Arc<Mutex<Waits>>,
}

#[derive(Debug, Default)]
struct Waits {
    next: u64,
    by_address: HashMap<IpAddr, BTreeMap<u64, Wait>>,
}

#[derive(Debug)]
struct Wait {
    since: Instant,
    gives_way: CancellationToken,
}

/// A connection. It waits from the beginning.
#[derive(Debug)]
pub(crate) struct Place {
    all: Waiting,
    address: IpAddr,
    /// The number of its current wait; `None` while it is served.
    number: Mutex<Option<u64>>,
    gives_way: CancellationToken,
}

impl Waiting {
    /// Allows this many per address; `None`: no limit.
    pub(crate) fn new(most: Option<usize>) -> Self {
        Self {
            most,
            waiting: Arc::default(),
        }
    }

    /// A new connection from this address.
    pub(crate) fn join(&self, address: IpAddr) -> Place {
        let place = Place {
            all: self.clone(),
            address: household(address),
            number: Mutex::new(None),
            gives_way: CancellationToken::new(),
        };
        place.wait();
        place
    }

    /// Makes room when there are too many connections in all: the address with most loses one. Returns `false`
    /// if none waits.
    pub(crate) fn give_way(&self) -> bool {
        let mut state = self.state();
        let most = state.by_address.values_mut().max_by_key(|waits| waits.len());
        let oldest = most.and_then(BTreeMap::pop_first);
        oldest.map(|(_, wait)| wait.gives_way.cancel()).is_some()
    }

    fn state(&self) -> MutexGuard<'_, Waits> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Starts waiting for the next request.
    pub(crate) fn wait(&self) {
        self.serve();
        let mut state = self.all.state();
        state.next += 1;
        let number = state.next;
        let waits = state.by_address.entry(self.address).or_default();
        waits.insert(
            number,
            Wait {
                since: Instant::now(),
                gives_way: self.gives_way.clone(),
            },
        );
        while self.all.most.is_some_and(|most| waits.len() > most)
            && let Some(oldest) = waits.first_entry()
            && oldest.get().since.elapsed() >= YOUNG
        {
            oldest.remove().gives_way.cancel();
        }
        drop(state);
        *self.number() = Some(number);
    }

    /// Stops waiting: it has a request.
    pub(crate) fn serve(&self) {
        if let Some(number) = self.number().take() {
            let mut state = self.all.state();
            if let Some(waits) = state.by_address.get_mut(&self.address) {
                waits.remove(&number);
                if waits.is_empty() {
                    state.by_address.remove(&self.address);
                }
            }
        }
    }

    /// The number of its current wait; `None` while it is served.
    pub(crate) fn waits_for(&self) -> Option<u64> {
        *self.number()
    }

    /// Completes when it is to be closed.
    pub(crate) async fn given_way(&self) {
        self.gives_way.cancelled().await;
    }

    fn number(&self) -> MutexGuard<'_, Option<u64>> {
        self.number.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.serve();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[tokio::test(start_paused = true)]
    async fn beyond_the_limit_the_longest_waiting_connection_is_closed() {
        let all = Waiting::new(Some(3));
        let mut places: Vec<_> = (0..3).map(|_| all.join(address(1))).collect();
        let other = all.join(address(2));
        tokio::time::advance(YOUNG).await;
        // It may be served for any time.
        places[0].serve();
        places.push(all.join(address(1)));
        let gone = |places: &[Place]| -> Vec<bool> {
            places
                .iter()
                .map(|place| place.gives_way.is_cancelled())
                .collect()
        };
        assert_eq!(gone(&places), [false; 4]);
        places.push(all.join(address(1)));
        assert_eq!(gone(&places), [false, true, false, false, false]);
        // Now it waits again, as the most recent one.
        places[0].wait();
        assert_eq!(gone(&places), [false, true, true, false, false]);
        assert!(!other.gives_way.is_cancelled());
        assert!(all.give_way() && gone(&places)[3]);
        drop((places, other));
        assert!(!all.give_way() && all.state().by_address.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_of_new_connections_is_not_closed() {
        let all = Waiting::new(Some(3));
        let places: Vec<_> = (0..100).map(|_| all.join(address(1))).collect();
        assert!(places.iter().all(|place| !place.gives_way.is_cancelled()));
        tokio::time::advance(YOUNG).await;
        let last = all.join(address(1));
        let left = places.iter().filter(|place| !place.gives_way.is_cancelled());
        assert_eq!(left.count(), 2);
        assert!(!last.gives_way.is_cancelled());
    }

    #[tokio::test]
    async fn addresses_of_one_network_share_a_limit() {
        let all = Waiting::new(None);
        let one = all.join("2001:db8::1".parse().unwrap());
        let other = all.join("2001:db8::2".parse().unwrap());
        assert_eq!(one.address, other.address);
        assert_eq!(all.state().by_address.len(), 1);
    }
}
