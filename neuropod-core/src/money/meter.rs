//! Metering: a pod is charged period by period, from a hold on its owner's account.
//!
//! The price of one hour is held before anything is created. While a container runs, its seconds are charged in short
//! periods. Each charge draws from the hold, which is topped up as long as the account can pay. A period is stored in
//! the pod's record as a pending charge before it is drawn. So a repetition after a crash draws the same amount
//! under the same key, and of several drivers only one stores the period.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::cluster::observation::Container;
use crate::id::{PodId, UserId};
use crate::money::amount::Money;
use crate::money::billing::{Details, Draw, Drawn, Hold, Period, next_day};

/// The amount of a hold is the price of this time. Seconds.
pub const HOLD_SECONDS: i64 = 3600;
/// The length of a period while the container runs. Seconds.
pub const PERIOD_SECONDS: i64 = 60;
/// The length of a period while the pod is stopped and only its volume is charged. Seconds.
pub const VOLUME_PERIOD_SECONDS: i64 = 3600;
/// The greatest age of an observation that a period is charged on. It is longer than the interval between full listings
/// of the cluster, so an older observation means that the cluster does not respond. Seconds.
pub(crate) const MAX_OBSERVATION_AGE_SECONDS: i64 = 7 * 60;
/// Clock-skew tolerance: a container may report a start at most this long after we began to observe it, as the calls
/// take time. A later start means that the cluster's clock is ahead. Seconds.
const CLOCK_SKEW_SECONDS: i64 = 60;
/// The default thresholds of the low-balance warning, largest first: the owner is warned when the hold pays for less
/// time than one of them. Seconds.
pub const LOW_BALANCE_SECONDS: [i64; 3] = [3600, 900, 300];

/// The state of a pod's metering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Meter {
    /// Counted up with every hold, so that each has its own key.
    pub hold_number: u64,
    /// The state of the hold.
    pub hold_state: HoldState,
    /// The price of the current period.
    pub price: Price,
    /// The container run that is metered.
    #[serde(default)]
    pub container: Option<String>,
    /// When that container started, as the cluster reports.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// How much of that container's time has been charged. Seconds.
    #[serde(default)]
    pub charged_seconds: i64,
    /// The start of the container's uncharged time; `None`: no container is metered.
    #[serde(default)]
    pub from: Option<Timestamp>,
    /// The start of the uncharged time of the stopped pod's volume; `None`: the volume is not metered.
    #[serde(default)]
    pub volume_from: Option<Timestamp>,
    /// When the first period began: of the container, or of the volume since the pod was stopped. Periods that were cut
    /// short at midnight go on with the phase of the first one. `None`: an earlier version wrote the record.
    #[serde(default)]
    pub phase: Option<Timestamp>,
    /// The pending charge. A crash may have left it here although it was drawn.
    #[serde(default)]
    pub pending: Option<PendingCharge>,
    /// Counted up with every charged period.
    pub draws: u64,
    /// The amount that could still be spent after the last draw: the rest of the hold, or of a daily cap if that is less.
    #[serde(default)]
    pub remaining: Option<Money>,
    /// Whether `remaining` is limited by a daily cap.
    #[serde(default)]
    pub capped: bool,
    /// The end of the last charged period. Nothing before it is charged again.
    #[serde(default)]
    pub charged_until: Option<Timestamp>,
    /// When the metered container was last observed running, as far as the record was written since.
    #[serde(default)]
    pub seen_at: Option<Timestamp>,
}

/// A price per hour, and the version of its price list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Price {
    /// The price per hour while the pod runs.
    pub hourly: Money,
    /// The price per hour while the pod is stopped: that of its volume.
    #[serde(default)]
    pub stopped: Money,
    /// The version of the price list.
    pub version: u64,
}

/// The state of a hold: from `None` to `Opening`, `Open`, `Closing` and back. An unneeded one goes from `Opening` straight
/// to `Closing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HoldState {
    /// There is no hold.
    None,
    /// The driver must place it. A crash may have left this state although it was placed.
    Opening,
    /// It is placed; periods are drawn from it.
    Open,
    /// The driver must release it. A crash may have left this state although it was released.
    Closing,
}

