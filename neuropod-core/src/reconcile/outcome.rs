//! What the record should say after an action succeeded or failed.

use jiff::Timestamp;

use super::Action;
use crate::billing::{Draw, Drawn};
use crate::error::{Error, ErrorKind};
use crate::meter::{Meter, Reservation};
use crate::money::Money;
use crate::pod::{Desired, Pod};
use crate::reason::{Reason, ReasonCode};

/// The record after `action` succeeded; `None`: nothing is to be written down. A draw has an answer: see [`drawn`].
pub fn done(pod: &Pod, action: &Action) -> Option<Pod> {
    let mut next = pod.clone();
    let key = pod.meter.key(&pod.id);
    match (action, pod.meter.reservation) {
        (Action::Hold(hold), Reservation::Opening) if hold.key == key => {
            next.meter.reservation = Reservation::Open;
        }
        (Action::Release { key: released }, Reservation::Closing) if *released == key => {
            next.meter.reservation = Reservation::None;
        }
        // All of it is at the cluster: what kept it from being made has passed.
        (Action::Apply, _) => next.reason = None,
        _ => {}
    }
    (next != *pod).then_some(next)
}

/// The record after a period was charged; `None`: it is another one than the record asks for. When what is left does
/// not pay the next period, the pod stops.
pub fn drawn(pod: &Pod, draw: &Draw, drawn: &Drawn, now: Timestamp) -> Option<Pod> {
    let due = pod.meter.due?;
    if *draw != pod.meter.to_draw(&due, &pod.id, &pod.owner) {
        return None;
    }
    let mut next = pod.clone();
    next.meter = pod.meter.clone().drawn(drawn);
    next.charged += drawn.charged;
    let unpaid = drawn.written_off > Money::ZERO || next.meter.is_used_up();
    if unpaid && pod.desired == Desired::Running {
        next.desired = Desired::Stopped;
        next.reason = Some(Reason::new(ReasonCode::InsufficientFunds, "", now));
    }
    Some(next)
}

/// The record after `action` failed; `None`: nothing new is to be written down.
pub fn failed(pod: &Pod, action: &Action, error: &Error, now: Timestamp) -> Option<Pod> {
    let code = match (action, error.kind()) {
        (Action::Hold(_), ErrorKind::InsufficientFunds { .. } | ErrorKind::NotFound) => {
            return Some(Pod {
                desired: match pod.desired {
                    Desired::Running => Desired::Stopped,
                    other => other,
                },
                reason: Some(Reason::new(ReasonCode::InsufficientFunds, error.message(), now)),
                // Closed, so that no late repetition of the reservation can succeed.
                meter: Meter {
                    reservation: Reservation::Closing,
                    ..pod.meter.clone()
                },
                ..pod.clone()
            });
        }
        // A conflict is over with the next look at the cluster; what billing or the store could not do is repeated
        // and is no reason that its owner could do anything about.
        (Action::Apply, ErrorKind::Conflict) => return None,
        (Action::Apply, kind) => reason_code(kind),
        _ => return None,
    };
    let reason = Reason::new(code, error.to_string(), now);
    let known = pod
        .reason
        .as_ref()
        .is_some_and(|known| known.says_the_same(&reason));
    (!known).then(|| Pod {
        reason: Some(reason),
        ..pod.clone()
    })
}

fn reason_code(kind: &ErrorKind) -> ReasonCode {
    match kind {
        ErrorKind::QuotaExceeded => ReasonCode::QuotaExceeded,
        ErrorKind::NameTaken => ReasonCode::NameTaken,
        ErrorKind::NotConfigured | ErrorKind::PermissionDenied | ErrorKind::Unsupported => {
            ReasonCode::ClusterSetup
        }
        ErrorKind::Rejected | ErrorKind::Invalid(_) => ReasonCode::Rejected,
        _ => ReasonCode::ClusterUnavailable,
    }
}
