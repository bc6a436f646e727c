//! The standing of an account: its balance, the cost of its pods, and the limit that will be reached first.

use jiff::Timestamp;

use crate::money::amount::Money;
use crate::money::billing::{Balance, start_of_day};
use crate::money::meter::Meter;
use crate::pod::record::Pod;

/// The standing of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// Its balance, as it is booked.
    pub balance: Balance,
    /// The cost of the time since the last charge of each pod, which is not booked yet.
    pub accrued: Money,
    /// The current cost of its pods per hour: of metered pods, and of the volumes of stopped ones.
    pub per_hour: Money,
    /// The cost per hour if all of them ran.
    pub per_hour_if_all_ran: Money,
    /// The limit that will be reached first, if any.
    pub low: Option<Low>,
    /// Whether its user is suspended.
    pub suspended: bool,
    /// The daily cap of its user (UTC).
    pub daily_cap: Option<Money>,
    /// The cost of usage today (UTC), with what has accrued.
    pub spent_today: Money,
}

/// A limit that will be reached soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Low {
    /// Its balance: the first pod stops after this many seconds.
    Balance(i64),
    /// A daily cap of the account or of a pod: the first pod stops after this many seconds.
    DailyCap(i64),
    /// The time until which the volume of a stopped pod is paid for.
    Volume(Timestamp),
}

impl Standing {
    /// How an account stands at `now` with this balance and these pods, when its owner is warned at these thresholds
    /// (seconds, largest first). Assumes a user who is not suspended and has no cap.
    pub fn of<'a>(
        balance: Balance,
        pods: impl IntoIterator<Item = &'a Pod>,
        low_balance_thresholds: &[i64],
        now: Timestamp,
    ) -> Self {
        let midnight = start_of_day(now);
        let mut standing = Self {
            balance,
            accrued: Money::ZERO,
            per_hour: Money::ZERO,
            per_hour_if_all_ran: Money::ZERO,
            low: None,
            suspended: false,
            daily_cap: None,
            spent_today: balance.spent.map_or(Money::ZERO, |spent| spent.at(now)),
        };
        let first_threshold = low_balance_thresholds.first().copied().unwrap_or_default();
        let (mut money, mut volume) = (None::<(i64, bool)>, None::<Timestamp>);
        for pod in pods.into_iter().filter(|pod| !pod.is_deleted()) {
            standing.per_hour += pod.meter.hourly_now();
            standing.per_hour_if_all_ran += pod.price.hourly;
            let accrued = pod.meter.accrued(now);
            standing.accrued += accrued;
            standing.spent_today += accrued - pod.meter.accrued(midnight);
            let remaining = pod.meter.remaining_seconds().zip(pod.meter.from);
            let remaining = remaining.map(|(seconds, from)| {
                let since = now.duration_since(from).as_secs();
                (seconds - since.max(0)).max(0)
            });
            // A restarted container is paid from the remainder of the previous one, until the next charge tops
            // it up.
            let fills_up = !pod.meter.capped && {
                let all = pod.meter.remaining.unwrap_or_default() + balance.available - accrued;
                all >= pod.meter.price.hourly.for_seconds(first_threshold)
            };
            if let Some(remaining) = remaining.filter(|remaining| *remaining < first_threshold && !fills_up) {
                let runs_out = (remaining, pod.meter.capped);
                money = Some(money.map_or(runs_out, |known| known.min(runs_out)));
            }
            if let Some(deletion) = pod.volume_deletion.filter(|deletion| !deletion.decided) {
                volume = Some(volume.map_or(deletion.at, |known| known.min(deletion.at)));
            }
        }
        standing.low = match (money, volume) {
            (Some((remaining, true)), _) => Some(Low::DailyCap(remaining)),
            (Some((remaining, false)), _) => Some(Low::Balance(remaining)),
            (None, volume) => volume.map(Low::Volume),
        };
        standing
    }

    /// The balance with what has accrued: what people are shown.
    pub fn current(&self) -> Balance {
        self.balance.after(self.accrued)
    }
}

