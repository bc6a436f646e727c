//! The next record of a pod, given an observation.

use jiff::Timestamp;

use super::deadlines::{ANSWER_SECONDS, Deadlines, GIVE_UP_SECONDS, after};
use super::seen::{can_move, current_reason, failed_node, is_over, live, moves_at, serves};
use super::wait;
use crate::cluster::observation::{
    Container, Objects, Observation, ObservedPod, ObservedVolume, Phase, Step,
};
use crate::cluster::reason::{Reason, ReasonCode};
use crate::money::meter::{HoldState, Meter};
use crate::pod::record::{Desired, MAX_FAILED_NODES, Pod, Status};
use crate::token::TokenState;

/// The delay before an ended pod object is replaced for the first time, in seconds; it doubles each time.
const FIRST_RETRY_SECONDS: i64 = 5;
/// The longest delay, in seconds.
const LONGEST_RETRY_SECONDS: i64 = 300;

/// The next record. The store sets the version, and the driver the time of change.
pub(super) fn next_record(pod: &Pod, observation: &Observation, deadlines: Deadlines, now: Timestamp) -> Pod {
    let mut next = pod.clone();
    next.meter = meter(pod, observation, now);
    next.wait = wait::next_wait(pod, observation, now);
    match pod.desired {
        Desired::Running => running(&mut next, observation, deadlines, now),
        Desired::Stopped | Desired::Deleted { .. } => stopped(&mut next, observation, now),
    }
    let container = billable(&next, observation, now);
    let is_metered = |container: &Container| next.meter.container.as_ref() == Some(&container.id);
    let runs = next.meter.from.is_some() && container.is_some_and(is_metered);
    if runs && next != *pod {
        // Only together with another change: a record without changes is not written.
        next.meter.seen_at = Some(now);
    }
    next
}

/// The next time at which the record changes without an event.
pub(super) fn next_time(
    pod: &Pod,
    observation: &Observation,
    deadlines: Deadlines,
    now: Timestamp,
) -> Option<Timestamp> {
    let mut times = vec![
        pod.meter.full_at(),
        pod.volume_deletion.map(|deletion| deletion.at),
    ];
    times.extend(wait::times(pod, deadlines));
    if pod.desired == Desired::Running {
        let seen = live(pod, observation);
        let container = seen.and_then(|seen| seen.container.as_ref());
        times.push(seen.and_then(|seen| seen.passes_until));
        times.push(reachable_at(pod, observation, deadlines));
        times.push(moves_at(pod).filter(|_| seen.is_some_and(|seen| can_move(seen, now))));
        let runs_for = |seconds| container.map(|container| after(container.started_at, seconds));
        times.push(pod.retry_at);
        times.push(pod.failing_since.map(|since| after(since, GIVE_UP_SECONDS)));
        times.push(runs_for(ANSWER_SECONDS).filter(|_| pod.step == Step::Starting));
    }
    // Times in the past have had their effect already, or wait for an event.
    times.into_iter().flatten().filter(|at| *at > now).min()
}

/// The container whose time is charged. A container that became ready before the other objects of its pod were
/// created is free; once it serves, it is charged even if one of those objects can't be created again. A
/// container that should have been gone for minutes is free.
fn billable<'a>(pod: &Pod, observation: &'a Observation, now: Timestamp) -> Option<&'a Container> {
    let seen = observation.pod.as_ref()?;
    let serves = serves(pod, seen);
    let unmade = pod.reason.as_ref().filter(|_| !serves);
    let reason = seen.reason.as_ref().or(unmade);
    let late = wait::overdue_since(pod, now).is_some();
    let blocked = wait::is_blocked(pod) && !serves;
    let free = late || blocked || reason.is_some_and(|reason| !reason.code.is_billable());
    seen.container.as_ref().filter(|_| !free)
}

fn meter(pod: &Pod, observation: &Observation, now: Timestamp) -> Meter {
    let meter = pod.meter.clone();
    let wanted = pod.desired == Desired::Running;
    let container = billable(pod, observation, now);
    if meter.pending.is_some() {
        return meter;
    }
    if let Some(from) = meter.from {
        return match container {
            // A container other than the metered one is running, so the metered one has ended.
            Some(container) if meter.container.as_ref() != Some(&container.id) => {
                meter.ended(from, end_of_container(pod, observation, from, now))
            }
            Some(_) if meter.full_at().is_some_and(|full| full <= now) => meter.full(from, now, pod.price),
            Some(_) if meter.must_split(pod.price, pod.has_cap()) => meter.split(from, now, pod.price),
            Some(_) => meter,
            None => meter.ended(from, end_of_container(pod, observation, from, now)),
        };
    }
    if let Some(from) = meter.volume_from {
        let full = meter.full_at().is_some_and(|full| full <= now);
        return match pod.desired {
            Desired::Stopped if pod.loses_volume(now) => meter.volume_ended(from, now),
            Desired::Stopped if full => meter.volume_full(from, now, pod.price),
            Desired::Stopped => meter,
            Desired::Running | Desired::Deleted { .. } => meter.volume_ended(from, now),
        };
    }
    match (meter.hold_state, container) {
        (HoldState::None, _) if wanted => meter.open(pod.price),
        (HoldState::None, None)
            if pod.desired == Desired::Stopped && !pod.loses_volume(now) && !pod.has_lost_volume() =>
        {
            meter.stopped(now)
        }
        (HoldState::Opening | HoldState::Open, _) if !wanted => Meter {
            hold_state: HoldState::Closing,
            ..meter
        },
        (HoldState::Open, Some(container)) => meter.started(container, pod.requested_at, now, pod.price),
        _ => meter,
    }
}