/// A pending charge: a period that must be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingCharge {
    /// The charged time.
    #[serde(flatten)]
    pub period: Period,
    /// The amount to charge.
    pub amount: Money,
    /// The price per hour.
    pub hourly: Money,
    /// The version of the price list.
    pub version: u64,
    /// Whether it is drawn from the hold. The volume of a stopped pod is not.
    pub from_hold: bool,
}

/// The pod that a charge is for, and the owner who pays.
pub(crate) struct Charged<'a> {
    pub(crate) pod: &'a PodId,
    pub(crate) pod_name: &'a str,
    pub(crate) owner: &'a UserId,
}

impl Meter {
    /// A meter that is about to place its first hold.
    pub fn opening(price: Price) -> Self {
        Self {
            hold_number: 0,
            hold_state: HoldState::Opening,
            price,
            container: None,
            started_at: None,
            charged_seconds: 0,
            from: None,
            volume_from: None,
            phase: None,
            pending: None,
            draws: 0,
            remaining: None,
            capped: false,
            charged_until: None,
            seen_at: None,
        }
    }

    /// The hold to place.
    pub(crate) fn to_hold(&self, charged: &Charged<'_>) -> Hold {
        let price = self.price;
        Hold {
            key: self.key(charged.pod),
            user: charged.owner.clone(),
            amount: self.hold_amount(),
            details: Details {
                pod: Some(charged.pod.clone()),
                pod_name: Some(charged.pod_name.to_owned()),
                price_version: Some(price.version),
                hourly: Some(price.hourly),
                ..Details::default()
            },
        }
    }

    /// The draw for a pending charge, without caps.
    pub(crate) fn to_draw(&self, charge: &PendingCharge, charged: &Charged<'_>) -> Draw {
        Draw {
            key: format!("{}:{}", self.key(charged.pod), self.draws),
            user: charged.owner.clone(),
            hold: charge.from_hold.then(|| self.key(charged.pod)),
            amount: charge.amount,
            // A container that has ended needs no further hold.
            top_up: if self.from.is_some() {
                self.hold_amount()
            } else {
                Money::ZERO
            },
            at_most: None,
            daily_cap: None,
            details: Details {
                pod: Some(charged.pod.clone()),
                pod_name: Some(charged.pod_name.to_owned()),
                price_version: Some(charge.version),
                hourly: Some(charge.hourly),
                period: Some(charge.period),
                note: None,
                folded: None,
            },
        }
    }

    /// The key of the hold.
    pub fn key(&self, pod: &PodId) -> String {
        format!("{pod}:{}", self.hold_number)
    }

    /// Whether nothing is held, metered or pending.
    pub fn is_idle(&self) -> bool {
        let metered = self.from.is_some() || self.volume_from.is_some();
        self.hold_state == HoldState::None && !metered && self.pending.is_none()
    }

    /// The end of the current period: after its full length, or at midnight (UTC) if that is sooner, so that each period
    /// belongs to one day. The first period of a day is shorter: it ends when it would have without midnight, because
    /// otherwise all pods would be charged in the same second from then on.
    pub fn full_at(&self) -> Option<Timestamp> {
        let end = |from, seconds| self.first_end(from, seconds).min(next_day(from));
        let running = self.from.map(|from| end(from, PERIOD_SECONDS));
        running.or_else(|| self.volume_from.map(|from| end(from, VOLUME_PERIOD_SECONDS)))
    }

    /// Whether a charge depends on the observation, now or when it starts: a container is metered, or is about to be,
    /// since the observation shows a running one (`runs`).
    pub(crate) fn relies_on_observation(&self, runs: bool) -> bool {
        self.from.is_some() || (runs && self.hold_state == HoldState::Open)
    }

