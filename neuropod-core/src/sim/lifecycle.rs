//! What the kubelet does: how a pod goes from one state to the next.

use std::time::Duration;

use jiff::Timestamp;

use super::incident::{Incident, Obstacle, back_off};
use super::log::{self, Line};
use super::logs::Log;
use super::pod::{Run, SimPod, State};
use super::world::{Entry, World, later};
use crate::cluster::reason::ReasonCode;
use crate::id::PodId;

/// From the start of a container that does not last to its end.
const CRASH_AFTER: Duration = Duration::from_secs(1);
/// From the loss of a node to its removal, which removes its pod objects.
const NODE_REMOVED_AFTER: Duration = Duration::from_mins(1);

impl World {
    /// The pod does the next thing.
    pub(super) fn step(&mut self, pod_id: &PodId) {
        self.schedule(pod_id, None);
        let Some(pod) = self.pod(pod_id) else { return };
        let settings = &self.settings;
        let (prepare, pull, start) = (settings.prepare, settings.pull, settings.start);
        match pod.state {
            _ if pod.terminating && self.is_obstructed(pod_id, Obstacle::Unkillable) => return,
            _ if pod.terminating => return self.finish_termination(pod_id),
            State::Scheduling => {
                use Obstacle::{NoGpuFree, Unschedulable, VolumePending};
                if !self.is_stopped_by(pod_id, &[NoGpuFree, Unschedulable, VolumePending])
                    && self.place(pod_id)
                {
                    self.enter_state(pod_id, State::Preparing, prepare);
                }
            }
            State::Preparing if self.is_obstructed(pod_id, Obstacle::Hanging) => {}
            State::Preparing if self.is_obstructed(pod_id, Obstacle::NodeRefuses) => {
                let (code, text) = Obstacle::NodeRefuses.reason("");
                self.end_pod(pod_id, code, &text);
                if let Some(pod) = self.pod_mut(pod_id) {
                    pod.node_fault = true;
                }
            }
            State::Preparing => {
                if !self.is_stopped_by(pod_id, &[Obstacle::MountFailing, Obstacle::MountSlow]) {
                    self.enter_state(pod_id, State::Pulling, pull);
                }
            }
            State::Pulling => {
                use Obstacle::{ImageInvalid, ImageMissing, PullFailing};
                if !self.is_stopped_by(pod_id, &[ImageInvalid, ImageMissing, PullFailing]) {
                    self.enter_state(pod_id, State::Starting, start);
                }
            }
            State::Starting => {
                use Obstacle::{ConfigError, NodeFault, StartError, WrongArchitecture};
                if !self.is_stopped_by(pod_id, &[ConfigError, NodeFault, StartError, WrongArchitecture]) {
                    self.start_container(pod_id);
                }
            }
            State::BackOff => self.start_container(pod_id),
            State::Running { .. } => {
                if !self.is_stopped_by(pod_id, &[Obstacle::NeverReady]) {
                    self.answer(pod_id);
                }
            }
            State::Ended => {}
            State::Lost => return self.drop_pod(pod_id),
        }
        self.publish(pod_id);
    }

    fn enter_state(&mut self, pod_id: &PodId, state: State, time: Duration) {
        let now = self.now;
        if let Some(pod) = self.pod_mut(pod_id) {
            pod.state = state;
            pod.entered_at = Some(now);
            pod.reason = None;
        }
        self.schedule(pod_id, Some(time));
    }

    /// Whether one of the obstacles is there; it becomes the reason.
    fn is_stopped_by(&mut self, pod_id: &PodId, obstacles: &[Obstacle]) -> bool {
        let mut found = obstacles.iter().copied();
        let Some(obstacle) = found.find(|obstacle| self.is_obstructed(pod_id, *obstacle)) else {
            return false;
        };
        let now = self.now;
        if let Some(pod) = self.pod_mut(pod_id) {
            let (code, detail) = obstacle.reason(&pod.workload.container.image);
            pod.blame(code, detail, now);
            pod.node_fault = obstacle.is_of_the_node();
            let since = pod.reason.as_ref().map_or(now, |reason| reason.since);
            pod.passes_until = obstacle.may_pass_for().map(|time| later(since, time));
        }
        true
    }

