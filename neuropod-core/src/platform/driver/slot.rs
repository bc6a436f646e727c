//! The controller's knowledge of each pod.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::backoff::Backoff;
use super::log_places::Rank;
use super::pass_report::PassEnd;
use super::pulse::Pulse;
use super::sight::Sight;
use super::token_capture::Capture;
use super::view::View;
use crate::error::kind::Error;
use crate::id::PodId;
use crate::platform::feed::Feed;
use crate::pod::record::Pod;

/// The first and the longest wait before a pass is repeated.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// How long to wait when a retry can't help before a repair.
const REPAIR: Duration = Duration::from_secs(30);
/// How long a replica drives a pod of another one after a call: until that one has read all records, which takes it five and
/// a half minutes at most, and it may not learn of the call before.
const CALLED: Duration = Duration::from_mins(6);

/// All pods that the controller knows of.
pub(super) struct Slots {
    pods: HashMap<PodId, Slot>,
    /// The pods without a record that were removed since the last resync began.
    forgotten: HashSet<PodId>,
    /// The time of the last full query of the cluster; at first that of the watch.
    pub(super) asked_at: Instant,
}

impl Slots {
    pub(super) fn new() -> Self {
        Self {
            pods: HashMap::new(),
            forgotten: HashSet::new(),
            asked_at: Instant::now(),
        }
    }

    /// The slot of a pod; a new one if the pod was not known.
    pub(super) fn entry(&mut self, id: &PodId) -> &mut Slot {
        let new = || Slot::new(self.asked_at);
        self.pods.entry(id.clone()).or_insert_with(new)
    }

    pub(super) fn get(&self, id: &PodId) -> Option<&Slot> {
        self.pods.get(id)
    }

    /// Removes a pod without a record.
    pub(super) fn forget(&mut self, id: &PodId) -> Option<Slot> {
        self.forgotten.insert(id.clone());
        self.pods.remove(id)
    }

    /// Whether the pod had no record since the last resync began: what that one finds of it may be from before.
    pub(super) fn is_forgotten(&self, id: &PodId) -> bool {
        self.forgotten.contains(id)
    }

    /// A resync begins: nothing is found yet, and no pass is newer than what it finds.
    pub(super) fn resync_begins(&mut self) {
        self.forgotten.clear();
        for slot in self.pods.values_mut() {
            slot.was_reconciled = false;
            slot.was_found = false;
        }
    }

    /// The pods that the last resync has not found in the store, in a fixed order.
    pub(super) fn not_found(&self) -> Vec<PodId> {
        let mut missing: Vec<_> = self.pods.iter().filter(|(_, slot)| !slot.was_found).collect();
        missing.sort_unstable_by_key(|(id, _)| *id);
        missing.into_iter().map(|(id, _)| id.clone()).collect()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&PodId, &mut Slot)> {
        self.pods.iter_mut()
    }
}

/// One pod in the controller.
pub(super) struct Slot {
    pub(super) view: View,
    /// When the cluster was last queried for the container in the view.
    pub(super) confirmed_at: Instant,
    /// Whether a pass has ended since the last resync began.
    pub(super) was_reconciled: bool,
    /// A resync contradicts what the pass under way may report: which objects there are is unknown after it.
    pub(super) is_doubtful: bool,
    /// Whether the last resync has found its record.
    pub(super) was_found: bool,
    /// The version of the record that was published last.
    version: u64,
    /// The last call for it in this process.
    called_at: Option<Instant>,
    /// The waits between repeated passes.
    backoff: Option<Backoff>,
    capture: Option<RunningCapture>,
}

struct RunningCapture {
    capture: Capture,
    task: AbortHandle,
    /// Tells the task how urgent the log is.
    rank: watch::Sender<Rank>,
}

impl Slot {
    /// A pod that was first seen after the full query of the cluster at `asked_at`.
    fn new(asked_at: Instant) -> Self {
        Self {
            view: View::default(),
            confirmed_at: asked_at,
            was_reconciled: false,
            is_doubtful: false,
            was_found: false,
            version: 0,
            called_at: None,
            backoff: None,
            capture: None,
        }
    }

