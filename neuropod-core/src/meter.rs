//! What a pod's running time costs, period by period.
//!
//! One hour is reserved before anything is created. While a container runs, its seconds are charged in short periods,
//! each drawn from the reservation, which is filled again as long as the account can. Every period is written into the
//! record before it is drawn, so that a repetition after a crash draws the same amount under the same key, and of
//! several drivers only one gets to claim it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::billing::{Details, Draw, Drawn, Hold, Period};
use crate::id::{PodId, UserId};
use crate::money::Money;

/// What is reserved: what this long costs. Seconds.
pub const RESERVED_SECONDS: i64 = 3600;
/// How long a period is while the container runs on. Seconds.
pub const PERIOD_SECONDS: i64 = 60;
/// With how much time left in the reservation its owner is told, most first. Seconds.
pub const LOW_BALANCE_SECONDS: [i64; 3] = [3600, 900, 300];

/// What is being paid for a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Meter {
    /// Counted up with every reservation, so that each has a key of its own.
    pub hold: u64,
    /// Where the reservation is.
    pub reservation: Reservation,
    /// The price of the period that runs.
    pub price: Price,
    /// From when the running container's time is not charged yet; `None`: no container is metered.
    #[serde(default)]
    pub from: Option<Timestamp>,
    /// A period that has to be charged; perhaps it is already.
    #[serde(default)]
    pub due: Option<Due>,
    /// Counted up with every charged period.
    pub draws: u64,
    /// What the reservation had after the last draw.
    #[serde(default)]
    pub left: Option<Money>,
    /// Up to when running time has been charged: nothing before it is charged again.
    #[serde(default)]
    pub charged_until: Option<Timestamp>,
    /// When the metered container was last seen running and the record was written.
    #[serde(default)]
    pub seen_at: Option<Timestamp>,
}

/// A price per hour, and the price list it is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Price {
    /// The price per hour.
    pub hourly: Money,
    /// The version of the price list.
    pub version: u64,
}

/// Where the reservation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reservation {
    /// There is none.
    None,
    /// It has to be made; perhaps it is already.
    Opening,
    /// It is made.
    Open,
    /// It has to be released; perhaps it is already.
    Closing,
}

/// A period that has to be charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// The time.
    #[serde(flatten)]
    pub period: Period,
    /// What it costs.
    pub amount: Money,
    /// At which price.
    pub price: Price,
}

impl Meter {
    /// A meter that is to make its first reservation.
    pub fn opening(price: Price) -> Self {
        Self {
            hold: 0,
            reservation: Reservation::Opening,
            price,
            from: None,
            due: None,
            draws: 0,
            left: None,
            charged_until: None,
            seen_at: None,
        }
    }

    /// The reservation to be made.
    pub fn to_hold(&self, pod: &PodId, owner: &UserId) -> Hold {
        let price = self.price;
        Hold {
            key: self.key(pod),
            user: owner.clone(),
            amount: self.reserved(),
            details: Details {
                pod: Some(pod.clone()),
                price_version: Some(price.version),
                hourly: Some(price.hourly),
                ..Details::default()
            },
        }
    }

    /// The charge of a period.
    pub fn to_draw(&self, due: &Due, pod: &PodId, owner: &UserId) -> Draw {
        Draw {
            key: format!("{}:{}", self.key(pod), self.draws),
            user: owner.clone(),
            hold: Some(self.key(pod)),
            amount: due.amount,
            // Once the container has ended there is no next hour to reserve.
            top_up: if self.from.is_some() {
                self.reserved()
            } else {
                Money::ZERO
            },
            details: Details {
                pod: Some(pod.clone()),
                price_version: Some(due.price.version),
                hourly: Some(due.price.hourly),
                period: Some(due.period),
                note: None,
            },
        }
    }

    /// The key of the reservation.
    pub fn key(&self, pod: &PodId) -> String {
        format!("{pod}:{}", self.hold)
    }

    /// Whether nothing is reserved, metered or due.
    pub fn is_idle(&self) -> bool {
        self.reservation == Reservation::None && self.from.is_none() && self.due.is_none()
    }

    /// When the period that runs is full.
    pub fn full_at(&self) -> Option<Timestamp> {
        self.from.map(|from| later(from, PERIOD_SECONDS))
    }

    /// How long what is reserved lasts, after the last draw, in seconds; `None`: nothing was drawn yet, or it is free.
    pub fn seconds_left(&self) -> Option<i64> {
        let (left, hourly) = (self.left?.micros(), self.price.hourly.micros());
        (hourly > 0).then(|| left.saturating_mul(3600) / hourly)
    }

    /// The mark of [`LOW_BALANCE_SECONDS`] that was passed since `before`, the last of several. A container that has
    /// ended needs no warning.
    pub fn passed_mark(&self, before: &Self) -> Option<i64> {
        self.from?;
        let left = self.seconds_left()?;
        let had = before.seconds_left().unwrap_or(i64::MAX);
        LOW_BALANCE_SECONDS
            .into_iter()
            .rfind(|mark| left < *mark && had >= *mark)
    }

    fn reserved(&self) -> Money {
        self.price.hourly.for_seconds(RESERVED_SECONDS)
    }

    /// The meter that is to make a new reservation at this price.
    pub(crate) fn open(self, price: Price) -> Self {
        Self {
            hold: self.hold + 1,
            reservation: Reservation::Opening,
            price,
            left: None,
            ..self
        }
    }

    /// The meter of a container that started at `started`. One that was metered before and paused (its node was lost
    /// and came back) is metered again from now on.
    pub(crate) fn started(self, started: Timestamp, now: Timestamp, price: Price) -> Self {
        let metered_before = self.charged_until.is_some_and(|until| until > started);
        Self {
            from: Some(if metered_before { now } else { started }),
            price,
            ..self
        }
    }

    /// The meter with all full periods due; the next one runs on at `price`.
    pub(crate) fn full(self, from: Timestamp, now: Timestamp, price: Price) -> Self {
        let periods = now.duration_since(from).as_secs() / PERIOD_SECONDS;
        let until = later(from, periods.saturating_mul(PERIOD_SECONDS));
        Self {
            from: Some(until),
            price,
            ..self.due(from, until)
        }
    }

    /// The meter of a container that ended at `until`.
    pub(crate) fn ended(self, from: Timestamp, until: Timestamp) -> Self {
        Self {
            from: None,
            ..self.due(from, until.max(from))
        }
    }

    fn due(self, from: Timestamp, until: Timestamp) -> Self {
        let period = Period { from, until };
        let amount = self.price.hourly.for_seconds(period.seconds());
        let due = (period.seconds() > 0).then_some(Due {
            period,
            amount,
            price: self.price,
        });
        Self {
            due,
            charged_until: Some(until),
            ..self
        }
    }

    /// The meter after a period was charged.
    pub(crate) fn drawn(self, drawn: &Drawn) -> Self {
        Self {
            due: None,
            draws: self.draws + 1,
            left: Some(drawn.held),
            ..self
        }
    }

    /// Whether what is left does not pay the next period.
    pub(crate) fn is_used_up(&self) -> bool {
        let next = self.price.hourly.for_seconds(PERIOD_SECONDS);
        self.from.is_some() && self.left.is_some_and(|left| left < next)
    }
}

fn later(time: Timestamp, seconds: i64) -> Timestamp {
    time.saturating_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}
