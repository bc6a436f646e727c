use jiff::Timestamp;

use super::log::Line;
use super::logs::{Log, SharedLog};
use super::world::Turn;
use crate::cluster::observation::{Container, Ending, ObservedPod, Phase, Step};
use crate::cluster::reason::{Reason, ReasonCode};
use crate::cluster::workload::Workload;
use crate::id::PodId;

/// Where a pod object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Scheduling,
    Preparing,
    Pulling,
    Starting,
    Running { ready: bool },
    BackOff,
    Ended,
    Lost,
}

/// A pod object.
pub(super) struct SimPod {
    pub(super) uid: String,
    pub(super) run: u64,
    pub(super) spec_hash: String,
    /// Counts the pod objects in the order in which they were made.
    pub(super) order: u64,
    /// How many services, routes, policies and secrets belong to it.
    pub(super) companions: usize,
    pub(super) workload: Workload,
    pub(super) state: State,
    /// When it goes on by itself; `None`: something stands in its way, or it is at its end.
    pub(super) turn: Option<Turn>,
    pub(super) terminating: bool,
    pub(super) reason: Option<Reason>,
    /// The reason is the fault of its node.
    pub(super) node_fault: bool,
    /// Until then the reason may pass by itself.
    pub(super) passes_until: Option<Timestamp>,
    /// When it came to the state that it is in, on its node.
    pub(super) entered_at: Option<Timestamp>,
    /// By when it should be gone, once it is asked to go.
    pub(super) ends_by: Option<Timestamp>,
    /// How the container before this one ended.
    pub(super) last_end: Option<Reason>,
    pub(super) restarts: u32,
    /// The container that runs, or ran last.
    pub(super) container: Option<Run>,
    /// The one before.
    pub(super) previous: Option<Run>,
    pub(super) started_at: Option<Timestamp>,
    /// When its port was last found closed.
    pub(super) closed_at: Option<Timestamp>,
    /// The GPUs it has: the index of their pool, which is its node, and how many.
    pub(super) gpus: Option<(usize, u32)>,
}

/// One run of a container.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) id: String,
    pub(super) started_at: Timestamp,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) log: SharedLog,
}

impl Run {
    pub(super) fn new(id: String, started_at: Timestamp, lines: Vec<Line>) -> Self {
        Self {
            id,
            started_at,
            finished_at: None,
            log: Log::new(lines),
        }
    }

    /// What it was; where nobody saw its end that is at `end`.
    pub(super) fn history(&self, pod_id: &PodId, end: Option<Timestamp>) -> ContainerRun {
        ContainerRun {
            pod_id: pod_id.clone(),
            started_at: self.started_at,
            ended_at: self.finished_at.or(end),
        }
    }

    /// Ends it: what it would have printed later is not printed.
    pub(super) fn finish(&mut self, now: Timestamp) {
        self.finished_at = Some(now);
        Log::with(&self.log, |log| log.close(now));
    }
}

/// One run of a container, as it really was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerRun {
    /// Of which pod.
    pub pod_id: PodId,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended; `None`: it runs.
    pub ended_at: Option<Timestamp>,
}

/// The name of the node of a pool of GPUs.
pub(super) fn node_name(pool: usize) -> String {
    format!("node-{}", pool + 1)
}

impl SimPod {
    pub(super) fn new(uid: String, order: u64, workload: Workload, companions: usize) -> Self {
        Self {
            uid,
            run: workload.run,
            spec_hash: workload.spec_hash(),
            order,
            companions,
            workload,
            state: State::Scheduling,
            turn: None,
            terminating: false,
            reason: None,
            node_fault: false,
            passes_until: None,
            entered_at: None,
            ends_by: None,
            last_end: None,
            restarts: 0,
            container: None,
            previous: None,
            started_at: None,
            closed_at: None,
            gpus: None,
        }
    }

    /// The container that runs now.
    pub(super) fn running(&mut self) -> Option<&mut Run> {
        self.container.as_mut().filter(|run| run.finished_at.is_none())
    }

    /// Gives the cause; one that says the same keeps the time since when it holds.
    pub(super) fn blame(&mut self, code: ReasonCode, detail: String, now: Timestamp) {
        let reason = Reason::new(code, detail, now);
        self.node_fault = false;
        self.passes_until = None;
        if !self.reason.as_ref().is_some_and(|old| old.says_the_same(&reason)) {
            self.reason = Some(reason);
        }
    }

    /// The node that was chosen: that of its GPUs, else the first.
    fn node(&self) -> Option<String> {
        let pool = self.gpus.map_or(0, |(pool, _)| pool);
        (self.state != State::Scheduling).then(|| node_name(pool))
    }

    /// The index of the node where its volume is mounted.
    pub(super) fn node_index(&self) -> Option<usize> {
        let mounted = !matches!(self.state, State::Scheduling | State::Ended);
        mounted.then(|| self.gpus.map_or(0, |(pool, _)| pool))
    }

    /// The pod as the API server shows it.
    pub(super) fn observed(&self) -> ObservedPod {
        let (phase, step) = match self.state {
            State::Scheduling => (Phase::Pending, Step::Scheduling),
            State::Preparing => (Phase::Pending, Step::Preparing),
            State::Pulling => (Phase::Pending, Step::PullingImage),
            State::Starting => (Phase::Pending, Step::Starting),
            State::Running { ready: true } => (Phase::Running, Step::Ready),
            State::Running { ready: false } | State::BackOff => (Phase::Running, Step::Starting),
            State::Ended => (Phase::Ended, Step::Starting),
            State::Lost => (Phase::Unknown, Step::Starting),
        };
        let running = self.container.as_ref().filter(|run| run.finished_at.is_none());
        let mut runs = [&self.container, &self.previous].into_iter().flatten();
        let finished = runs.find(|run| run.finished_at.is_some());
        ObservedPod {
            uid: self.uid.clone(),
            run: self.run,
            spec_hash: self.spec_hash.clone(),
            node: self.node(),
            phase,
            step: if self.terminating { Step::Stopping } else { step },
            terminating: self.terminating,
            ready: self.state == State::Running { ready: true } && running.is_some(),
            container: running.map(|run| Container {
                id: run.id.clone(),
                started_at: run.started_at,
            }),
            started_at: self.started_at,
            finished_at: finished.and_then(|run| run.finished_at),
            finished_id: finished.map(|run| run.id.clone()),
            restarts: self.restarts,
            closed_at: self.closed_at,
            reason: self.reason.clone(),
            passes_until: self.passes_until.filter(|_| self.reason.is_some()),
            node_fault: self.reason.is_some() && self.node_fault,
            step_since: self.entered_at,
            ending: self.ends_by.map(|by| Ending {
                by,
                held_by: String::new(),
            }),
            last_end: self.last_end.clone().filter(|_| running.is_some()),
        }
    }
}