    fn start_container(&mut self, pod_id: &PodId) {
        let (id, token) = (format!("containerd://{}", self.hex(32)), self.hex(24));
        let (now, time) = (self.now, self.settings.ready);
        let hangs = self.is_obstructed(pod_id, Obstacle::NeverReady);
        let Some(pod) = self.pod_mut(pod_id) else { return };
        let mut lines = log::of(&pod.workload, &token, now, time);
        if hangs {
            lines.truncate(1);
        }
        pod.previous = pod.container.replace(Run::new(id.clone(), now, lines));
        let previous = pod.previous.clone();
        if previous.is_some() {
            pod.restarts += 1;
        }
        pod.started_at.get_or_insert(now);
        pod.last_end = pod.reason.take().filter(|_| previous.is_some());
        let ready = pod.workload.container.ready_port.is_none() && !hangs;
        pod.state = State::Running { ready };
        self.schedule(pod_id, (!ready).then_some(time));
        if let Some(previous) = previous {
            self.note_ended(pod_id, &previous);
        }
        if let Some(every) = self.settings.chatter {
            self.enter(time + every, Entry::Chatter(pod_id.clone(), id.clone()));
        }
        for (after, incident) in self.planned.remove(pod_id).unwrap_or_default() {
            self.enter(after, Entry::Strike(pod_id.clone(), id.clone(), incident));
        }
        if self.is_obstructed(pod_id, Obstacle::CrashLoop) {
            self.enter(CRASH_AFTER, Entry::Strike(pod_id.clone(), id, Incident::Exit));
        }
    }

    /// The container accepts connections.
    fn answer(&mut self, pod_id: &PodId) {
        let now = self.now;
        let Some(pod) = self.pod_mut(pod_id) else { return };
        pod.state = State::Running { ready: true };
        pod.reason = None;
        if let Some(run) = pod.running() {
            Log::with(&run.log, |log| log.hasten(now));
        }
    }

    /// Moves the past of a pod back by so much.
    pub(super) fn age(&mut self, pod_id: &PodId, by: Duration) {
        let earlier = |at: Timestamp| at.saturating_sub(by).unwrap_or(Timestamp::MIN);
        let Some(pod) = self.pod_mut(pod_id) else { return };
        pod.started_at = pod.started_at.map(earlier);
        pod.entered_at = pod.entered_at.map(earlier);
        pod.ends_by = pod.ends_by.map(earlier);
        for run in [&mut pod.container, &mut pod.previous].into_iter().flatten() {
            run.started_at = earlier(run.started_at);
            run.finished_at = run.finished_at.map(earlier);
        }
        self.publish(pod_id);
    }

    /// A container prints a line, and will print the next one, as long as it runs.
    pub(super) fn chatter(&mut self, pod_id: &PodId, container: String) {
        let (now, every) = (self.now, self.settings.chatter);
        let Some(pod) = self.pod_mut(pod_id) else { return };
        let line = log::chatter(&pod.workload, now);
        let Some(run) = pod.running().filter(|run| run.id == container) else {
            return;
        };
        Log::with(&run.log, |log| log.print(line));
        if let Some(every) = every {
            self.enter(every, Entry::Chatter(pod_id.clone(), container));
        }
    }

    /// Something happens to one container, if it still runs.
    pub(super) fn strike_container(&mut self, pod_id: &PodId, container: &str, incident: Incident) {
        let running = self.pod_mut(pod_id).and_then(|pod| pod.running());
        if running.is_some_and(|run| run.id == container) {
            self.strike(pod_id, incident);
        }
    }

    /// Something happens to the pod.
    pub(super) fn strike(&mut self, pod_id: &PodId, incident: Incident) {
        let Some(pod) = self.pod(pod_id) else { return };
        if matches!(pod.state, State::Ended | State::Lost) {
            return;
        }
        match incident {
            Incident::Exit | Incident::OutOfMemory => {
                self.end_container(pod_id, incident == Incident::OutOfMemory);
            }
            Incident::ServerKilled => self.restart_server(pod_id),
            Incident::Evicted => {
                let text =
                    "The node was low on resource: memory. Threshold quantity: 100Mi, available: 96Mi.";
                self.end_pod(pod_id, ReasonCode::Evicted, text);
            }
            Incident::DiskExceeded => {
                let text = "Pod ephemeral local storage usage exceeds the total limit of containers.";
                self.end_pod(pod_id, ReasonCode::DiskExceeded, text);
            }
            Incident::NodeLost => {
                let now = self.now;
                if let Some(pod) = self.pod_mut(pod_id) {
                    pod.state = State::Lost;
                    pod.blame(
                        ReasonCode::NodeLost,
                        "Node which was running the pod is unresponsive".to_owned(),
                        now,
                    );
                }
                self.schedule(pod_id, Some(NODE_REMOVED_AFTER));
            }
        }
        self.publish(pod_id);
    }

