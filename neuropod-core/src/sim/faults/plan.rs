//! Which call goes wrong.

use std::fmt;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use rand::{RngExt, SeedableRng};
use tokio::time::Instant;

use super::Fault;

pub(super) enum Plan {
    None,
    At {
        /// So many calls that can go wrong so are still to come, with the one that does.
        left: usize,
        fault: Fault,
        time: Duration,
        /// Until when all of them go wrong.
        until: Option<Instant>,
    },
    Random {
        random: Box<StdRng>,
        per_mille: u32,
    },
}

impl Plan {
    pub(super) fn at(n: usize, fault: Fault, time: Duration) -> Self {
        Self::At {
            left: n,
            fault,
            time,
            until: None,
        }
    }

    pub(super) fn random(seed: u64, per_mille: u32) -> Self {
        Self::Random {
            random: Box::new(StdRng::seed_from_u64(seed)),
            per_mille,
        }
    }

    /// What goes wrong with the next call.
    pub(super) fn next(&mut self, call: &str) -> Option<Fault> {
        match self {
            Self::None => None,
            Self::At { fault, .. } if !fault.concerns(call) => None,
            Self::At {
                fault,
                until: Some(until),
                ..
            } => (Instant::now() < *until).then_some(*fault),
            Self::At {
                left,
                fault,
                time,
                until,
            } => {
                *left = left.saturating_sub(1);
                (*left == 0).then(|| {
                    *until = Some(Instant::now() + *time);
                    *fault
                })
            }
            Self::Random { random, per_mille } => {
                let strikes = random.random_range(0..1000) < *per_mille;
                let can =
                    |fault: &Fault| fault.concerns(call) && !fault.is_crash() && *fault != Fault::NoMoney;
                let mut ways = Fault::ALL.into_iter().filter(can);
                if strikes {
                    ways.by_ref().choose(random)
                } else {
                    None
                }
            }
        }
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::At {
                left, fault, time, ..
            } => write!(f, "{fault:?} for {time:?}, {left} calls to come"),
            Self::Random { per_mille, .. } => write!(f, "{per_mille} of 1000"),
        }
    }
}