    /// How long the remaining amount lasts after the last draw, in seconds; `None`: nothing was drawn yet, or the pod is
    /// free.
    pub fn remaining_seconds(&self) -> Option<i64> {
        let (remaining, hourly) = (self.remaining?.micros(), self.price.hourly.micros());
        (hourly > 0).then(|| remaining.saturating_mul(3600) / hourly)
    }

    /// The threshold that the remaining time has fallen below since `before`; of several, the smallest. `thresholds` are
    /// in seconds, largest first. `None` once the container has ended, which needs no warning.
    pub fn passed_threshold(&self, before: &Self, thresholds: &[i64]) -> Option<i64> {
        self.from?;
        let remaining = self.remaining_seconds()?;
        // A new hold starts again above all thresholds.
        let before = before
            .remaining_seconds()
            .filter(|_| before.hold_number == self.hold_number);
        let had = before.unwrap_or(i64::MAX);
        let mut thresholds = thresholds.iter().copied();
        thresholds.rfind(|threshold| remaining < *threshold && had >= *threshold)
    }

    /// The end of the period of so many seconds that begins at `from`, as if there were no midnight.
    fn first_end(&self, from: Timestamp, period: i64) -> Timestamp {
        // Whole seconds, as only those are charged.
        let since = self.phase.map_or(0, |phase| from.as_second() - phase.as_second());
        later(from, period - since.rem_euclid(period))
    }

    /// The end of the last full period before `now`, at the latest the midnight after `from`; `from` if there is none.
    fn last_full(&self, from: Timestamp, now: Timestamp, period: i64) -> Timestamp {
        let midnight = next_day(from);
        if now >= midnight {
            return midnight;
        }
        let first = self.first_end(from, period);
        if now < first {
            return from;
        }
        let more = now.duration_since(first).as_secs() / period;
        later(first, more.saturating_mul(period)).min(midnight)
    }

    fn hold_amount(&self) -> Money {
        self.price.hourly.for_seconds(HOLD_SECONDS)
    }

    /// The meter that is about to place a new hold at this price.
    pub(crate) fn open(self, price: Price) -> Self {
        Self {
            hold_number: self.hold_number + 1,
            hold_state: HoldState::Opening,
            price,
            remaining: None,
            capped: false,
            ..self
        }
    }

    /// The meter of a container that has started. The reported start is limited to the range from `earliest` to shortly
    /// after `now`, because the cluster's clock may differ: no impossible time is charged. A container that was metered
    /// before and paused (its node was lost and came back) is metered again from now on.
    pub(crate) fn started(
        self,
        container: &Container,
        earliest: Timestamp,
        now: Timestamp,
        price: Price,
    ) -> Self {
        let started = container
            .started_at
            .max(earliest)
            .min(later(now, CLOCK_SKEW_SECONDS));
        let from = match self.charged_until {
            // `now` is older if the observation began before the last charge.
            Some(until) if until > started => now.max(until),
            _ => started,
        };
        Self {
            container: Some(container.id.clone()),
            started_at: Some(container.started_at),
            charged_seconds: 0,
            from: Some(from),
            phase: Some(from),
            price,
            ..self
        }
    }

    /// The start of the uncharged time before `until`. A process whose clock was behind may have written a `from` that is
    /// too early; it is corrected so that a container is never charged for longer than it has existed. A difference of
    /// clocks below the greatest age of an observation is ignored.
    fn uncharged_from(&self, from: Timestamp, until: Timestamp) -> Timestamp {
        let started = self.started_at.filter(|started| *started <= until);
        match started {
            Some(started) if later(from, MAX_OBSERVATION_AGE_SECONDS) < until => {
                from.max(later(started, self.charged_seconds).min(until))
            }
            _ => from,
        }
    }

    /// The meter with all full periods as pending charge; the next period has `price`.
    pub(crate) fn full(self, from: Timestamp, now: Timestamp, price: Price) -> Self {
        let from = self.uncharged_from(from, now);
        let until = self.last_full(from, now, PERIOD_SECONDS);
        Self {
            from: Some(until),
            price,
            ..self.run_charge(from, until)
        }
    }

