//! The workers of the controller: each makes a pass over one pod.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{self, JoinError};
use tokio::time::Instant;

use super::controller::{Controller, LONGEST_TIMER, SOON, until};
use super::pass_report::{PassEnd, PassReport};
use super::queue::Urgency;
use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::PodId;

/// The number of concurrent passes.
const MAX_WORKERS: usize = 32;
/// The number of passes up to which routine ones begin, and up to which those do that the watch asked for. The rest is
/// for calls.
const ROUTINE_WORKERS: usize = 20;
const WATCH_WORKERS: usize = 28;

impl Controller {
    /// Lets workers have pods, as many as may work side by side. Until the watch has shown all pods only calls are answered:
    /// the rest is read at once then.
    pub(super) fn start_workers(&mut self) {
        while self.workers.len() < MAX_WORKERS {
            let least = match self.workers.len() {
                _ if !self.is_synced => Urgency::Call,
                0..ROUTINE_WORKERS => Urgency::Routine,
                ROUTINE_WORKERS..WATCH_WORKERS => Urgency::Watch,
                _ => Urgency::Call,
            };
            let Some(id) = self.queue.next(least) else { return };
            let watched_at = self.stillness.confirmed_at();
            let slot = self.slots.entry(&id);
            let sight = slot.sight(&self.pulse, watched_at, self.is_synced);
            let (reconciler, pod) = (Arc::clone(&self.reconciler), id.clone());
            let task = if self.drives(&id) {
                self.workers
                    .spawn(async move { reconciler.reconcile(&pod, sight).await })
            } else {
                let returns = self.hints.is_none();
                self.workers
                    .spawn(async move { reconciler.read(&pod, sight, returns).await })
            };
            self.tasks.insert(task.id(), id);
        }
    }

    /// Takes in what a worker has found.
    pub(super) fn finish_pass(&mut self, done: Result<(task::Id, Result<PassReport>), JoinError>) {
        let (task, result) = match done {
            Ok((task, result)) => (task, result),
            Err(error) => (
                error.id(),
                Err(Error::new(ErrorKind::Unexpected, "a reconcile pass panicked").with_source(error)),
            ),
        };
        let Some(id) = self.tasks.remove(&task) else {
            return;
        };
        let report = result.unwrap_or_else(PassReport::failed);
        let again = self.queue.release(&id);
        let slot = self.slots.entry(&id);
        slot.was_reconciled = true;
        if report.status_unknown {
            slot.view.set_status_unknown();
        }
        if let Some(uid) = report.gone {
            slot.view.gone(uid);
        }
        for returned in report.returned {
            slot.view.returned(returned);
        }
        if std::mem::take(&mut slot.is_doubtful) {
            slot.view.set_status_unknown();
        }
        slot.view.note_readiness(self.clock.now());
        if let Some(record) = report.record {
            slot.publish_news(&self.feed, &record);
        }
        if matches!(report.end, PassEnd::RecordGone) {
            self.forget(&id);
        } else {
            let retry = slot.retry_after(&id, &report.end);
            let requeue = report.requeue_at.map(|at| until(at, self.clock.now()));
            let wait = retry.into_iter().chain(requeue).min();
            self.queue
                .requeue_after(&id, wait.map(|wait| wait.min(LONGEST_TIMER)));
            if let Some(capture) = report.capture
                && !slot.is_capturing(&capture)
            {
                let (reader, pod, log) = (Arc::clone(&self.token_capture), id.clone(), capture.clone());
                let (rank, ranks) = watch::channel(capture.rank);
                let task = self
                    .background
                    .spawn(async move { reader.run(&pod, &log, ranks).await });
                slot.set_capture(capture, rank, task);
            }
        }
        // Where the record is gone, there may be a new one under the same id.
        if let Some(urgency) = again {
            self.enqueue(id, urgency);
        }
    }

    /// Forgets a pod without a record: what is left of it in the cluster is an orphan. Only a resync finds the names of its
    /// objects, unless a resync has found them already and the orphan is being removed.
    fn forget(&mut self, id: &PodId) {
        self.queue.forget(id);
        self.feed.publish_gone(id);
        if let Some(slot) = self.slots.forget(id)
            && !slot.view.observation().is_cleared()
            && self.division.has(id)
            && !self.orphans.is_being_removed(id)
        {
            self.stillness.altered();
            self.next_resync = self.next_resync.min(Instant::now() + SOON);
        }
    }
}
