//! Decides which call goes wrong.

use std::fmt;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use rand::{RngExt, SeedableRng};
use tokio::time::Instant;

use super::fault::Fault;

pub(super) enum FaultPlan {
    None,
    At {
        /// The number of calls that the fault still concerns, including the one that goes wrong.
        remaining: usize,
        fault: Fault,
        time: Duration,
        /// Until this time, all of them go wrong.
        until: Option<Instant>,
    },
    Random {
        random: Box<StdRng>,
        per_mille: u32,
    },
}

impl FaultPlan {
    pub(super) fn at_call(n: usize, fault: Fault, time: Duration) -> Self {
        Self::At {
            remaining: n,
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

    /// The fault of the next call, if any.
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
                remaining,
                fault,
                time,
                until,
            } => {
                *remaining = remaining.saturating_sub(1);
                (*remaining == 0).then(|| {
                    *until = Some(Instant::now() + *time);
                    *fault
                })
            }
            Self::Random { random, per_mille } => {
                let goes_wrong = random.random_range(0..1000) < *per_mille;
                let can_happen =
                    |fault: &Fault| fault.concerns(call) && !fault.is_crash() && *fault != Fault::NoMoney;
                let mut faults = Fault::ALL.into_iter().filter(can_happen);
                if goes_wrong {
                    faults.by_ref().choose(random)
                } else {
                    None
                }
            }
        }
    }
}

impl fmt::Debug for FaultPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::At {
                remaining,
                fault,
                time,
                ..
            } => write!(f, "{fault:?} for {time:?}, {remaining} calls to come"),
            Self::Random { per_mille, .. } => write!(f, "{per_mille} of 1000"),
        }
    }
}