    /// The meter of a container that ended at `until`. If that is on a later day than the period began, only the time
    /// until midnight becomes the pending charge, and the rest follows.
    pub(crate) fn ended(self, from: Timestamp, until: Timestamp) -> Self {
        let from = self.uncharged_from(from, until);
        let midnight = next_day(from);
        if until > midnight {
            return Self {
                from: Some(midnight),
                ..self.run_charge(from, midnight)
            };
        }
        Self {
            container: None,
            from: None,
            ..self.run_charge(from, until.max(from))
        }
    }

    /// The meter of a pod that is stopped now. A pod that ever ran has a volume, which is charged from the end of the last
    /// charge on. Time in which a restart was tried without success is free.
    pub(crate) fn stopped(self, now: Timestamp) -> Self {
        let has_run = self.remaining.is_some();
        let volume_from = self
            .charged_until
            .map(|until| if has_run { until } else { until.max(now) });
        Self {
            volume_from,
            phase: volume_from,
            ..self
        }
    }

    /// The meter of a stopped pod with all full periods of its volume as pending charge; the next period has `price`.
    pub(crate) fn volume_full(self, from: Timestamp, now: Timestamp, price: Price) -> Self {
        let until = self.last_full(from, now, VOLUME_PERIOD_SECONDS);
        Self {
            volume_from: Some(until),
            price,
            ..self.volume_charge(from, until)
        }
    }

    /// The meter of a pod that is no longer stopped, with the remaining time of its volume as pending charge.
    pub(crate) fn volume_ended(self, from: Timestamp, now: Timestamp) -> Self {
        let midnight = next_day(from);
        if now > midnight {
            return Self {
                volume_from: Some(midnight),
                ..self.volume_charge(from, midnight)
            };
        }
        Self {
            volume_from: None,
            ..self.volume_charge(from, now.max(from))
        }
    }

    fn run_charge(self, from: Timestamp, until: Timestamp) -> Self {
        let hourly = self.price.hourly;
        self.charge(from, until, hourly, true)
    }

    fn volume_charge(self, from: Timestamp, until: Timestamp) -> Self {
        let hourly = self.price.stopped;
        self.charge(from, until, hourly, false)
    }

    fn charge(self, from: Timestamp, until: Timestamp, hourly: Money, from_hold: bool) -> Self {
        let period = Period { from, until };
        let amount = hourly.for_seconds(period.seconds());
        let charge = PendingCharge {
            period,
            amount,
            hourly,
            version: self.price.version,
            from_hold,
        };
        let costs = period.seconds() > 0 && hourly > Money::ZERO;
        let run = if from_hold { period.seconds() } else { 0 };
        Self {
            pending: costs.then_some(charge),
            charged_seconds: self.charged_seconds.saturating_add(run),
            charged_until: Some(until),
            ..self
        }
    }

    /// The meter after a period was charged. `cap_remaining` is the rest of the daily caps.
    pub(crate) fn drawn(self, drawn: &Drawn, cap_remaining: Option<Money>) -> Self {
        let (remaining, capped) = match (self.pending, cap_remaining) {
            (Some(PendingCharge { from_hold: true, .. }), Some(cap_remaining))
                if cap_remaining < drawn.held =>
            {
                (Some(cap_remaining), true)
            }
            (Some(PendingCharge { from_hold: true, .. }), _) => (Some(drawn.held), false),
            _ => (self.remaining, self.capped),
        };
        Self {
            pending: None,
            draws: self.draws + 1,
            remaining,
            capped,
            ..self
        }
    }

    /// Whether the remaining amount does not pay for the next period.
    pub(crate) fn is_used_up(&self) -> bool {
        self.from.is_some()
            && self
                .remaining
                .is_some_and(|remaining| remaining < self.next_period())
    }

    /// The price of a full period while the pod runs.
    pub(crate) fn next_period(&self) -> Money {
        self.price.hourly.for_seconds(PERIOD_SECONDS)
    }
}

fn later(time: Timestamp, seconds: i64) -> Timestamp {
    time.saturating_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}