    /// Publishes a record that another process has changed.
    pub(super) fn publish_news(&mut self, feed: &Feed, pod: &Pod) {
        if pod.version > self.version {
            self.version = pod.version;
            feed.publish(pod);
        }
    }

    /// Whether the last pass has to be repeated.
    pub(super) fn is_retrying(&self) -> bool {
        self.backoff.is_some()
    }

    /// The view, and how reliable it is. The watch confirmed all views at `watched_at`, and has shown all pods if it `is_synced`.
    pub(super) fn sight(&self, pulse: &Pulse, watched_at: Option<Instant>, is_synced: bool) -> Sight {
        let confirmed_at = watched_at.map_or(self.confirmed_at, |at| at.max(self.confirmed_at));
        Sight {
            observation: self.view.observation().clone(),
            confirmed: confirmed_at.elapsed(),
            is_outdated: !pulse.beats_since(confirmed_at),
            last_run: self.view.last_run().cloned(),
            is_synced,
            is_unwatched: self.view.is_unwatched(is_synced),
        }
    }

    /// How long to wait before the pass is repeated after this end; `None`: no repetition is needed.
    pub(super) fn retry_after(&mut self, id: &PodId, end: &PassEnd) -> Option<Duration> {
        match end {
            PassEnd::Done | PassEnd::RecordGone => {
                self.backoff = None;
                None
            }
            PassEnd::Waiting => Some(self.next_backoff()),
            PassEnd::Failed(error) => {
                self.log_failure(id, error);
                let least = if error.is_retryable() {
                    Duration::ZERO
                } else {
                    REPAIR
                };
                let asked = error.retry_after().unwrap_or_default();
                Some(self.next_backoff().max(least).max(asked))
            }
        }
    }

    /// Warns once for all failing attempts, so that an outage does not fill the log.
    fn log_failure(&self, id: &PodId, error: &Error) {
        let retryable = error.is_retryable();
        if self.backoff.is_none() {
            tracing::warn!(pod = %id, %error, retryable, "a reconcile pass failed; it is retried");
        } else {
            tracing::debug!(pod = %id, %error, retryable, "a reconcile pass failed again; it is retried");
        }
    }

    fn next_backoff(&mut self) -> Duration {
        let (first, longest) = RETRY;
        let backoff = self.backoff.get_or_insert_with(|| Backoff::new(first, longest));
        backoff.next_wait()
    }

    /// Whether this log is being read, or was read to its end. Its task is told if it has become more or less urgent.
    pub(super) fn is_capturing(&self, capture: &Capture) -> bool {
        let running = self.capture.as_ref();
        let running = running.filter(|running| running.capture.is_same_log(capture));
        if let Some(running) = running {
            let replace = |rank: &mut Rank| std::mem::replace(rank, capture.rank) != capture.rank;
            running.rank.send_if_modified(replace);
        }
        running.is_some()
    }

    /// Somebody asks for the pod, or has changed it: this replica drives it for a while, whoever else does, and a pause
    /// between two turns of its log ends.
    pub(super) fn note_call(&mut self) {
        self.called_at = Some(Instant::now());
        if let Some(running) = &self.capture {
            running.rank.send_modify(|_| {});
        }
    }

    /// Whether this replica drives the pod because of a call.
    pub(super) fn is_called(&self) -> bool {
        self.called_at.is_some_and(|at| at.elapsed() < CALLED)
    }

    /// Another replica drives the pod now: what this one was about to repeat or to read is left to that one.
    pub(super) fn hand_over(&mut self) {
        self.backoff = None;
        self.capture = None;
    }

    /// Notes which task reads the log. The task that reads the log of another container run is stopped.
    pub(super) fn set_capture(&mut self, capture: Capture, rank: watch::Sender<Rank>, task: AbortHandle) {
        self.capture = Some(RunningCapture { capture, task, rank });
    }
}

impl Drop for RunningCapture {
    fn drop(&mut self) {
        self.task.abort();
    }
}