/// The best known end of the metered container, never later than now.
fn end_of_container(pod: &Pod, observation: &Observation, from: Timestamp, now: Timestamp) -> Timestamp {
    let seen = observation.pod.as_ref();
    let is_metered = |id: Option<&String>| id.is_some() && id == pod.meter.container.as_ref();
    // The last container that ended may be a later one, if it started and ended unobserved.
    let finished = seen
        .filter(|seen| is_metered(seen.finished_id.as_ref()))
        .and_then(|seen| seen.finished_at);
    let runs = |seen: &&ObservedPod| is_metered(seen.container.as_ref().map(|container| &container.id));
    let unpaid = seen.filter(runs).and_then(|seen| {
        seen.reason
            .as_ref()
            .map(|reason| reason.since)
            .or_else(|| wait::overdue_since(pod, now))
    });
    // Without any trace, it is charged until it was last seen.
    finished
        .or(unpaid)
        .or(pod.meter.seen_at)
        .unwrap_or(from)
        .clamp(from, now.max(from))
}

fn running(next: &mut Pod, observation: &Observation, deadlines: Deadlines, now: Timestamp) {
    let live = live(next, observation);
    let container = live.and_then(|seen| seen.container.as_ref());
    next.started_at = container.map(|container| container.started_at);
    next.node = live.and_then(|seen| seen.node.clone());
    if let Some(container) = container
        && next.login.container.as_deref() != Some(&container.id)
    {
        // The token of an earlier container run is no longer valid.
        next.login.container = Some(container.id.clone());
        next.login.found = TokenState::Unknown;
        next.login.read_at = None;
    }
    next.last_end = live.and_then(|seen| seen.last_end.clone());
    next.reason = reason(next, observation, now);
    if let Some(node) = live.and_then(|seen| failed_node(seen, now)) {
        remember(&mut next.failed_nodes, node);
    }
    let stable = wait::stable_from(next).is_some_and(|from| from <= now);
    let failing = next
        .reason
        .as_ref()
        .is_some_and(|reason| reason.code.is_failure());
    if failing {
        next.failing_since.get_or_insert(now);
    } else if stable {
        next.attempts = 0;
        next.failing_since = None;
        next.wait = None;
    }
    next.step = match live {
        Some(seen) if is_reachable(next, seen, observation, deadlines, now) => Step::Ready,
        Some(seen) if seen.phase == Phase::Running => Step::Starting,
        Some(seen) => seen.step,
        None if next.meter.hold_state == HoldState::Open => Step::Scheduling,
        None => Step::Accepted,
    };
    let blocked = wait::is_blocked(next) && !live.is_some_and(|seen| serves(next, seen));
    let answers = container.is_some() && next.step == Step::Ready && next.reason.is_none() && !blocked;
    next.status = match (failing, answers) {
        (true, _) => Status::Error,
        (false, true) => Status::Running,
        (false, false) => Status::Creating,
    };
    retry(next, live, now);
    give_up(next, live, now);
    if next.desired == Desired::Running
        && let Some(reason) = wait::given_up(next, observation, deadlines, now)
    {
        next.reason = Some(reason);
        next.desired = Desired::Stopped;
        next.status = Status::Error;
    }
    next.wait = next.wait.take().filter(|_| next.desired == Desired::Running);
}

/// Whether the pod is ready, and its routes have had the time to learn of it.
fn is_reachable(
    pod: &Pod,
    seen: &ObservedPod,
    observation: &Observation,
    deadlines: Deadlines,
    now: Timestamp,
) -> bool {
    let is_ready = seen.phase == Phase::Running && seen.ready;
    is_ready && reachable_at(pod, observation, deadlines).is_none_or(|at| at <= now)
}

/// When the routes of a pod have had the time to learn that it is ready; `None`: they know it.
fn reachable_at(pod: &Pod, observation: &Observation, deadlines: Deadlines) -> Option<Timestamp> {
    let since = observation.ready_since.filter(|_| pod.step != Step::Ready)?;
    Some(since.saturating_add(deadlines.routes).unwrap_or(Timestamp::MAX))
}