    /// The server in the container begins anew, and the container does not.
    fn restart_server(&mut self, pod_id: &PodId) {
        let (now, token) = (self.now, self.hex(24));
        let Some(pod) = self.pod_mut(pod_id) else { return };
        let lines = log::of(&pod.workload, &token, now, Duration::ZERO);
        if let Some(run) = pod.running() {
            Log::with(&run.log, |log| lines.into_iter().for_each(|line| log.print(line)));
            pod.closed_at = Some(now);
        }
    }

    /// A program in the container prints something.
    pub(super) fn print(&mut self, pod_id: &PodId, text: &str) {
        let now = self.now;
        let Some(run) = self.pod_mut(pod_id).and_then(SimPod::running) else {
            return;
        };
        for text in text.lines() {
            let line = Line {
                at: now,
                text: text.to_owned(),
            };
            Log::with(&run.log, |log| log.print(line));
        }
    }

    /// The container ends by itself; the kubelet starts it again, unless the pod is being deleted.
    fn end_container(&mut self, pod_id: &PodId, out_of_memory: bool) {
        let (now, start) = (self.now, self.settings.start);
        let loops = self.is_obstructed(pod_id, Obstacle::CrashLoop);
        let Some(pod) = self.pod_mut(pod_id) else { return };
        let Some(run) = pod.running() else { return };
        run.finish(now);
        if pod.terminating {
            return self.finish_termination(pod_id);
        }
        pod.state = State::BackOff;
        let wait = if out_of_memory {
            let text = "the container used more memory than its limit (OOMKilled, exit code 137)";
            pod.blame(ReasonCode::OutOfMemory, text.to_owned(), now);
            back_off(pod.restarts + 1)
        } else if loops || pod.restarts > 0 {
            let (code, detail) = Obstacle::CrashLoop.reason("");
            pod.blame(code, detail, now);
            back_off(pod.restarts)
        } else {
            pod.blame(ReasonCode::ContainerExited, "exit code 1".to_owned(), now);
            start
        };
        self.schedule(pod_id, Some(wait));
    }

    /// The pod ends for good; its object stays.
    fn end_pod(&mut self, pod_id: &PodId, code: ReasonCode, detail: &str) {
        let now = self.now;
        self.schedule(pod_id, None);
        let Some(pod) = self.pod_mut(pod_id) else { return };
        if let Some(run) = pod.running() {
            run.finish(now);
        }
        pod.state = State::Ended;
        pod.blame(code, detail.to_owned(), now);
        let (held, terminating) = (pod.gpus.take().is_some(), pod.terminating);
        let freed = held || self.settings.one_node_volumes;
        if terminating {
            self.finish_termination(pod_id);
        }
        if freed {
            self.retry_unscheduled();
        }
    }

    /// Asks the pod to end, as the API server does when its object is deleted.
    pub(super) fn terminate(&mut self, pod_id: &PodId) {
        let (now, time) = (self.now, self.settings.terminate);
        let unkillable = self.is_obstructed(pod_id, Obstacle::Unkillable);
        let ignores = unkillable || self.is_obstructed(pod_id, Obstacle::IgnoresTermination);
        let Some(pod) = self.pod_mut(pod_id).filter(|pod| !pod.terminating) else {
            return;
        };
        pod.terminating = true;
        let state = pod.state;
        let grace = Duration::from_secs(pod.workload.grace_seconds.into());
        pod.ends_by = now.checked_add(grace).ok();
        if !ignores {
            let last = log::stopping(&pod.workload, now);
            if let Some(run) = pod.running() {
                Log::with(&run.log, |log| log.print_last(now, last));
            }
        }
        self.writes += 1;
        match state {
            // No kubelet has anything to end.
            State::Scheduling | State::Ended => return self.drop_pod(pod_id),
            State::Lost => {}
            _ if unkillable => self.schedule(pod_id, None),
            _ => self.schedule(pod_id, Some(if ignores { grace } else { time.min(grace) })),
        }
        self.publish(pod_id);
    }

    /// The container of a pod that is being deleted ends, and the pod object goes.
    fn finish_termination(&mut self, pod_id: &PodId) {
        let now = self.now;
        let Some(pod) = self.pod_mut(pod_id) else { return };
        if pod.state != State::Lost {
            if let Some(run) = pod.running() {
                run.finish(now);
            }
            pod.state = State::Ended;
        }
        self.publish(pod_id);
        self.drop_pod(pod_id);
    }
}
