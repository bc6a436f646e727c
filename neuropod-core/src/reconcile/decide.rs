//! The decision: which actions come next.

use jiff::Timestamp;

use super::action::Action;
use super::deadlines::Deadlines;
use super::seen::{is_over, waits_for_volume};
use super::{charges, record};
use crate::cluster::observation::{Objects, Observation, ObservedPod, ObservedVolume};
use crate::cluster::workload::VolumePolicy;
use crate::money::meter::HoldState;
use crate::pod::record::{Desired, Pod};
use crate::token::TokenState;

/// The next actions for a pod. None: it is as it should be, and stays so until something is seen. If an action comes again
/// right after it was carried out (a volume that is still being deleted), the driver repeats it more and more slowly.
pub fn reconcile(pod: &Pod, observation: &Observation, deadlines: Deadlines, now: Timestamp) -> Vec<Action> {
    let next = record::next_record(pod, observation, deadlines, now);
    if next != *pod {
        return vec![Action::Save(Box::new(next))];
    }
    let mut actions: Vec<Action> = charges::next_charge(pod).into_iter().collect();
    match pod.desired {
        Desired::Running => running(pod, observation, now, &mut actions),
        Desired::Stopped => {
            let goes = pod.volume_deletion;
            let volume = if goes.is_some_and(|deletion| deletion.decided && !deletion.done) {
                VolumePolicy::Delete
            } else {
                VolumePolicy::Keep
            };
            clearing(observation, volume, &mut actions);
        }
        Desired::Deleted { volume } => {
            clearing(observation, volume, &mut actions);
            if actions.is_empty() && pod.meter.is_idle() && observation.is_cleared() {
                actions.push(Action::Forget);
            }
        }
    }
    if let Some(at) = record::next_time(pod, observation, deadlines, now) {
        actions.push(Action::RequeueAt { at });
    }
    actions
}

/// Adds what a pod that should run needs from the cluster.
fn running(pod: &Pod, observation: &Observation, now: Timestamp, actions: &mut Vec<Action>) {
    match &observation.pod {
        Some(seen) if seen.run != pod.run || is_over(pod, seen, now) => {
            if !seen.terminating {
                actions.push(Action::Remove {
                    volume: VolumePolicy::Keep,
                });
            }
        }
        // It is being deleted; the watch reports when it is gone.
        Some(seen) if seen.terminating => {}
        _ if pod.retry_at.is_some() => {}
        seen => {
            let incomplete = seen.is_none() || observation.objects != Objects::Complete;
            if observation.objects == Objects::Unknown {
                actions.push(Action::Observe);
            } else if (incomplete || waits_for_volume(seen.as_ref(), observation))
                && pod.meter.hold_state == HoldState::Open
            {
                // Nothing is created before it is paid for.
                actions.push(Action::Apply);
            }
            actions.extend(seen.as_ref().and_then(|seen| unread_log(pod, seen)));
        }
    }
}

/// Reads the log from its start while the token is unknown; and the part that a server has written that was started again
/// inside the container.
fn unread_log(pod: &Pod, seen: &ObservedPod) -> Option<Action> {
    let container = seen.container.as_ref()?;
    let closed_again = || {
        let read_at = pod
            .login
            .read_at
            .unwrap_or(Timestamp::MIN)
            .max(container.started_at);
        seen.closed_at.filter(|closed| *closed > read_at)
    };
    let since = match pod.login.found {
        TokenState::Unknown => None,
        // It was configured, and is the same for each server.
        TokenState::Configured => return None,
        _ => Some(closed_again()?),
    };
    pod.options.has_jupyter().then(|| Action::ReadToken {
        container: container.id.clone(),
        since,
    })
}

/// Adds what remains to be removed of a pod that should not be in the cluster.
fn clearing(observation: &Observation, volume: VolumePolicy, actions: &mut Vec<Action>) {
    let volume_goes = volume == VolumePolicy::Delete
        && match observation.volume {
            ObservedVolume::Absent => false,
            // The pod protects it; once the pod is gone no event reports the volume, so the removal is repeated.
            ObservedVolume::Terminating => observation.pod.is_none(),
            _ => true,
        };
    let pod_stays = observation.pod.as_ref().is_some_and(|seen| !seen.terminating);
    if pod_stays || observation.objects != Objects::Absent || volume_goes {
        actions.push(Action::Remove { volume });
    }
}
