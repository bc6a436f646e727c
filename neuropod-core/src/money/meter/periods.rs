//! How the periods of a meter begin and end.

use jiff::{SignedDuration, Timestamp};

use super::{
    LONG_PERIOD_SECONDS, MAX_OBSERVATION_AGE_SECONDS, Meter, PERIOD_SECONDS, PendingCharge, Price,
    VOLUME_PERIOD_SECONDS,
};
use crate::cluster::observation::Container;
use crate::money::amount::Money;
use crate::money::billing::{Period, next_day};

/// Clock-skew tolerance: a container may report a start at most this long after we began to observe it, as the calls
/// take time. A later start means that the cluster's clock is ahead. Seconds.
const CLOCK_SKEW_SECONDS: i64 = 60;

/// The time after midnight in which the rest of the day before is charged. Seconds.
const AFTER_MIDNIGHT_SECONDS: i64 = 300;

impl Meter {
    /// When the current period is charged: after its full length, or shortly after midnight (UTC) if that is sooner. Each
    /// charge belongs to one day, so a period that midnight divides is charged in two parts.
    ///
    /// Pods are charged at times of their own, also after midnight: within five minutes, each at a second that follows from
    /// its first period. The first period of a day is shorter: it ends when it would have without midnight. Otherwise all
    /// pods would be charged in the same second.
    pub fn full_at(&self) -> Option<Timestamp> {
        let own = self
            .phase
            .map_or(0, |phase| phase.as_second().rem_euclid(AFTER_MIDNIGHT_SECONDS));
        let end = |from, seconds| self.first_end(from, seconds).min(later(next_day(from), own));
        let running = self.from.map(|from| end(from, self.period_seconds()));
        running.or_else(|| self.volume_from.map(|from| end(from, VOLUME_PERIOD_SECONDS)))
    }

    /// The length of the container's current period in seconds.
    fn period_seconds(&self) -> i64 {
        if self.is_long {
            LONG_PERIOD_SECONDS
        } else {
            PERIOD_SECONDS
        }
    }

    /// Whether a long period has to end now: the price has changed, or a daily cap applies, which is watched by the
    /// minute.
    pub(crate) fn must_split(&self, price: Price, has_cap: bool) -> bool {
        self.is_long && (has_cap || self.price != price)
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
            is_long: false,
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
        let until = self.last_full(from, now, self.period_seconds());
        Self {
            from: Some(until),
            // What costs nothing is not charged, so no charge decides about it.
            is_long: self.is_long || price.hourly == Money::ZERO,
            price,
            ..self.run_charge(from, until)
        }
    }

    /// The meter with the time until `now` as pending charge, in whole seconds; the next period is a short one and has
    /// `price`.
    pub(crate) fn split(self, from: Timestamp, now: Timestamp, price: Price) -> Self {
        let from = self.uncharged_from(from, now);
        let until = later(from, now.duration_since(from).as_secs().max(0));
        Self {
            from: Some(until),
            is_long: false,
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
}

fn later(time: Timestamp, seconds: i64) -> Timestamp {
    time.saturating_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}
