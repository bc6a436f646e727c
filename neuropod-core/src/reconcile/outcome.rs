//! The record after an action succeeded or failed.

use jiff::{SignedDuration, Timestamp};

use super::action::Action;
use super::{charges, wait};
use crate::cluster::reason::refusal::Refusal;
use crate::cluster::reason::{Reason, ReasonCode};
use crate::cluster::workload::VolumePolicy;
use crate::error::kind::{Error, ErrorKind};
use crate::money::amount::Money;
use crate::money::billing::{Balance, Draw, Drawn, Period, Spent, next_day};
use crate::money::meter::{HoldState, Meter, PendingCharge, VOLUME_PERIOD_SECONDS};
use crate::pod::record::{Desired, Pod, VolumeDeletion};
use crate::pod::wait::Awaited;

/// The record after `action` succeeded; `None` if it does not change. For a draw see [`drawn`].
pub fn done(pod: &Pod, action: &Action) -> Option<Pod> {
    let mut next = pod.clone();
    let key = pod.meter.key(&pod.id);
    match (action, pod.meter.hold_state) {
        (Action::Hold(hold), HoldState::Opening) if hold.key == key => {
            next.meter.hold_state = HoldState::Open;
        }
        (Action::Release { key: released }, HoldState::Closing) if *released == key => {
            next.meter.hold_state = HoldState::None;
        }
        // All objects exist, so whatever prevented their creation has passed.
        (Action::Apply, _) if pod.desired == Desired::Running => {
            next.reason = None;
            next.wait = next.wait.take().filter(|_| !wait::is_blocked(pod));
        }
        (Action::Remove { .. }, _) => wait::removed(&mut next),
        _ => {}
    }
    (next != *pod).then_some(next)
}

/// The record after a period was charged; `None` if the record has another pending charge. The pod stops if the
/// remaining money or the rest of a daily cap does not pay for the next period. With the balance of the `account`
/// afterwards the next period may be a long one; without, it is a short one. An unpaid volume is deleted after
/// `volume_grace`; `None`: never.
pub fn drawn(
    pod: &Pod,
    draw: &Draw,
    drawn: &Drawn,
    account: Option<&Balance>,
    volume_grace: Option<SignedDuration>,
    now: Timestamp,
) -> Option<Pod> {
    let pending = pod.meter.pending?;
    if *draw != charges::draw(pod, &pending) {
        return None;
    }
    let mut next = pod.clone();
    next.charged += drawn.charged;
    if pending.from_hold {
        // The cap of a pod only counts its running time.
        next.spent = Some(Spent::and(pod.spent, pending.period.from, drawn.charged));
    }
    next.meter = pod
        .meter
        .clone()
        .drawn(drawn, cap_remaining(&next, &pending, drawn), account);
    let unpaid = drawn.written_off > Money::ZERO;
    if (unpaid || next.meter.is_used_up()) && pod.desired == Desired::Running {
        let short = drawn.held < next.meter.next_period();
        let (code, since) = if short {
            (ReasonCode::InsufficientFunds, now)
        } else {
            // The cap belongs to the day of the period, which may be charged after midnight.
            (ReasonCode::SpendCap, last_moment(&pending).min(now))
        };
        next.desired = Desired::Stopped;
        next.reason = Some(Reason::new(code, "", since));
    }
    if !pending.from_hold && pod.desired == Desired::Stopped {
        // Counted from the first unpaid hour. If several hours are charged late together, counted from the last
        // one, because the owner could not know before and gets the whole grace time to pay.
        let last_hour = now
            .saturating_sub(SignedDuration::from_secs(VOLUME_PERIOD_SECONDS))
            .unwrap_or(Timestamp::MIN);
        let from = pending.period.from.max(last_hour);
        let at = |grace| from.saturating_add(grace).unwrap_or(Timestamp::MAX);
        let begins = || {
            volume_grace.map(|grace| VolumeDeletion {
                at: at(grace),
                decided: false,
                done: false,
            })
        };
        next.volume_deletion = pod.volume_deletion.or_else(begins).filter(|_| unpaid);
    }
    Some(next)
}

/// The last moment of a period: if it ends at midnight, that is still on the day before.
fn last_moment(pending: &PendingCharge) -> Timestamp {
    let Period { from, until } = pending.period;
    let last = until.saturating_sub(SignedDuration::from_nanos(1));
    last.unwrap_or(from).max(from)
}

