//! The containers of a pod: how they start, print, restart and end.

use std::time::Duration;

use jiff::Timestamp;

use super::agenda::SimEvent;
use super::log_buffer::LogBuffer;
use super::log_text::{LogLine, chatter_line, startup_lines};
use super::mishap::Mishap;
use super::pod::{ContainerRun, PodState, SimPod};
use super::state::ClusterState;
use super::termination;
use crate::id::PodId;

/// The lifetime of a container in a crash loop.
const CRASH_AFTER: Duration = Duration::from_secs(1);

pub(super) fn start_container(cluster: &mut ClusterState, pod_id: &PodId) {
    let (id, token) = (
        format!("containerd://{}", cluster.random_hex(32)),
        cluster.random_hex(24),
    );
    let (now, time) = (cluster.now, cluster.settings.ready);
    let hangs = cluster.has_mishap(pod_id, Mishap::NeverReady);
    let Some(pod) = cluster.pod_mut(pod_id) else {
        return;
    };
    let mut lines = startup_lines(&pod.workload, &token, now, time);
    if hangs {
        lines.truncate(1);
    }
    pod.previous = pod.container.replace(ContainerRun::new(id.clone(), now, lines));
    let previous = pod.previous.clone();
    if previous.is_some() {
        pod.restarts += 1;
    }
    pod.started_at.get_or_insert(now);
    pod.last_end = pod.reason.take().filter(|_| previous.is_some());
    let ready = pod.workload.container.ready_port.is_none() && !hangs;
    pod.state = PodState::Running { ready };
    cluster.schedule_step(pod_id, (!ready).then_some(time));
    if let Some(previous) = previous {
        cluster.note_ended(pod_id, &previous);
    }
    if let Some(every) = cluster.settings.chatter {
        cluster.enter(time + every, SimEvent::Chatter(pod_id.clone(), id.clone()));
    }
    for (after, mishap) in cluster.planned.remove(pod_id).unwrap_or_default() {
        cluster.enter(after, SimEvent::Inject(pod_id.clone(), id.clone(), mishap));
    }
    if cluster.has_mishap(pod_id, Mishap::CrashLoop) {
        cluster.enter(CRASH_AFTER, SimEvent::Inject(pod_id.clone(), id, Mishap::Exit));
    }
}

/// The container accepts connections.
pub(super) fn become_ready(cluster: &mut ClusterState, pod_id: &PodId) {
    let now = cluster.now;
    let Some(pod) = cluster.pod_mut(pod_id) else {
        return;
    };
    pod.state = PodState::Running { ready: true };
    pod.reason = None;
    if let Some(run) = pod.running() {
        LogBuffer::with(&run.log, |log| log.hasten(now));
    }
}

/// The server in the container restarts, but not the container.
pub(super) fn restart_server(cluster: &mut ClusterState, pod_id: &PodId) {
    let (now, token) = (cluster.now, cluster.random_hex(24));
    let Some(pod) = cluster.pod_mut(pod_id) else {
        return;
    };
    let lines = startup_lines(&pod.workload, &token, now, Duration::ZERO);
    if let Some(run) = pod.running() {
        LogBuffer::with(&run.log, |log| lines.into_iter().for_each(|line| log.print(line)));
        pod.closed_at = Some(now);
    }
}

/// The container ends by itself. The kubelet restarts it, unless the pod is being deleted.
pub(super) fn end_container(cluster: &mut ClusterState, pod_id: &PodId, out_of_memory: bool) {
    let (now, start) = (cluster.now, cluster.settings.start);
    let loops = cluster.has_mishap(pod_id, Mishap::CrashLoop);
    let Some(pod) = cluster.pod_mut(pod_id) else {
        return;
    };
    let Some(run) = pod.running() else { return };
    run.finish(now);
    if pod.terminating {
        return termination::finish_termination(cluster, pod_id);
    }
    pod.state = PodState::BackOff;
    let (cause, wait) = if out_of_memory {
        (Mishap::OutOfMemory, back_off(pod.restarts + 1))
    } else if loops || pod.restarts > 0 {
        (Mishap::CrashLoop, back_off(pod.restarts))
    } else {
        (Mishap::Exit, start)
    };
    pod.blame_mishap(cause, now);
    cluster.schedule_step(pod_id, Some(wait));
}

/// The delay before the kubelet starts a container for the `restarts`th time (`CrashLoopBackOff`).
fn back_off(restarts: u32) -> Duration {
    let factor = 1 << restarts.saturating_sub(1).min(5);
    (Duration::from_secs(10) * factor).min(Duration::from_mins(5))
}

/// The container prints a line now, and schedules the next one, as long as it runs.
pub(super) fn chatter(cluster: &mut ClusterState, pod_id: &PodId, container: String) {
    let (now, every) = (cluster.now, cluster.settings.chatter);
    let Some(pod) = cluster.pod_mut(pod_id) else {
        return;
    };
    let line = chatter_line(&pod.workload, now);
    let Some(run) = pod.running().filter(|run| run.id == container) else {
        return;
    };
    LogBuffer::with(&run.log, |log| log.print(line));
    if let Some(every) = every {
        cluster.enter(every, SimEvent::Chatter(pod_id.clone(), container));
    }
}

/// A program in the container prints these lines.
pub(super) fn print(cluster: &mut ClusterState, pod_id: &PodId, text: &str) {
    let now = cluster.now;
    let Some(run) = cluster.pod_mut(pod_id).and_then(SimPod::running) else {
        return;
    };
    for text in text.lines() {
        let line = LogLine {
            at: now,
            text: text.to_owned(),
        };
        LogBuffer::with(&run.log, |log| log.print(line));
    }
}

/// Moves the history of a pod back by this much.
pub(super) fn age(cluster: &mut ClusterState, pod_id: &PodId, by: Duration) {
    let earlier = |at: Timestamp| at.saturating_sub(by).unwrap_or(Timestamp::MIN);
    let Some(pod) = cluster.pod_mut(pod_id) else {
        return;
    };
    pod.started_at = pod.started_at.map(earlier);
    pod.entered_at = pod.entered_at.map(earlier);
    pod.ends_by = pod.ends_by.map(earlier);
    for run in [&mut pod.container, &mut pod.previous].into_iter().flatten() {
        run.started_at = earlier(run.started_at);
        run.finished_at = run.finished_at.map(earlier);
    }
    cluster.publish(pod_id);
}
