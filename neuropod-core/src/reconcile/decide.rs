//! Decides which actions come next.

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

/// The next actions for a pod. If there are none, the pod stays as it is until a new event. The driver repeats
/// an action with growing delays if it is still needed right after it succeeded (such as removing a volume that
/// is still being deleted).
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

/// Adds the cluster actions for a pod that should run.
fn running(pod: &Pod, observation: &Observation, now: Timestamp, actions: &mut Vec<Action>) {
    match &observation.pod {
        Some(seen) if seen.run != pod.run || is_over(pod, seen, now) => {
            if !seen.terminating {
                actions.push(Action::Remove {
                    volume: VolumePolicy::Keep,
                });
            }
        }
        // It is being deleted; the watch reports its end.
        Some(seen) if seen.terminating => {}
        _ if pod.retry_at.is_some() => {}
        seen => {
            let incomplete = seen.is_none() || observation.objects != Objects::Complete;
            // Nothing of an earlier run is in the way of the first one, and an `apply` shows what is there already.
            let is_first = seen.is_none() && pod.run == 1;
            if observation.objects == Objects::Unknown && !is_first {
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

/// Reads the log from its start while the token is unknown, or from the restart of a server inside the
/// container.
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
        // The token was configured and survives a restart.
        TokenState::Configured => return None,
        _ => Some(closed_again()?),
    };
    pod.options.has_jupyter().then(|| Action::ReadToken {
        container: container.id.clone(),
        since,
    })
}

/// Adds the removal of whatever remains of a pod that should not be in the cluster.
fn clearing(observation: &Observation, volume: VolumePolicy, actions: &mut Vec<Action>) {
    let volume_goes = volume == VolumePolicy::Delete
        && match observation.volume {
            ObservedVolume::Absent => false,
            // The pod protects the volume. Once the pod is gone no event reports the volume, so the removal is
            // repeated.
            ObservedVolume::Terminating => observation.pod.is_none(),
            _ => true,
        };
    let pod_stays = observation.pod.as_ref().is_some_and(|seen| !seen.terminating);
    if pod_stays || observation.objects != Objects::Absent || volume_goes {
        actions.push(Action::Remove { volume });
    }
}
