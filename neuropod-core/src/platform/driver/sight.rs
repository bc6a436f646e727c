//! What the driver knows of a pod in the cluster, and what follows from it.

use std::time::Duration;

use jiff::Timestamp;

use super::view::LastRun;
use crate::cluster::observation::Observation;
use crate::money::meter::MAX_OBSERVATION_AGE_SECONDS;
use crate::pod::record::Pod;
use crate::reconcile::{Action, Deadlines, reconcile};

/// After a longer time without a confirmation, nothing is charged on an observation.
const MAX_OBSERVATION_AGE: Duration = Duration::from_secs(MAX_OBSERVATION_AGE_SECONDS.unsigned_abs());

/// What is known of a pod in the cluster.
#[derive(Debug, Clone)]
pub(super) struct Sight {
    pub(super) observation: Observation,
    /// How long ago the cluster confirmed that the container runs.
    pub(super) confirmed: Duration,
    /// The process has stood still since.
    pub(super) is_outdated: bool,
    pub(super) last_run: Option<LastRun>,
    /// Whether the watch has shown all pods.
    pub(super) is_synced: bool,
    /// The watch does not say whether the pod object exists. It has not shown all pods yet, nor this one; or only calls
    /// have shown it, and it may be gone in a gap of the watch, which then never shows its end.
    pub(super) is_unwatched: bool,
}

impl Sight {
    /// Whether nothing can be charged on the observation before the cluster has confirmed it.
    pub(super) fn is_too_old(&self) -> bool {
        self.is_outdated || self.confirmed > MAX_OBSERVATION_AGE
    }

    /// When this pod needs its next pass, by its record.
    pub(super) fn next_pass(&self, pod: &Pod, deadlines: Deadlines, now: Timestamp) -> NextPass {
        let runs = self.observation.container().is_some();
        let asks = self.is_unwatched || self.is_too_old() && pod.meter.relies_on_observation(runs);
        if pod.is_deleted() || pod.loses_volume(now) || asks {
            return NextPass::Due;
        }
        let pod = self.complete(pod.clone());
        let mut until = None;
        for action in reconcile(&pod, &self.observation, deadlines, now) {
            match action {
                Action::RequeueAt { at } => until = Some(at),
                _ => return NextPass::Due,
            }
        }
        NextPass::At(until)
    }

    /// The record with the last time at which its container was confirmed to run. It is only stored with other changes.
    pub(super) fn complete(&self, mut pod: Pod) -> Pod {
        if let Some(run) = &self.last_run
            && pod.meter.container.as_ref() == Some(&run.container)
        {
            pod.meter.seen_at = pod.meter.seen_at.max(Some(run.at));
        }
        pod
    }
}

/// When a pod needs its next pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NextPass {
    /// Now.
    Due,
    /// At this time, if nothing happens before; `None`: only when something happens.
    At(Option<Timestamp>),
}
