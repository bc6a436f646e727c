//! What to do next for a pod: plain functions of its record, what the cluster shows, and the time.
//!
//! [`reconcile`] answers the next actions. While the record does not say yet what is seen or intended, that is one
//! [`Action::Save`] and nothing else: an effect is always written down before it is asked for, so that a crash at
//! any point leaves a record from which the next pass goes on. What came of an action is written down by [`done`],
//! [`drawn`] and [`failed`].

mod outcome;
mod record;
#[cfg(test)]
mod tests;
mod wait;

use jiff::{SignedDuration, Timestamp};

pub(crate) use self::outcome::unmade;
pub use self::outcome::{done, drawn, failed};
use crate::cluster::observation::{Objects, Observation, ObservedPod, ObservedVolume};
use crate::cluster::workload::VolumePolicy;
use crate::money::amount::Money;
use crate::money::billing::{Draw, Hold};
use crate::money::meter::{Due, Reservation};
use crate::pod::record::{Desired, Pod};
use crate::token::TokenState;

/// How long a pod may fail without a stable time in between before the platform stops it: it holds a GPU that
/// nobody pays for. Seconds.
pub const GIVE_UP_SECONDS: i64 = 30 * 60;
/// How long a container has to run before earlier failures are forgotten. Seconds.
pub const STABLE_SECONDS: i64 = 10 * 60;
/// How long a running container may leave its Jupyter port closed before its owner is told. Seconds.
pub const ANSWER_SECONDS: i64 = 60;
/// How long a pod object may stay beyond its grace period before its owner is told. Seconds.
pub const STOP_SECONDS: i64 = 3 * 60;
/// How long a pod may stay at one step on its node, or wait behind what is still being deleted, before the platform stops
/// it, unless it is given. Seconds.
pub const START_SECONDS: i64 = 60 * 60;

/// How long the platform waits for a cluster that says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deadlines {
    /// How long a pod may stay at one step on its node without starting, whether or not anybody says why, before its GPU
    /// is given back; and how long a start waits behind something that is still being deleted. A big image takes its time.
    pub start: SignedDuration,
}

impl Default for Deadlines {
    /// An hour.
    fn default() -> Self {
        Self {
            start: SignedDuration::from_secs(START_SECONDS),
        }
    }
}

impl Deadlines {
    /// With this time for each step of a start, and for what it waits behind.
    #[must_use]
    pub fn with_start(self, start: SignedDuration) -> Self {
        Self { start, ..self }
    }
}

/// One thing to do for a pod.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Store the record so, then ask again.
    Save(Box<Pod>),
    /// Reserve money of the owner.
    Hold(Hold),
    /// Charge a period.
    Draw(Draw),
    /// End the reservation.
    Release {
        /// Its key.
        key: String,
    },
    /// Look at everything of the pod in the cluster.
    Observe,
    /// Make everything of this run exist.
    Apply,
    /// Make everything go, the volume as the policy says.
    Remove {
        /// What becomes of the volume.
        volume: VolumePolicy,
    },
    /// Read the log of this container run until it tells how to log in.
    Follow {
        /// The container run.
        container: String,
        /// Only what was written since: the server was started again inside the container.
        since: Option<Timestamp>,
    },
    /// Remove the record.
    Forget,
    /// Ask again at this time, even if nothing was seen until then.
    Wake {
        /// When.
        at: Timestamp,
    },
}

/// What to do next for a pod. Nothing: it is as it should be, and stays so until something is seen. An action that
/// is asked for again right after it was carried out (a volume that is still being deleted) is for the driver to
/// repeat, more and more slowly.
pub fn reconcile(pod: &Pod, observation: &Observation, deadlines: Deadlines, now: Timestamp) -> Vec<Action> {
    let next = record::next(pod, observation, deadlines, now);
    if next != *pod {
        return vec![Action::Save(Box::new(next))];
    }
    let mut actions: Vec<Action> = billing(pod).into_iter().collect();
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
        actions.push(Action::Wake { at });
    }
    actions
}

/// What the meter asks for.
pub(crate) fn billing(pod: &Pod) -> Option<Action> {
    let meter = &pod.meter;
    if let Some(due) = &meter.due {
        return Some(Action::Draw(draw(pod, due)));
    }
    match meter.reservation {
        Reservation::Opening => Some(Action::Hold(meter.to_hold(pod))),
        Reservation::Closing => Some(Action::Release {
            key: meter.key(&pod.id),
        }),
        Reservation::None | Reservation::Open => None,
    }
}

/// The charge of a period. Only running time is capped: a volume can't be told to stop.
fn draw(pod: &Pod, due: &Due) -> Draw {
    let draw = pod.meter.to_draw(due, pod);
    if !due.reserved {
        return draw;
    }
    let spent = pod.spent.map_or(Money::ZERO, |spent| spent.at(due.period.from));
    Draw {
        at_most: pod.spec.daily_cap.map(|cap| (cap - spent).max(Money::ZERO)),
        daily_cap: pod.owner_cap,
        ..draw
    }
}

/// What a pod that should run asks of the cluster.
fn running(pod: &Pod, observation: &Observation, now: Timestamp, actions: &mut Vec<Action>) {
    match &observation.pod {
        Some(seen) if seen.run != pod.run || record::is_over(pod, seen, now) => {
            if !seen.terminating {
                actions.push(Action::Remove {
                    volume: VolumePolicy::Keep,
                });
            }
        }
        // It is on its way out; the watch tells when it is gone.
        Some(seen) if seen.terminating => {}
        _ if pod.retry_at.is_some() => {}
        seen => {
            let incomplete = seen.is_none() || observation.objects != Objects::Complete;
            if observation.objects == Objects::Unknown {
                actions.push(Action::Observe);
            } else if (incomplete || waits_for_volume(seen.as_ref(), observation))
                && pod.meter.reservation == Reservation::Open
            {
                // Nothing is created before it is paid for.
                actions.push(Action::Apply);
            }
            actions.extend(seen.as_ref().and_then(|seen| unread_log(pod, seen)));
        }
    }
}

/// Whether the pod's volume has to be made anew: it was still being deleted when the pod was made, and a pod that no
/// node has taken does not keep it.
fn waits_for_volume(seen: Option<&ObservedPod>, observation: &Observation) -> bool {
    let gone = matches!(
        observation.volume,
        ObservedVolume::Absent | ObservedVolume::Terminating
    );
    gone && seen.is_some_and(|seen| seen.container.is_none())
}

/// The log that has not told yet how to log in, from its start; or the part of it that a server has written which was
/// started again inside the container.
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
        // It comes from outside, and is the same for each server.
        TokenState::Configured => return None,
        _ => Some(closed_again()?),
    };
    pod.spec.jupyter.then(|| Action::Follow {
        container: container.id.clone(),
        since,
    })
}

/// What a pod of which nothing should be left asks of the cluster.
fn clearing(observation: &Observation, volume: VolumePolicy, actions: &mut Vec<Action>) {
    let volume_goes = volume == VolumePolicy::Delete
        && match observation.volume {
            ObservedVolume::Absent => false,
            // The pod keeps it; after that nothing tells of it, so it is asked for again.
            ObservedVolume::Terminating => observation.pod.is_none(),
            _ => true,
        };
    let pod_stays = observation.pod.as_ref().is_some_and(|seen| !seen.terminating);
    if pod_stays || observation.objects != Objects::Absent || volume_goes {
        actions.push(Action::Remove { volume });
    }
}

fn after(time: Timestamp, seconds: i64) -> Timestamp {
    time.saturating_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}