impl Meter {
    /// The current charge per hour: for a metered container, or for the volume of a stopped pod.
    pub fn hourly_now(&self) -> Money {
        match (self.from, self.volume_from) {
            (Some(_), _) => self.price.hourly,
            (None, Some(_)) => self.price.stopped,
            (None, None) => Money::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::billing::AccountKind;
    use crate::pod::record::VolumeDeletion;

    const THRESHOLDS: [i64; 2] = [3600, 900];

    fn balance() -> Balance {
        Balance {
            kind: AccountKind::Prepaid,
            available: Money::ZERO,
            held: Money::from_cents(360),
            spent: None,
        }
    }

    fn pod(change: impl FnOnce(&mut Pod)) -> Pod {
        let mut pod = Pod::sample(Timestamp::UNIX_EPOCH);
        pod.price.stopped = Money::from_cents(36);
        pod.meter.price = pod.price;
        change(&mut pod);
        pod
    }

    fn running(remaining: Option<i64>, capped: bool) -> Pod {
        pod(|pod| {
            pod.meter.from = Some(Timestamp::UNIX_EPOCH);
            pod.meter.remaining = remaining.map(|seconds| pod.price.hourly.for_seconds(seconds));
            pod.meter.capped = capped;
        })
    }

    fn at_risk(seconds: i64) -> Pod {
        pod(|pod| {
            let at = Timestamp::from_second(seconds).unwrap();
            pod.volume_deletion = Some(VolumeDeletion {
                at,
                decided: false,
                done: false,
            });
        })
    }

    #[test]
    fn money_that_the_account_can_top_up_does_not_run_out() {
        for (available, capped, low) in [
            (0, false, Some(Low::Balance(3599))),
            (1, false, None),
            (1000, false, None),
            (1000, true, Some(Low::DailyCap(3599))),
        ] {
            let balance = Balance {
                available: Money::from_cents(available),
                ..balance()
            };
            let pods = [running(Some(3599), capped)];
            assert_eq!(
                Standing::of(balance, &pods, &THRESHOLDS, Timestamp::UNIX_EPOCH).low,
                low,
                "{available} {capped}"
            );
        }
    }

    #[test]
    fn the_current_rate_and_the_rate_if_all_pods_ran() {
        let creating = pod(|_| {});
        let stopped = pod(|pod| pod.meter.volume_from = Some(Timestamp::UNIX_EPOCH));
        let deleted = pod(|pod| {
            pod.meter.from = Some(Timestamp::UNIX_EPOCH);
            pod.delete(crate::cluster::workload::VolumePolicy::Keep);
        });
        let pods = [running(None, false), creating, stopped, deleted];
        let standing = Standing::of(balance(), &pods, &THRESHOLDS, Timestamp::UNIX_EPOCH);
        let (hour, volume) = (pods[0].price.hourly, pods[0].price.stopped);
        assert_eq!(standing.per_hour, hour + volume);
        assert_eq!(standing.per_hour_if_all_ran, hour + hour + hour);
    }

    #[test]
    fn what_has_accrued_is_shown_as_spent() {
        let [running, stopped] = [
            running(Some(3600), false),
            pod(|pod| pod.meter.volume_from = Some(Timestamp::UNIX_EPOCH)),
        ];
        let hour = running.price.hourly;
        let now = Timestamp::from_second(1800).unwrap();
        let of = |available| {
            let balance = Balance {
                available,
                held: hour,
                ..balance()
            };
            Standing::of(balance, [&running, &stopped], &THRESHOLDS, now)
        };
        let (half, volume) = (hour.for_seconds(1800), stopped.price.stopped.for_seconds(1800));
        let rich = of(Money::from_cents(10_000));
        assert_eq!((rich.accrued, rich.spent_today), (half + volume, half + volume));
        assert_eq!(
            (rich.current().held, rich.low),
            (hour, None),
            "the hold is filled up"
        );
        assert_eq!(rich.current().total(), rich.balance.total() - half - volume);
        let poor = of(Money::ZERO);
        assert_eq!(
            poor.low,
            Some(Low::Balance(1800)),
            "others have spent the money meanwhile"
        );
        let shown = poor.current();
        assert_eq!((shown.available, shown.held), (Money::ZERO, hour - half - volume));
    }

    #[test]
    fn the_limit_that_is_reached_first_is_reported() {
        for (pods, low) in [
            (vec![], None),
            (vec![running(None, false)], None),
            (vec![running(Some(3600), false)], None),
            (vec![running(Some(3599), false)], Some(Low::Balance(3599))),
            (
                vec![running(Some(1800), false), running(Some(600), true)],
                Some(Low::DailyCap(600)),
            ),
            (
                vec![running(Some(300), false), running(Some(600), true)],
                Some(Low::Balance(300)),
            ),
            // An ended pod needs no warning.
            (vec![pod(|pod| pod.meter.remaining = Some(Money::ZERO))], None),
            (
                vec![at_risk(9000), at_risk(8000)],
                Some(Low::Volume(Timestamp::from_second(8000).unwrap())),
            ),
            (
                vec![at_risk(8000), running(Some(60), false)],
                Some(Low::Balance(60)),
            ),
        ] {
            assert_eq!(
                Standing::of(balance(), &pods, &THRESHOLDS, Timestamp::UNIX_EPOCH).low,
                low,
                "{pods:#?}"
            );
        }
    }
}