/// The remainder of the daily caps after this period; at midnight it starts anew.
fn cap_remaining(next: &Pod, pending: &PendingCharge, drawn: &Drawn) -> Option<Money> {
    let until = pending.period.until;
    let of_pod = next.options.daily_cap.map(|cap| {
        let spent = next.spent.map_or(Money::ZERO, |spent| spent.at(until));
        cap - spent
    });
    let same_day = until < next_day(pending.period.from);
    let of_owner = next
        .owner_cap
        .map(|cap| if same_day { cap - drawn.spent } else { cap });
    let remaining = [of_pod, of_owner].into_iter().flatten().min();
    remaining.map(|remaining| remaining.max(Money::ZERO))
}

/// The record after `action` failed; `None` if it does not change.
pub fn failed(pod: &Pod, action: &Action, error: &Error, now: Timestamp) -> Option<Pod> {
    // Closed, so that no late repetition of the hold can succeed.
    let closing = || Meter {
        hold_state: HoldState::Closing,
        ..pod.meter.clone()
    };
    let reason = match (action, error.kind()) {
        // The owner was deleted meanwhile, so the volume goes too; or this is one pod too many, so it is never
        // admitted.
        (Action::Hold(_), ErrorKind::Forbidden | ErrorKind::TooManyPods { .. }) => {
            let mut next = Pod {
                meter: closing(),
                ..pod.clone()
            };
            next.delete(match error.kind() {
                ErrorKind::Forbidden => VolumePolicy::Delete,
                _ => VolumePolicy::Keep,
            });
            return Some(next);
        }
        (Action::Hold(_), ErrorKind::InsufficientFunds { .. } | ErrorKind::NotFound) => {
            return Some(Pod {
                desired: match pod.desired {
                    Desired::Running => Desired::Stopped,
                    other => other,
                },
                reason: Some(Reason::new(ReasonCode::InsufficientFunds, error.message(), now)),
                meter: closing(),
                ..pod.clone()
            });
        }
        // Most conflicts are gone after the next observation; one that persists is reported.
        (Action::Apply, ErrorKind::Conflict) => {
            let detail = error.to_string();
            let next = wait::behind(pod, Awaited::Leftover { detail }, now);
            return (next != *pod && pod.desired == Desired::Running).then_some(next);
        }
        (Action::Apply, _) => unmade(error, now),
        // A failure that persists is reported, too.
        (Action::Remove { .. }, _) if !pod.is_deleted() => {
            let detail = error.to_string();
            let next = wait::behind(pod, Awaited::Removal { detail }, now);
            return (next != *pod).then_some(next);
        }
        // Failures of billing or the store are retried. The owner could not do anything about them.
        _ => return None,
    };
    let known = pod
        .reason
        .as_ref()
        .is_some_and(|known| known.says_the_same(&reason));
    // A permanent refusal is not about a leftover.
    let wait = pod.wait.clone();
    let wait = wait.filter(|_| error.is_retryable() || !wait::is_blocked(pod));
    (!known || wait != pod.wait).then(|| Pod {
        reason: Some(reason),
        wait,
        ..pod.clone()
    })
}

/// The reason for a pod that was not created because of this error.
pub(crate) fn unmade(error: &Error, now: Timestamp) -> Reason {
    let text = error.to_string();
    // Webhooks may refuse because of a quota, and quotas may refuse because of missing settings.
    let refusal = match error.kind() {
        ErrorKind::QuotaExceeded | ErrorKind::Rejected => Refusal::read(&text),
        _ => None,
    };
    let code = match error.kind() {
        _ if refusal == Some(Refusal::Unset) => ReasonCode::ClusterSetup,
        _ if refusal.is_some() => ReasonCode::QuotaExceeded,
        ErrorKind::QuotaExceeded => ReasonCode::QuotaExceeded,
        ErrorKind::NameTaken => ReasonCode::NameTaken,
        ErrorKind::NotConfigured | ErrorKind::PermissionDenied | ErrorKind::Unsupported => {
            ReasonCode::ClusterSetup
        }
        ErrorKind::Rejected | ErrorKind::Invalid(_) => ReasonCode::Rejected,
        _ => ReasonCode::ClusterUnavailable,
    };
    Reason::new(code, text, now)
}
