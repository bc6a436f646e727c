//! Waiting for the cluster or for time to pass. A wait is reported to the owner after minutes and given up
//! after a limit. Both are counted by the platform's own clock from when it first saw the situation, because
//! the clocks of nodes and API servers may be hours off.

use jiff::Timestamp;

use super::deadlines::{Deadlines, STABLE_SECONDS, STOP_SECONDS, after};
use super::seen::{is_over, live, serves, waits_for_volume};
use crate::cluster::observation::{Objects, Observation, ObservedPod, Phase};
use crate::cluster::reason::{Reason, ReasonCode};
use crate::pod::record::{Desired, Pod};
use crate::pod::wait::{Awaited, Wait};

/// The longest grace period that is accepted as true, in seconds.
const LONGEST_GRACE_SECONDS: i64 = 3600;

/// The current wait of the pod. The cluster reports a leftover when an object is to be created (see
/// [`behind`]); the wait for it lasts until all objects of the pod exist.
pub(super) fn next_wait(pod: &Pod, observation: &Observation, now: Timestamp) -> Option<Wait> {
    let known = pod.wait.as_ref();
    let seen = observation.pod.as_ref();
    let leftover = || known.filter(|wait| matches!(wait.what, Awaited::Leftover { .. }));
    let refused = known.filter(|wait| matches!(wait.what, Awaited::Removal { .. }));
    if refused.is_some() && awaits_removal(pod, observation, now) {
        return refused.cloned();
    }
    let (what, from) = match (pod.desired, seen) {
        (Desired::Deleted { .. }, _) => return None,
        (_, Some(seen)) if seen.terminating => {
            let uid = seen.uid.clone();
            let by = seen.ending.as_ref().map_or(now, |ending| ending.by);
            let from = by.clamp(now, after(now, LONGEST_GRACE_SECONDS));
            (Awaited::End { uid }, from)
        }
        (Desired::Running, seen) => {
            let own = seen.filter(|seen| seen.run == pod.run);
            let whole = own.is_some() && observation.objects == Objects::Complete;
            let blocked = leftover().filter(|_| !whole || waits_for_volume(own, observation));
            (
                blocked
                    .map(|wait| wait.what.clone())
                    .or_else(|| next_milestone(pod, own?))?,
                now,
            )
        }
        (Desired::Stopped, None) if matches!(observation.objects, Objects::Partial | Objects::Complete) => {
            let detail = "services, routes or secrets of the pod are still being deleted".to_owned();
            (Awaited::Leftover { detail }, now)
        }
        (Desired::Stopped, _) => return None,
    };
    let same = known.filter(|known| known.what.goes_on(&what));
    // A start in the future was measured before the clock was set back, unless it is a grace period.
    let latest = after(now, LONGEST_GRACE_SECONDS);
    let since = same.map_or(from, |known| known.since.min(latest));
    Some(Wait { since, what })
}

/// Whether objects of a run exist that should not, and are not being deleted.
fn awaits_removal(pod: &Pod, observation: &Observation, now: Timestamp) -> bool {
    let seen = observation.pod.as_ref();
    match (pod.desired, seen) {
        (Desired::Deleted { .. }, _) => false,
        (_, Some(seen)) if seen.terminating => false,
        (Desired::Running, seen) => seen.is_some_and(|seen| seen.run != pod.run || is_over(pod, seen, now)),
        (Desired::Stopped, _) => !observation.is_cleared(),
    }
}

/// The next milestone of a pod object on its node: its next step, or a stable time after failures.
fn next_milestone(pod: &Pod, seen: &ObservedPod) -> Option<Awaited> {
    let has_failed = pod.attempts > 0 || pod.failing_since.is_some();
    if let Some(container) = seen.container.as_ref().filter(|_| has_failed) {
        let container = container.id.clone();
        return Some(Awaited::Stable { container });
    }
    let is_starting = matches!(seen.phase, Phase::Pending | Phase::Unknown)
        && seen.node.is_some()
        && seen.started_at.is_none();
    is_starting.then(|| Awaited::Step {
        uid: seen.uid.clone(),
        reached: seen.step_since,
    })
}

/// The record of a pod that waits for a problem that the cluster reported: a leftover, or a refused removal.
pub(super) fn behind(pod: &Pod, what: Awaited, now: Timestamp) -> Pod {
    let same = pod.wait.as_ref().filter(|known| known.what.goes_on(&what));
    let since = same.map_or(now, |known| known.since);
    Pod {
        wait: Some(Wait { since, what }),
        ..pod.clone()
    }
}

/// Whether objects of a pod could not be created, because objects of the same name are still being deleted.
pub(super) fn is_blocked(pod: &Pod) -> bool {
    let wait = pod.wait.as_ref();
    wait.is_some_and(|wait| matches!(wait.what, Awaited::Leftover { .. }))
}

