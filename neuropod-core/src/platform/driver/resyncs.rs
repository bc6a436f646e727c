//! The resyncs of the controller. What one of them finds is taken in part by part: calls and events come between.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinError;
use tokio::time::Instant;

use super::controller::{BLIND, Controller, LONGEST_TIMER, SOON, before, until};
use super::pass::NEWS;
use super::queue::Urgency;
use super::resync::Part;
use super::sight::NextPass;
use crate::cluster::backend::OwnedWorkload;
use crate::cluster::observation::Observation;
use crate::error::kind::{Error, ErrorKind, Result};
use crate::pod::record::Pod;

/// How often everything is read when nothing requires it.
const RESYNC: Duration = Duration::from_mins(5);

impl Controller {
    /// Begins to read everything, or plans to do so soon while a resync is under way.
    pub(super) fn start_resync(&mut self) {
        if !self.resyncs.is_empty() {
            self.next_resync = Instant::now() + SOON;
            return;
        }
        let resync = self.resync.clone();
        if !self.is_synced {
            let is_news = !std::mem::replace(&mut self.is_blind, true);
            self.background
                .spawn(async move { resync.explain_waiting(is_news).await });
            self.next_resync = Instant::now() + BLIND;
            return;
        }
        self.slots.resync_begins();
        let is_listed = !self.stillness.begin_list_if_due();
        let share = self.division.share().clone();
        let (send, parts) = mpsc::channel(1);
        self.parts = parts;
        self.resyncs
            .spawn(async move { resync.read_everything(share, is_listed, send).await });
        // Replicas that started together must not stay in step for ever.
        self.next_resync = Instant::now() + RESYNC.mul_f64(0.9 + 0.2 * fastrand::f64());
    }

    /// Takes in the rest of what a resync has found, and that it has ended.
    pub(super) fn finish_resync(&mut self, all: Result<Result<Vec<OwnedWorkload>>, JoinError>) {
        let all = all.unwrap_or_else(|error| {
            Err(Error::new(ErrorKind::Unexpected, "a resync panicked").with_source(error))
        });
        let orphans = match all {
            Ok(orphans) => orphans,
            Err(error) => {
                if std::mem::replace(&mut self.is_blind, true) {
                    tracing::debug!(%error, "the cluster or the store still can't be listed");
                } else {
                    tracing::warn!(%error, "the cluster or the store can't be listed now; it is retried");
                    if !self.has_read {
                        // The pods that the watch has shown at the start must not wait for a list that fails.
                        self.enqueue_not_found();
                    }
                }
                self.stillness.altered();
                self.next_resync = self.next_resync.min(Instant::now() + SOON);
                return;
            }
        };
        self.has_read = true;
        if std::mem::take(&mut self.is_blind) {
            tracing::info!("the cluster and the store can be listed again");
        }
        while let Ok(part) = self.parts.try_recv() {
            self.take_part(part);
        }
        // Another process has removed their records, and nothing else reports that.
        self.enqueue_not_found();
        self.orphans.remove(orphans, &mut self.background);
    }

    /// Enqueues the pods whose records the resync has not found.
    fn enqueue_not_found(&mut self) {
        for id in self.slots.not_found() {
            self.enqueue(id, Urgency::Routine);
        }
    }

    /// Takes in a part of what a resync has found.
    pub(super) fn take_part(&mut self, part: Part) {
        let now = self.clock.now();
        self.slots.asked_at = part.asked_at.unwrap_or(self.slots.asked_at);
        for (pod, seen) in part.pods {
            self.take_finding(&pod, seen, self.slots.asked_at, now);
        }
    }

    /// Takes in what a resync has found of one pod; the cluster was asked at `asked_at`.
    fn take_finding(&mut self, pod: &Pod, seen: Option<Observation>, asked_at: Instant, now: Timestamp) {
        let id = &pod.id;
        if self.slots.is_forgotten(id) {
            // It was listed before a pass found that its record is gone.
            self.enqueue(id.clone(), Urgency::Routine);
            return;
        }
        let drives = self.drives(id);
        let watched_at = self.stillness.confirmed_at();
        let slot = self.slots.entry(id);
        slot.was_found = true;
        if let Some(seen) = &seen
            && slot.view.observation().container() == seen.container()
        {
            slot.confirmed_at = asked_at;
            slot.view.confirmed(before(now, asked_at.elapsed()));
        }
        slot.publish_news(&self.feed, pod);
        let is_busy = self.queue.is_busy(id);
        if is_busy || slot.was_reconciled {
            // A concurrent pass knows better, unless what it knows is older. The cluster may not be listed again for an hour.
            if seen.is_some_and(|seen| slot.view.contradicts(&seen)) {
                slot.view.set_status_unknown();
                slot.is_doubtful = is_busy;
            }
            self.enqueue(id.clone(), Urgency::Routine);
            return;
        }
        if let Some(seen) = seen {
            slot.view.listed(seen);
            slot.view.note_readiness(now);
        }
        if !drives && self.hints.is_some() {
            return;
        }
        let next = slot
            .sight(&self.pulse, watched_at, self.is_synced)
            .next_pass(pod, self.deadlines, now);
        match next {
            NextPass::At(at) if !slot.is_retrying() => {
                let news = if drives { Duration::ZERO } else { NEWS };
                let wait = at.map(|at| (until(at, now) + news).min(LONGEST_TIMER));
                self.queue.requeue_after(id, wait);
            }
            _ => self.enqueue(id.clone(), Urgency::Routine),
        }
    }
}
