//! How many logs are read at a time. A cluster gives only so many for all, and the driver needs some of them to find
//! the tokens of Jupyter servers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::StatusCode;
use neuropod::UserId;

use crate::failure::Failure;

/// Most logs that are read at a time for one user: some pages with a dialog open.
const MOST_OF_ONE: usize = 8;
/// Most logs that are read at a time for all: three quarters of what the backend gives, the rest is for the driver.
const MOST_OF_ALL: usize = 48;

/// Who reads how many logs.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogPlaces(Arc<Mutex<HashMap<UserId, usize>>>);

/// The right to read one log, until it is dropped.
#[derive(Debug)]
pub(crate) struct LogPlace {
    places: LogPlaces,
    user: UserId,
}

impl LogPlaces {
    fn readers(&self) -> MutexGuard<'_, HashMap<UserId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for this user.
    ///
    /// # Errors
    /// 429 when they read as many logs as one may, and 503 when all places are taken by all.
    pub(crate) fn take(&self, user: &UserId) -> Result<LogPlace, Failure> {
        let mut readers = self.readers();
        let all: usize = readers.values().sum();
        let own = readers.get(user).copied().unwrap_or_default();
        if own >= MOST_OF_ONE {
            return Err(Failure::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_logs",
                "Lees demasiados logs a la vez; cierra alguno",
                "You read too many logs at a time; close some",
            ));
        }
        if all >= MOST_OF_ALL {
            return Err(Failure::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too_many_logs",
                "Se leen demasiados logs ahora; vuelve a intentarlo",
                "Too many logs are being read now; try again",
            )
            .after(5));
        }
        *readers.entry(user.clone()).or_default() += 1;
        Ok(LogPlace {
            places: self.clone(),
            user: user.clone(),
        })
    }
}

impl Drop for LogPlace {
    fn drop(&mut self) {
        let mut readers = self.places.readers();
        if let Some(own) = readers.get_mut(&self.user) {
            *own -= 1;
            if *own == 0 {
                readers.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_the_places_of_others_and_some_are_left_for_the_driver() {
        let places = LogPlaces::default();
        let all_of = |user: &str| -> Vec<_> {
            let user = UserId::new(user);
            std::iter::from_fn(|| places.take(&user).ok()).collect()
        };
        let mut ana = all_of("ana");
        assert_eq!(ana.len(), MOST_OF_ONE);
        let berta = all_of("berta");
        assert_eq!(berta.len(), MOST_OF_ONE);
        ana.pop();
        assert!(places.take(&UserId::new("ana")).is_ok());
        let others: Vec<_> = (0..100)
            .map(|number| all_of(&number.to_string()))
            .take_while(|taken| !taken.is_empty())
            .collect();
        let taken = ana.len() + berta.len() + others.iter().map(Vec::len).sum::<usize>();
        assert_eq!(taken, MOST_OF_ALL);
        drop((ana, berta, others));
        assert!(places.readers().is_empty());
    }
}