/// Updates the record after the cluster accepted a removal.
pub(super) fn removed(pod: &mut Pod) {
    let refused = |wait: &Wait| matches!(wait.what, Awaited::Removal { .. });
    pod.wait = pod.wait.take().filter(|wait| !refused(wait));
}

/// The times at which the wait is reported, is given up, and is over by time alone.
pub(super) fn times(pod: &Pod, deadlines: Deadlines) -> [Option<Timestamp>; 3] {
    [
        reported_from(pod),
        given_up_from(pod, deadlines),
        stable_from(pod),
    ]
}

fn reported_from(pod: &Pod) -> Option<Timestamp> {
    let wait = pod.wait.as_ref()?;
    let goes = !matches!(wait.what, Awaited::Step { .. } | Awaited::Stable { .. });
    goes.then(|| after(wait.since, STOP_SECONDS))
}

/// The time from which failures before the running container are forgotten.
pub(super) fn stable_from(pod: &Pod) -> Option<Timestamp> {
    let wait = pod.wait.as_ref()?;
    matches!(wait.what, Awaited::Stable { .. }).then(|| after(wait.since, STABLE_SECONDS))
}

fn given_up_from(pod: &Pod, deadlines: Deadlines) -> Option<Timestamp> {
    let wait = pod.wait.as_ref().filter(|_| pod.desired == Desired::Running)?;
    if matches!(wait.what, Awaited::Stable { .. }) {
        return None;
    }
    // A start has its whole time limit, even if the leftover has been there for hours.
    let since = wait.since.max(pod.requested_at);
    let until = since.saturating_add(deadlines.start);
    Some(until.unwrap_or(Timestamp::MAX))
}

/// The time since which the pod object is overdue, if that is reported at `now`.
pub(super) fn overdue_since(pod: &Pod, now: Timestamp) -> Option<Timestamp> {
    let ends = matches!(
        pod.wait.as_ref()?.what,
        Awaited::End { .. } | Awaited::Removal { .. }
    );
    reported_from(pod).filter(|from| ends && *from <= now)
}

/// The reason that a deletion takes too long: of the pod object of this or an earlier run, or of a leftover
/// that blocks a start.
pub(super) fn delayed(pod: &Pod, observation: &Observation, now: Timestamp) -> Option<Reason> {
    let since = reported_from(pod).filter(|from| *from <= now)?;
    Some(Reason::new(
        ReasonCode::StopDelayed,
        delay_detail(pod, observation),
        since,
    ))
}

/// The delayed deletion, in the cluster's words.
fn delay_detail(pod: &Pod, observation: &Observation) -> String {
    match pod.wait.as_ref().map(|wait| &wait.what) {
        Some(Awaited::Leftover { detail }) => return format!("{}: {detail}", Reason::LEFTOVER),
        Some(Awaited::Removal { detail }) => return detail.clone(),
        _ => {}
    }
    let seen = observation.pod.as_ref();
    let reported = seen
        .and_then(|seen| seen.reason.as_ref())
        .map(|reason| &reason.detail);
    let held = seen
        .and_then(|seen| seen.ending.as_ref())
        .map(|ending| &ending.held_by);
    let mut details = [reported, held].into_iter().flatten();
    details
        .find(|detail| !detail.is_empty())
        .cloned()
        .unwrap_or_default()
}

/// The reason for giving up a start that waits too long, whether or not its cause is known: it occupies a GPU,
/// or money. A pod that serves continues.
pub(super) fn given_up(
    pod: &Pod,
    observation: &Observation,
    deadlines: Deadlines,
    now: Timestamp,
) -> Option<Reason> {
    given_up_from(pod, deadlines).filter(|from| *from <= now)?;
    let seen = live(pod, observation);
    if seen.is_some_and(|seen| serves(pod, seen)) {
        return None;
    }
    let wait = pod.wait.as_ref()?;
    let on_node = matches!(wait.what, Awaited::Step { .. });
    // By now even a recent warning counts, because its clock may be off.
    let said = seen.and_then(|seen| seen.reason.as_ref());
    let known = pod.reason.as_ref().or(said);
    // For other waits, only a failure of the pod itself explains more than the wait does.
    if let Some(known) = known.filter(|known| on_node || known.code.is_failure()) {
        return Some(known.given_up(now));
    }
    if !on_node {
        let behind = Reason::new(
            ReasonCode::StopDelayed,
            delay_detail(pod, observation),
            wait.since,
        );
        return Some(behind.given_up(now));
    }
    let node = seen.and_then(|seen| seen.node.as_deref()).unwrap_or_default();
    let minutes = deadlines.start.as_mins();
    let detail = format!("no progress on node {node} for {minutes} minutes, and nothing said why");
    Some(Reason::new(ReasonCode::GaveUp, detail, now))
}