fn remember(failed: &mut Vec<String>, node: &String) {
    if failed.last() == Some(node) {
        return;
    }
    failed.retain(|known| known != node);
    failed.push(node.clone());
    if failed.len() > MAX_FAILED_NODES {
        failed.remove(0);
    }
}

/// The reason why the pod does not run: that of its pod object, or else the error that prevented its objects
/// from being created.
fn reason(next: &Pod, observation: &Observation, now: Timestamp) -> Option<Reason> {
    let kept = next.reason.as_ref();
    let kept = kept.filter(|reason| reason.code != ReasonCode::StopDelayed);
    let delayed = wait::delayed(next, observation, now);
    let Some(seen) = live(next, observation) else {
        return delayed.or_else(|| kept.cloned());
    };
    // A server needs time to open its port, so failed probes are ignored until then.
    let (silent, reported): (Vec<_>, Vec<_>) = current_reason(seen, now)
        .into_iter()
        .cloned()
        .partition(|reason| reason.code == ReasonCode::NotAnswering);
    let silent = || {
        let since = after(seen.container.as_ref()?.started_at, ANSWER_SECONDS);
        let late = seen.phase == Phase::Running && !seen.ready && since <= now;
        let detail = silent.first().map_or("", |reason| &reason.detail);
        late.then(|| Reason::new(ReasonCode::NotAnswering, detail, since))
    };
    let incomplete = || kept.filter(|_| observation.objects != Objects::Complete).cloned();
    let reported = reported.into_iter().next();
    let failure = reported.clone().filter(|reason| reason.code.is_failure());
    let reason = failure
        .or(delayed)
        .or(reported)
        .or_else(silent)
        .or_else(incomplete)?;
    // The same cause in other words (`back-off 20s`) still began when it was first seen.
    match kept {
        Some(kept) if kept.code == reason.code => Some(Reason {
            since: kept.since,
            ..reason
        }),
        _ => Some(reason),
    }
}

/// Sets the time at which an ended pod object is replaced, and clears it once that has passed.
fn retry(next: &mut Pod, live: Option<&ObservedPod>, now: Timestamp) {
    match (next.retry_at, live) {
        (None, Some(seen)) if is_over(next, seen, now) => {
            let doubled = FIRST_RETRY_SECONDS << next.attempts.min(10);
            next.retry_at = Some(after(now, doubled.min(LONGEST_RETRY_SECONDS)));
            next.attempts += 1;
            next.failing_since.get_or_insert(now);
        }
        (Some(at), None) if at <= now => next.retry_at = None,
        (Some(_), Some(seen)) if !is_over(next, seen, now) => next.retry_at = None,
        _ => {}
    }
}

/// The status of a pod that should not run. A pod that was stopped by a rule has not failed.
fn status_when_stopped(reason: Option<&Reason>) -> Status {
    match reason {
        Some(reason) if reason.code.is_failure() => Status::Error,
        _ => Status::Stopped,
    }
}

/// Stops a pod that can't succeed, or has failed for too long. Its owner may start it again. A pod that serves
/// continues.
fn give_up(next: &mut Pod, live: Option<&ObservedPod>, now: Timestamp) {
    let Some(reason) = &next.reason else { return };
    let serves = live.is_some_and(|seen| serves(next, seen));
    if !reason.code.is_retryable() {
        next.desired = Desired::Stopped;
        next.status = status_when_stopped(Some(reason));
    } else if reason.code.is_failure()
        && !serves
        && next
            .failing_since
            .is_some_and(|since| after(since, GIVE_UP_SECONDS) <= now)
    {
        next.reason = Some(reason.given_up(now));
        next.desired = Desired::Stopped;
        next.status = Status::Error;
    }
}

fn stopped(next: &mut Pod, observation: &Observation, now: Timestamp) {
    let is_idle = next.desired == Desired::Stopped && next.meter.is_idle();
    if let Some(deletion) = next.volume_deletion.as_mut() {
        if deletion.decided && !deletion.done && observation.volume == ObservedVolume::Absent {
            deletion.done = true;
            // Not before: another pod may save the volume, and then this one was stopped for its earlier reason.
            next.reason = Some(Reason::new(ReasonCode::VolumeDeleted, "", deletion.at));
        }
        // All of its time has been charged, as far as the money went, and the last hour was not paid.
        deletion.decided |= is_idle && deletion.at <= now;
    }
    let delayed = wait::delayed(next, observation, now);
    // A transient reason is meaningless for a stopped pod.
    next.reason = next
        .reason
        .take()
        .filter(|reason| reason.code.is_failure() || reason.code.is_stop())
        .or(delayed);
    next.status = status_when_stopped(next.reason.as_ref());
    next.step = if observation.is_cleared() {
        Step::Stopped
    } else {
        Step::Stopping
    };
    next.started_at = None;
    next.node = None;
    next.last_end = None;
    next.retry_at = None;
    next.attempts = 0;
    next.failing_since = None;
}
