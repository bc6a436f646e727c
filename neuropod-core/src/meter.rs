//! What a pod's running time costs, period by period.
//!
//! Money is reserved for a period before it begins and settled when it ends. The amount is written into the record
//! before it is settled, so that a repetition after a crash settles the same amount under the same key.

use jiff::{SignedDuration, Timestamp};
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
    /// The price per hour of this period.
    pub hourly: Money,
    /// Up to when running time has been charged: nothing before it is charged again.
    #[serde(default)]
    pub charged_until: Option<Timestamp>,
    /// When the metered container was last seen running and the record was written.
    #[serde(default)]
    pub seen_at: Option<Timestamp>,
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
            charged_until: None,
            seen_at: None,
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

    /// Whether the next seconds of the container are paid for, or their reservation is on its way.
    pub fn covers(&self) -> bool {
        match self.state {
            MeterState::Reserved | MeterState::Running { .. } => true,
            MeterState::Reserving { from } => from.is_some(),
            MeterState::Closing { next, .. } => next.is_some(),
            MeterState::Idle => false,
        }
    }

    /// When the period that runs is full.
    pub fn full_at(&self) -> Option<Timestamp> {
        match self.state {
            MeterState::Running { from } => Some(
                from.saturating_add(SignedDuration::from_secs(PERIOD_SECONDS))
                    .unwrap_or(Timestamp::MAX),
            ),
            _ => None,
        }
    }

    /// The meter in a new period that has to be reserved, at this price per hour.
    pub(crate) fn reserve(self, hourly: Money, from: Option<Timestamp>) -> Self {
        Self {
            period: self.period + 1,
            hourly,
            state: MeterState::Reserving { from },
            ..self
        }
    }

    /// The reserved meter, running for a container that started at `started`. A container that was metered before
    /// and paused (its node was lost and came back) is metered again from now on.
    pub(crate) fn started(self, started: Timestamp, now: Timestamp) -> Self {
        let metered_before = self.charged_until.is_some_and(|until| until > started);
        let from = if metered_before { now } else { started };
        Self {
            state: MeterState::Running { from },
            ..self
        }
    }

    /// The meter with this period over at `until`; `running_on`: the next one follows at once.
    pub(crate) fn closed(self, until: Timestamp, running_on: bool) -> Self {
        let (amount, charged_until) = match self.state {
            MeterState::Running { from } => {
                // Never less than nothing, never more than was reserved.
                let seconds = until.duration_since(from).as_secs().clamp(0, PERIOD_SECONDS);
                (self.hourly.for_seconds(seconds), Some(until.max(from)))
            }
            _ => (Money::ZERO, self.charged_until),
        };
        let next = running_on.then_some(until);
        Self {
            charged_until,
            state: MeterState::Closing { amount, next },
            ..self
        }
    }

    /// The meter in `state`, in the same period.
    pub(crate) fn with(self, state: MeterState) -> Self {
        Self { state, ..self }
    }
}
