//! What a pod's running time costs, period by period.
//!
//! One hour is reserved before anything is created. While a container runs, its seconds are charged in short periods,
//! each drawn from the reservation, which is filled again as long as the account can. Every period is written into the
//! record before it is drawn, so that a repetition after a crash draws the same amount under the same key, and of
//! several drivers only one gets to claim it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::cluster::observation::Container;
use crate::id::{PodId, UserId};
use crate::money::amount::Money;
use crate::money::billing::{Details, Draw, Drawn, Hold, Period, next_day};

/// What is reserved: what this long costs. Seconds.
pub const RESERVED_SECONDS: i64 = 3600;
/// How long a period is while the container runs on. Seconds.
pub const PERIOD_SECONDS: i64 = 60;
/// How long a period is while the pod is stopped and only its volume is paid for. Seconds.
pub const VOLUME_PERIOD_SECONDS: i64 = 3600;
/// How late a period that is full may be charged on what was seen: after that the process has stood still. Seconds.
const LATE_SECONDS: i64 = 10;
/// How old what was seen may be in any case when a period is charged on it: by then everything was asked for again, or
/// there was no answer. Seconds.
const OLD_SECONDS: i64 = 7 * 60;
/// How much later than a look began a container may have started that it shows: calls take their time. One that started
/// later still is that of a cluster whose clock is ahead. Seconds.
const LOOK_SECONDS: i64 = 60;
/// With how much time left in the reservation its owner is told, most first, unless the platform is built with other
/// marks. Seconds.
pub const LOW_BALANCE_SECONDS: [i64; 3] = [3600, 900, 300];

/// What is being paid for a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Meter {
    /// Counted up with every reservation, so that each has a key of its own.
    pub hold: u64,
    /// Where the reservation is.
    pub reservation: Reservation,
    /// The price of the period that runs.
    pub price: Price,
    /// The container run that is metered.
    #[serde(default)]
    pub container: Option<String>,
    /// When that started, as the cluster says.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// How much of its time has been charged. Seconds.
    #[serde(default)]
    pub charged_seconds: i64,
    /// From when its time is not charged yet; `None`: no container is metered.
    #[serde(default)]
    pub from: Option<Timestamp>,
    /// From when the volume of the stopped pod is not charged yet.
    #[serde(default)]
    pub volume_from: Option<Timestamp>,
    /// A period that has to be charged; perhaps it is already.
    #[serde(default)]
    pub due: Option<Due>,
    /// Counted up with every charged period.
    pub draws: u64,
    /// What could still be spent after the last draw: what the reservation had, or what a daily cap leaves of it.
    #[serde(default)]
    pub left: Option<Money>,
    /// Whether that is what a daily cap leaves.
    #[serde(default)]
    pub capped: bool,
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
    /// The price per hour while it runs.
    pub hourly: Money,
    /// The price per hour while it is stopped: that of its volume.
    #[serde(default)]
    pub stopped: Money,
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
    /// At which price per hour.
    pub hourly: Money,
    /// The version of the price list.
    pub version: u64,
    /// Whether it is paid from the reservation: what a stopped pod costs is not.
    pub reserved: bool,
}

/// The pod that a charge is for, and who pays.
pub(crate) struct Charged<'a> {
    pub(crate) pod: &'a PodId,
    pub(crate) pod_name: &'a str,
    pub(crate) owner: &'a UserId,
}

impl Meter {
    /// A meter that is to make its first reservation.
    pub fn opening(price: Price) -> Self {
        Self {
            hold: 0,
            reservation: Reservation::Opening,
            price,
            container: None,
            started_at: None,
            charged_seconds: 0,
            from: None,
            volume_from: None,
            due: None,
            draws: 0,
            left: None,
            capped: false,
            charged_until: None,
            seen_at: None,
        }
    }

    /// The reservation to be made.
    pub(crate) fn to_hold(&self, charged: &Charged<'_>) -> Hold {
        let price = self.price;
        Hold {
            key: self.key(charged.pod),
            user: charged.owner.clone(),
            amount: self.reserved(),
            details: Details {
                pod: Some(charged.pod.clone()),
                pod_name: Some(charged.pod_name.to_owned()),
                price_version: Some(price.version),
                hourly: Some(price.hourly),
                ..Details::default()
            },
        }
    }

