//! What a pod's running time costs, period by period.
//!
//! Money is reserved for a period before it begins and settled when it ends. The amount is written into the record
//! before it is settled, so that a repetition after a crash settles the same amount under the same key.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::PodId;
use crate::money::Money;

/// The longest period: what is reserved is what this long costs. Seconds.
pub const PERIOD_SECONDS: i64 = 3600;

/// What is being paid for a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Meter {
    /// Counted up with every period, so that each has a key of its own.
    pub period: u64,
    /// The price per hour of this run.
    pub hourly: Money,
    /// Where the period is.
    pub state: MeterState,
}

/// Where a metering period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum MeterState {
    /// Nothing is reserved.
    Idle,
    /// The reservation has to be made; perhaps it is already.
    Reserving {
        /// From when the period counts, where it follows one that was full.
        from: Option<Timestamp>,
    },
    /// Reserved; the container has not run in this period yet.
    Reserved,
    /// The container runs.
    Running {
        /// Since when this period counts.
        from: Timestamp,
    },
    /// The period is over and has to be settled; perhaps it is already.
    Closing {
        /// What it costs; nothing: the reservation is released.
        amount: Money,
        /// From when the next period counts, where the container runs on.
        next: Option<Timestamp>,
    },
}

impl Meter {
    /// A meter that is to reserve its first period.
    pub fn reserving(hourly: Money) -> Self {
        Self {
            period: 0,
            hourly,
            state: MeterState::Reserving { from: None },
        }
    }

    /// The key under which the money of this period is held and settled.
    pub fn key(&self, pod: &PodId) -> String {
        format!("{pod}:{}", self.period)
    }

    /// What is reserved for a period.
    pub fn amount(&self) -> Money {
        self.hourly.for_seconds(PERIOD_SECONDS)
    }

    /// What the period costs if it ends at `until`: never less than nothing, never more than was reserved.
    pub fn cost(&self, until: Timestamp) -> Money {
        match self.state {
            MeterState::Running { from } => {
                let seconds = until.duration_since(from).as_secs().clamp(0, PERIOD_SECONDS);
                self.hourly.for_seconds(seconds)
            }
            _ => Money::ZERO,
        }
    }

    /// The meter with this period over at `until`; `running_on`: the next one follows at once.
    pub(crate) fn closed(self, until: Timestamp, running_on: bool) -> Self {
        let state = match self.state {
            MeterState::Idle | MeterState::Closing { .. } => self.state,
            _ => MeterState::Closing {
                amount: self.cost(until),
                next: running_on.then_some(until),
            },
        };
        Self { state, ..self }
    }

    /// The meter in `state`, in a period of its own.
    pub(crate) fn next(self, state: MeterState) -> Self {
        Self {
            period: self.period + 1,
            state,
            ..self
        }
    }

    /// The meter in `state`, in the same period.
    pub(crate) fn with(self, state: MeterState) -> Self {
        Self { state, ..self }
    }
}
