//! What a pod waits for that the cluster or time has to bring about: told after minutes, and given up after a limit. Both are
//! counted by the platform's own clock from when it first saw it; the clocks of nodes and API servers may be off by hours.

use jiff::Timestamp;

use super::deadlines::{Deadlines, STABLE_SECONDS, STOP_SECONDS, after};
use super::seen::{is_over, live, serves, waits_for_volume};
use crate::cluster::observation::{Objects, Observation, ObservedPod, Phase};
use crate::cluster::reason::{Reason, ReasonCode};
use crate::pod::record::{Desired, Pod};
use crate::pod::wait::{Awaited, Wait};

/// The longest grace period that is believed. Seconds.
const LONGEST_GRACE_SECONDS: i64 = 3600;

/// What the pod waits for. A leftover is told of by the cluster when something is to be made (see [`behind`]), and is
/// waited for until all of the pod is there.
pub(super) fn next_wait(pod: &Pod, observation: &Observation, now: Timestamp) -> Option<Wait> {
    let known = pod.wait.as_ref();
    let seen = observation.pod.as_ref();
    let leftover = || known.filter(|wait| matches!(wait.what, Awaited::Leftover { .. }));
    let refused = known.filter(|wait| matches!(wait.what, Awaited::Removal { .. }));
    if refused.is_some() && is_to_go(pod, observation, now) {
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
                blocked.map(|wait| wait.what.clone()).or_else(|| way(pod, own?))?,
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
    // One that lies ahead is of a clock that has been set since, but for a grace period.
    let latest = after(now, LONGEST_GRACE_SECONDS);
    let since = same.map_or(from, |known| known.since.min(latest));
    Some(Wait { since, what })
}

/// Whether something of a run is there that should not be, and is not asked to go.
fn is_to_go(pod: &Pod, observation: &Observation, now: Timestamp) -> bool {
    let seen = observation.pod.as_ref();
    match (pod.desired, seen) {
        (Desired::Deleted { .. }, _) => false,
        (_, Some(seen)) if seen.terminating => false,
        (Desired::Running, seen) => seen.is_some_and(|seen| seen.run != pod.run || is_over(pod, seen, now)),
        (Desired::Stopped, _) => !observation.is_cleared(),
    }
}

/// What is to come of a pod object that is on its node: its next step, or a stable time after failures.
fn way(pod: &Pod, seen: &ObservedPod) -> Option<Awaited> {
    let has_failed = pod.attempts > 0 || pod.failing_since.is_some();
    if let Some(container) = seen.container.as_ref().filter(|_| has_failed) {
        let container = container.id.clone();
        return Some(Awaited::Stable { container });
    }
    let on_its_way = matches!(seen.phase, Phase::Pending | Phase::Unknown)
        && seen.node.is_some()
        && seen.started_at.is_none();
    on_its_way.then(|| Awaited::Step {
        uid: seen.uid.clone(),
        reached: seen.step_since,
    })
}

/// The record of a pod that waits for something that the cluster names: a leftover, or a removal that it refuses.
pub(super) fn behind(pod: &Pod, what: Awaited, now: Timestamp) -> Pod {
    let same = pod.wait.as_ref().filter(|known| known.what.goes_on(&what));
    let since = same.map_or(now, |known| known.since);
    Pod {
        wait: Some(Wait { since, what }),
        ..pod.clone()
    }
}

/// Whether not all of a pod could be made, because something of the same name is still being deleted.
pub(super) fn is_blocked(pod: &Pod) -> bool {
    let wait = pod.wait.as_ref();
    wait.is_some_and(|wait| matches!(wait.what, Awaited::Leftover { .. }))
}

/// The record of a pod whose request to be removed was taken.
pub(super) fn removed(pod: &mut Pod) {
    let refused = |wait: &Wait| matches!(wait.what, Awaited::Removal { .. });
    pod.wait = pod.wait.take().filter(|wait| !refused(wait));
}

/// When what a pod waits for is told, when it is given up, and when it has come by time alone.
pub(super) fn times(pod: &Pod, deadlines: Deadlines) -> [Option<Timestamp>; 3] {
    [told_from(pod), given_up_from(pod, deadlines), stable_from(pod)]
}

fn told_from(pod: &Pod) -> Option<Timestamp> {
    let wait = pod.wait.as_ref()?;
    let goes = !matches!(wait.what, Awaited::Step { .. } | Awaited::Stable { .. });
    goes.then(|| after(wait.since, STOP_SECONDS))
}

/// From when the failures before the container that runs are forgotten.
pub(super) fn stable_from(pod: &Pod) -> Option<Timestamp> {
    let wait = pod.wait.as_ref()?;
    matches!(wait.what, Awaited::Stable { .. }).then(|| after(wait.since, STABLE_SECONDS))
}

fn given_up_from(pod: &Pod, deadlines: Deadlines) -> Option<Timestamp> {
    let wait = pod.wait.as_ref().filter(|_| pod.desired == Desired::Running)?;
    if matches!(wait.what, Awaited::Stable { .. }) {
        return None;
    }
    // A start has the whole time, also behind what has not gone for hours.
    let since = wait.since.max(pod.requested_at);
    let until = since.saturating_add(deadlines.start);
    Some(until.unwrap_or(Timestamp::MAX))
}

/// Since when the pod object should be gone and is not, where that is told at `now`.
pub(super) fn late_since(pod: &Pod, now: Timestamp) -> Option<Timestamp> {
    let ends = matches!(
        pod.wait.as_ref()?.what,
        Awaited::End { .. } | Awaited::Removal { .. }
    );
    told_from(pod).filter(|from| ends && *from <= now)
}

/// That something does not go: the pod object of this run or of one before, or a leftover behind which a start waits.
pub(super) fn delayed(pod: &Pod, observation: &Observation, now: Timestamp) -> Option<Reason> {
    let since = told_from(pod).filter(|from| *from <= now)?;
    Some(Reason::new(
        ReasonCode::StopDelayed,
        what(pod, observation),
        since,
    ))
}

/// What does not go, in the words of the cluster.
fn what(pod: &Pod, observation: &Observation) -> String {
    match pod.wait.as_ref().map(|wait| &wait.what) {
        Some(Awaited::Leftover { detail }) => return format!("{}: {detail}", Reason::LEFTOVER),
        Some(Awaited::Removal { detail }) => return detail.clone(),
        _ => {}
    }
    let seen = observation.pod.as_ref();
    let told = seen
        .and_then(|seen| seen.reason.as_ref())
        .map(|reason| &reason.detail);
    let held = seen
        .and_then(|seen| seen.ending.as_ref())
        .map(|ending| &ending.held_by);
    let mut details = [told, held].into_iter().flatten();
    details
        .find(|detail| !detail.is_empty())
        .cloned()
        .unwrap_or_default()
}

/// Why a start is given up that waits for too long, known reason or not: it holds a GPU, or money. What serves goes on.
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
    // By now a warning counts that may pass, by a clock that may be off.
    let said = seen.and_then(|seen| seen.reason.as_ref());
    let known = pod.reason.as_ref().or(said);
    // Behind something else only a failure of its own says more than that.
    if let Some(known) = known.filter(|known| on_node || known.code.is_failure()) {
        return Some(known.given_up(now));
    }
    if !on_node {
        let behind = Reason::new(ReasonCode::StopDelayed, what(pod, observation), wait.since);
        return Some(behind.given_up(now));
    }
    let node = seen.and_then(|seen| seen.node.as_deref()).unwrap_or_default();
    let minutes = deadlines.start.as_mins();
    let detail = format!("no progress on node {node} for {minutes} minutes, and nothing said why");
    Some(Reason::new(ReasonCode::GaveUp, detail, now))
}