    /// The charge of a period, as far as the reservation and the account pay: without caps.
    pub(crate) fn to_draw(&self, due: &Due, charged: &Charged<'_>) -> Draw {
        Draw {
            key: format!("{}:{}", self.key(charged.pod), self.draws),
            user: charged.owner.clone(),
            hold: due.reserved.then(|| self.key(charged.pod)),
            amount: due.amount,
            // Once the container has ended there is no next hour to reserve.
            top_up: if self.from.is_some() {
                self.reserved()
            } else {
                Money::ZERO
            },
            at_most: None,
            daily_cap: None,
            details: Details {
                pod: Some(charged.pod.clone()),
                pod_name: Some(charged.pod_name.to_owned()),
                price_version: Some(due.version),
                hourly: Some(due.hourly),
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
        let metered = self.from.is_some() || self.volume_from.is_some();
        self.reservation == Reservation::None && !metered && self.due.is_none()
    }

    /// When the period that runs is full: after its length, and at the latest at midnight (UTC), so that each is of
    /// one day.
    pub fn full_at(&self) -> Option<Timestamp> {
        let end = |from, seconds| later(from, seconds).min(next_day(from));
        let running = self.from.map(|from| end(from, PERIOD_SECONDS));
        running.or_else(|| self.volume_from.map(|from| end(from, VOLUME_PERIOD_SECONDS)))
    }

    /// Whether what was seen at `seen_at` is too old to charge a container on it, which may have ended long ago; `runs`:
    /// one was seen.
    pub(crate) fn needs_a_look(&self, runs: bool, seen_at: Timestamp, now: Timestamp) -> bool {
        if self.from.is_none() {
            // It is about to be metered, and noted that it runs now.
            let late = later(seen_at, LATE_SECONDS) < now;
            return runs && self.reservation == Reservation::Open && late;
        }
        // Many periods are full when nobody charged them: then what was seen after the first of them may be old as well.
        let stood_still = |full: Timestamp| later(full.max(seen_at), LATE_SECONDS) < now;
        let old = later(seen_at, OLD_SECONDS) < now;
        old || self.full_at().is_some_and(stood_still)
    }

    /// How long what is reserved lasts, after the last draw, in seconds; `None`: nothing was drawn yet, or it is free.
    pub fn seconds_left(&self) -> Option<i64> {
        let (left, hourly) = (self.left?.micros(), self.price.hourly.micros());
        (hourly > 0).then(|| left.saturating_mul(3600) / hourly)
    }

    /// The mark that was passed since `before`, the last of several; `marks` are in seconds, most first. A container
    /// that has ended needs no warning.
    pub fn passed_mark(&self, before: &Self, marks: &[i64]) -> Option<i64> {
        self.from?;
        let left = self.seconds_left()?;
        // Every reservation begins anew.
        let before = before.seconds_left().filter(|_| before.hold == self.hold);
        let had = before.unwrap_or(i64::MAX);
        let mut marks = marks.iter().copied();
        marks.rfind(|mark| left < *mark && had >= *mark)
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
            capped: false,
            ..self
        }
    }

    /// The meter of a container that has started, at the earliest at `earliest`: the cluster has a clock of its own,
    /// and where the two disagree nothing is charged that can't have been. A container that was metered before and
    /// paused (its node was lost and came back) is metered again from now on.
    pub(crate) fn started(
        self,
        container: &Container,
        earliest: Timestamp,
        now: Timestamp,
        price: Price,
    ) -> Self {
        let started = container.started_at.max(earliest).min(later(now, LOOK_SECONDS));
        let from = match self.charged_until {
            // A look that began before the last charge has an older `now`.
            Some(until) if until > started => now.max(until),
            _ => started,
        };
        Self {
            container: Some(container.id.clone()),
            started_at: Some(container.started_at),
            charged_seconds: 0,
            from: Some(from),
            price,
            ..self
        }
    }

    /// From when time until `until` is not charged yet, where `from` may have been written by a process whose clock was
    /// behind: a container is never charged for longer than it has been there. Two clocks that are less apart than what
    /// was seen may be old count as one.
    fn not_charged(&self, from: Timestamp, until: Timestamp) -> Timestamp {
        let started = self.started_at.filter(|started| *started <= until);
        match started {
            Some(started) if later(from, OLD_SECONDS) < until => {
                from.max(later(started, self.charged_seconds).min(until))
            }
            _ => from,
        }
    }

    /// The meter with all full periods due; the next one runs on at `price`.
    pub(crate) fn full(self, from: Timestamp, now: Timestamp, price: Price) -> Self {
        let from = self.not_charged(from, now);
        let until = last_full(from, now, PERIOD_SECONDS);
        Self {
            from: Some(until),
            price,
            ..self.due(from, until)
        }
    }

    /// The meter of a container that ended at `until`; on another day than the period began, its time until midnight
    /// is due first.
    pub(crate) fn ended(self, from: Timestamp, until: Timestamp) -> Self {
        let from = self.not_charged(from, until);
        let midnight = next_day(from);
        if until > midnight {
            return Self {
                from: Some(midnight),
                ..self.due(from, midnight)
            };
        }
        Self {
            container: None,
            from: None,
            ..self.due(from, until.max(from))
        }
    }

    /// The meter of a pod that is stopped now. What ran at all has a volume, which is paid for from then on; the time in
    /// which it was to start again, and did not, is free.
    pub(crate) fn stopped(self, now: Timestamp) -> Self {
        let has_run = self.left.is_some();
        Self {
            volume_from: self
                .charged_until
                .map(|until| if has_run { until } else { until.max(now) }),
            ..self
        }
    }

    /// The meter of a stopped pod with all full periods of its volume due; the next one costs `price`.
    pub(crate) fn volume_full(self, from: Timestamp, now: Timestamp, price: Price) -> Self {
        let until = last_full(from, now, VOLUME_PERIOD_SECONDS);
        Self {
            volume_from: Some(until),
            price,
            ..self.volume_due(from, until)
        }
    }

    /// The meter of a pod that is stopped no more, with what its volume still costs due.
    pub(crate) fn volume_ended(self, from: Timestamp, now: Timestamp) -> Self {
        let midnight = next_day(from);
        if now > midnight {
            return Self {
                volume_from: Some(midnight),
                ..self.volume_due(from, midnight)
            };
        }
        Self {
            volume_from: None,
            ..self.volume_due(from, now.max(from))
        }
    }

    fn due(self, from: Timestamp, until: Timestamp) -> Self {
        let hourly = self.price.hourly;
        self.charge(from, until, hourly, true)
    }

    fn volume_due(self, from: Timestamp, until: Timestamp) -> Self {
        let hourly = self.price.stopped;
        self.charge(from, until, hourly, false)
    }

    fn charge(self, from: Timestamp, until: Timestamp, hourly: Money, reserved: bool) -> Self {
        let period = Period { from, until };
        let amount = hourly.for_seconds(period.seconds());
        let due = Due {
            period,
            amount,
            hourly,
            version: self.price.version,
            reserved,
        };
        let costs = period.seconds() > 0 && hourly > Money::ZERO;
        let run = if reserved { period.seconds() } else { 0 };
        Self {
            due: costs.then_some(due),
            charged_seconds: self.charged_seconds.saturating_add(run),
            charged_until: Some(until),
            ..self
        }
    }

    /// The meter after a period was charged; `cap_left` is what daily caps leave.
    pub(crate) fn drawn(self, drawn: &Drawn, cap_left: Option<Money>) -> Self {
        let (left, capped) = match (self.due, cap_left) {
            (Some(Due { reserved: true, .. }), Some(cap_left)) if cap_left < drawn.held => {
                (Some(cap_left), true)
            }
            (Some(Due { reserved: true, .. }), _) => (Some(drawn.held), false),
            _ => (self.left, self.capped),
        };
        Self {
            due: None,
            draws: self.draws + 1,
            left,
            capped,
            ..self
        }
    }

    /// Whether what is left does not pay the next period.
    pub(crate) fn is_used_up(&self) -> bool {
        self.from.is_some() && self.left.is_some_and(|left| left < self.next_period())
    }

    /// What a whole period costs while the pod runs.
    pub(crate) fn next_period(&self) -> Money {
        self.price.hourly.for_seconds(PERIOD_SECONDS)
    }
}

/// The end of the last full period before now, on the day of `from`.
fn last_full(from: Timestamp, now: Timestamp, period: i64) -> Timestamp {
    let midnight = next_day(from);
    if now >= midnight {
        return midnight;
    }
    let periods = now.duration_since(from).as_secs() / period;
    later(from, periods.saturating_mul(period))
}

fn later(time: Timestamp, seconds: i64) -> Timestamp {
    time.saturating_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}
