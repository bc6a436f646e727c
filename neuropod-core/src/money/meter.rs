//! Metering: a pod is charged period by period, from a hold on its owner's account.
//!
//! The price of one hour is held before anything is created. While a container runs, its seconds are charged in periods:
//! of a minute, or of forty minutes while the account can surely pay for them. Each charge draws from the hold, which is
//! topped up as long as the account can pay. A period is stored in the pod's record as a pending charge before it is
//! drawn. So a repetition after a crash draws the same amount under the same key, and of several drivers only one stores
//! the period. What has accrued since the last period is [`Meter::accrued`].

mod periods;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{PodId, UserId};
use crate::money::amount::Money;
use crate::money::billing::{AccountKind, Balance, Details, Draw, Drawn, Hold, Period};

/// The amount of a hold is the price of this time. Seconds.
pub const HOLD_SECONDS: i64 = 3600;
/// The length of a period while the container runs. Seconds.
pub const PERIOD_SECONDS: i64 = 60;
/// The length of a period while the container runs and the money is ample: it saves the stores most of the writes. A
/// hold, which is full when such a period begins, pays for it and for a third of an hour more, whatever else the account
/// is charged meanwhile. Seconds.
pub const LONG_PERIOD_SECONDS: i64 = 40 * 60;
/// The money is ample if the account could pay for so much time beside the hold. Seconds.
const AMPLE_SECONDS: i64 = 24 * 3600;
/// The length of a period while the pod is stopped and only its volume is charged. Seconds.
pub const VOLUME_PERIOD_SECONDS: i64 = 3600;
/// The greatest age of an observation that a period is charged on. It is longer than the interval between full listings
/// of the cluster, so an older observation means that the cluster does not respond. Seconds.
pub(crate) const MAX_OBSERVATION_AGE_SECONDS: i64 = 7 * 60;
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
    /// Whether the container's current period is a long one, of [`LONG_PERIOD_SECONDS`].
    #[serde(default)]
    pub is_long: bool,
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
            is_long: false,
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

    /// What the time until `now` costs that no charge has paid for: it is charged with the current period.
    ///
    /// ```
    /// # use neuropod_core::money::meter::{Meter, Price};
    /// # use neuropod_core::Money;
    /// let price = Price { hourly: Money::from_cents(360), ..Price::default() };
    /// let meter = Meter { from: Some("2026-01-01T00:00:00Z".parse()?), ..Meter::opening(price) };
    /// assert_eq!(meter.accrued("2026-01-01T00:10:00Z".parse()?), Money::from_cents(60));
    /// # Ok::<(), jiff::Error>(())
    /// ```
    pub fn accrued(&self, now: Timestamp) -> Money {
        let since = |from: Timestamp| now.duration_since(from).as_secs().max(0);
        let pending = self.pending.map_or(Money::ZERO, |pending| pending.amount);
        let open = match (self.from, self.volume_from) {
            (Some(from), _) => self.price.hourly.for_seconds(since(from)),
            (None, Some(from)) => self.price.stopped.for_seconds(since(from)),
            (None, None) => Money::ZERO,
        };
        pending + open
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

    fn hold_amount(&self) -> Money {
        self.price.hourly.for_seconds(HOLD_SECONDS)
    }

    /// The meter that is about to place a new hold at this price.
    pub(crate) fn open(self, price: Price) -> Self {
        Self {
            hold_number: self.hold_number + 1,
            hold_state: HoldState::Opening,
            price,
            is_long: false,
            remaining: None,
            capped: false,
            ..self
        }
    }

    /// The meter after a period was charged. `cap_remaining` is the rest of the daily caps, and `account` the balance
    /// afterwards, if it is known.
    pub(crate) fn drawn(
        self,
        drawn: &Drawn,
        cap_remaining: Option<Money>,
        account: Option<&Balance>,
    ) -> Self {
        let is_ample = cap_remaining.is_none()
            && drawn.held == self.hold_amount()
            && account.is_some_and(|account| self.is_ample(account));
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
            is_long: is_ample,
            remaining,
            capped,
            ..self
        }
    }

    /// Whether the account can surely pay for a long period.
    fn is_ample(&self, account: &Balance) -> bool {
        account.kind == AccountKind::Unlimited
            || account.available >= self.price.hourly.for_seconds(AMPLE_SECONDS)
    }

    /// Whether the remaining amount does not pay for the next period.
    pub(crate) fn is_used_up(&self) -> bool {
        self.from.is_some()
            && self
                .remaining
                .is_some_and(|remaining| remaining < self.next_period())
    }

    /// The price of a short period while the pod runs.
    pub(crate) fn next_period(&self) -> Money {
        self.price.hourly.for_seconds(PERIOD_SECONDS)
    }
}
