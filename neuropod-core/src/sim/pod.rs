//! A pod object and its containers.

use jiff::Timestamp;

use super::agenda::Turn;
use super::log_buffer::{LogBuffer, SharedLog};
use super::log_text::LogLine;
use super::mishap::Mishap;
use crate::cluster::observation::{Container, Ending, ObservedPod, Phase, Step};
use crate::cluster::reason::{Reason, ReasonCode};
use crate::cluster::workload::Workload;
use crate::id::PodId;

/// The state of a pod object. The kubelet moves it from one to the next in this order; after the end of a
/// container, `BackOff` leads back to `Running`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PodState {
    /// No node is chosen yet.
    Scheduling,
    /// The node mounts the volume.
    Preparing,
    /// The node pulls the image.
    Pulling,
    /// The runtime starts the container.
    Starting,
    /// A container runs.
    Running {
        /// Its port accepts connections.
        ready: bool,
    },
    /// The container ended; the next one starts after a delay.
    BackOff,
    /// The pod ended for good; its object stays.
    Ended,
    /// The node is not responding; its pods are removed with it.
    Lost,
}

/// A pod object.
pub(super) struct SimPod {
    pub(super) uid: String,
    pub(super) run: u64,
    pub(super) spec_hash: String,
    /// The number of the pod object, in order of creation.
    pub(super) order: u64,
    /// The number of its services, routes, policies and secrets.
    pub(super) companions: usize,
    pub(super) workload: Workload,
    pub(super) state: PodState,
    /// The time of its next step; `None` if a mishap blocks it, or it has ended.
    pub(super) next_step: Option<Turn>,
    pub(super) terminating: bool,
    pub(super) reason: Option<Reason>,
    /// Whether the node is at fault for the reason.
    pub(super) node_fault: bool,
    /// The time until which the reason may pass.
    pub(super) passes_until: Option<Timestamp>,
    /// The time at which it entered its state; `None` if it has no node yet.
    pub(super) entered_at: Option<Timestamp>,
    /// The end of its grace period, if it was asked to end.
    pub(super) ends_by: Option<Timestamp>,
    /// How the previous container ended.
    pub(super) last_end: Option<Reason>,
    pub(super) restarts: u32,
    /// The container that runs, or ran last.
    pub(super) container: Option<ContainerRun>,
    /// The container before that.
    pub(super) previous: Option<ContainerRun>,
    pub(super) started_at: Option<Timestamp>,
    /// When its port was last found closed.
    pub(super) closed_at: Option<Timestamp>,
    /// Its GPUs: the index of their pool, which is its node, and their number.
    pub(super) gpus: Option<(usize, u32)>,
}

/// One run of a container, with its log.
#[derive(Debug, Clone)]
pub(super) struct ContainerRun {
    pub(super) id: String,
    pub(super) started_at: Timestamp,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) log: SharedLog,
}

impl ContainerRun {
    pub(super) fn new(id: String, started_at: Timestamp, lines: Vec<LogLine>) -> Self {
        Self {
            id,
            started_at,
            finished_at: None,
            log: LogBuffer::new(lines),
        }
    }

    /// The times at which it ran; `end` applies if no end was seen.
    pub(super) fn history(&self, pod_id: &PodId, end: Option<Timestamp>) -> ContainerHistory {
        ContainerHistory {
            pod_id: pod_id.clone(),
            started_at: self.started_at,
            ended_at: self.finished_at.or(end),
        }
    }

    /// Ends it. Its future lines are not printed.
    pub(super) fn finish(&mut self, now: Timestamp) {
        self.finished_at = Some(now);
        LogBuffer::with(&self.log, |log| log.close(now));
    }
}

/// The true times of a container, whatever the watches and calls reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerHistory {
    /// The pod it belonged to.
    pub pod_id: PodId,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended; `None` if it runs.
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
            state: PodState::Scheduling,
            next_step: None,
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
    pub(super) fn running(&mut self) -> Option<&mut ContainerRun> {
        self.container.as_mut().filter(|run| run.finished_at.is_none())
    }

    /// Sets the reason. A reason with the same cause as before keeps its time.
    pub(super) fn blame(&mut self, code: ReasonCode, detail: String, now: Timestamp) {
        let reason = Reason::new(code, detail, now);
        self.node_fault = false;
        self.passes_until = None;
        if !self.reason.as_ref().is_some_and(|old| old.says_the_same(&reason)) {
            self.reason = Some(reason);
        }
    }

    /// Sets the reason for the mishap, if a cluster reports one.
    pub(super) fn blame_mishap(&mut self, mishap: Mishap, now: Timestamp) {
        if let Some((code, detail)) = mishap.reason(&self.workload.container.image) {
            self.blame(code, detail, now);
        }
    }

    /// The node that was chosen: that of its GPUs, else the first.
    pub(super) fn node(&self) -> Option<String> {
        let pool = self.gpus.map_or(0, |(pool, _)| pool);
        (self.state != PodState::Scheduling).then(|| node_name(pool))
    }

    /// The index of the node where its volume is mounted.
    pub(super) fn node_index(&self) -> Option<usize> {
        let mounted = !matches!(self.state, PodState::Scheduling | PodState::Ended);
        mounted.then(|| self.gpus.map_or(0, |(pool, _)| pool))
    }

    /// The pod as the API server shows it.
    pub(super) fn observed(&self) -> ObservedPod {
        let (phase, step) = match self.state {
            PodState::Scheduling => (Phase::Pending, Step::Scheduling),
            PodState::Preparing => (Phase::Pending, Step::Preparing),
            PodState::Pulling => (Phase::Pending, Step::PullingImage),
            PodState::Starting => (Phase::Pending, Step::Starting),
            PodState::Running { ready: true } => (Phase::Running, Step::Ready),
            PodState::Running { ready: false } | PodState::BackOff => (Phase::Running, Step::Starting),
            PodState::Ended => (Phase::Ended, Step::Starting),
            PodState::Lost => (Phase::Unknown, Step::Starting),
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
            ready: self.state == PodState::Running { ready: true } && running.is_some(),
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
