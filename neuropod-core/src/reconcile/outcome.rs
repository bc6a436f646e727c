//! What the record should say after an action succeeded or failed.

use jiff::Timestamp;

use super::Action;
use crate::error::{Error, ErrorKind};
use crate::meter::MeterState;
use crate::pod::{Desired, Pod};
use crate::reason::{Reason, ReasonCode};

/// The record after `action` succeeded; `None`: nothing is to be written down.
pub fn done(pod: &Pod, action: &Action) -> Option<Pod> {
    let mut next = pod.clone();
    match (action, pod.meter.state) {
        (Action::Hold { key, .. }, MeterState::Reserving { from }) if *key == pod.meter.key(&pod.id) => {
            let state = from.map_or(MeterState::Reserved, |from| MeterState::Running { from });
            next.meter = pod.meter.with(state);
        }
        (
            Action::Settle { key, .. } | Action::Release { key },
            MeterState::Closing {
                amount,
                next: following,
            },
        ) if *key == pod.meter.key(&pod.id) => {
            next.charged += amount;
            next.meter = match following {
                Some(from) => pod.meter.reserve(pod.meter.hourly, Some(from)),
                None => pod.meter.with(MeterState::Idle),
            };
        }
        // All of it is at the cluster: what kept it from being made has passed.
        (Action::Apply, _) => next.reason = None,
        _ => {}
    }
    (next != *pod).then_some(next)
}

/// The record after `action` failed; `None`: nothing new is to be written down.
pub fn failed(pod: &Pod, action: &Action, error: &Error, now: Timestamp) -> Option<Pod> {
    let code = match (action, error.kind()) {
        (Action::Hold { .. }, ErrorKind::InsufficientFunds { .. } | ErrorKind::NotFound) => {
            return Some(Pod {
                desired: match pod.desired {
                    Desired::Running => Desired::Stopped,
                    other => other,
                },
                reason: Some(Reason::new(ReasonCode::InsufficientFunds, error.message(), now)),
                // Closed, so that no late repetition of the reservation can succeed.
                meter: pod.meter.closed(now, false),
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
