//! The controller loop. Watch events, calls and timers enqueue pods; workers make a reconcile pass over one pod each.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::time::{sleep_until, timeout};

use super::controller::Controller;
use super::membership::Change;
use super::pass::NEWS;
use super::queue::Urgency;
use crate::cluster::backend::ClusterEvent;
use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::PodId;
use crate::platform::handle::Platform;
use crate::store::hints::PodHint;

/// The time that running passes have to end when the driver is stopped.
const DRAIN: Duration = Duration::from_secs(10);

impl Platform {
    /// Drives the platform until `shutdown` completes, then lets the running passes end (at most ten seconds)
    /// and returns. Without a running driver, calls only store intentions.
    ///
    /// Dropping the future at any point is safe: the next run continues from the store.
    ///
    /// ```no_run
    /// # async fn example(platform: neuropod_core::Platform) -> neuropod_core::Result<()> {
    /// let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    /// let driver = tokio::spawn(async move { platform.run(async { stopped.await.unwrap_or(()) }).await });
    /// // … serve requests …
    /// drop(stop);
    /// driver.await.expect("the driver does not panic")
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Unavailable` when the cluster's watch has ended: its backend is gone.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) -> Result<()> {
        Controller::new(&self.0).run(shutdown).await
    }
}

impl Controller {
    async fn run(mut self, shutdown: impl Future<Output = ()> + Send) -> Result<()> {
        let mut shutdown = pin!(shutdown);
        let wakeups = Arc::clone(&self.wakeups);
        let mut events = self.cluster.watch();
        let hints = self.hints.as_ref().map(|hints| hints.hints());
        let mut hints = hints.unwrap_or_else(|| stream::pending().boxed()).fuse();
        loop {
            if self.pulse.beat() {
                tracing::warn!("the process has stood still; everything is read again");
                self.stillness.interrupted();
                self.start_resync();
            }
            self.start_workers();
            tokio::select! {
                // Events that end work are handled before those that bring more, calls before what many pods bring, and
                // observations before timers; and a simulation has the same order every time.
                biased;
                () = &mut shutdown => break,
                Some(done) = self.workers.join_next_with_id(), if !self.workers.is_empty() => self.finish_pass(done),
                Some(_) = self.background.join_next(), if !self.background.is_empty() => {}
                Some(all) = self.resyncs.join_next(), if !self.resyncs.is_empty() => self.finish_resync(all),
                () = sleep_until(self.next_resync) => self.start_resync(),
                change = self.division.change() => self.divide(change),
                woken = wakeups.drain() => woken.into_iter().for_each(|id| {
                    self.slots.entry(&id).note_call();
                    self.enqueue(id, Urgency::Call);
                }),
                event = events.next() => match event {
                    Some(event) => self.handle_event(event),
                    None => return Err(Error::new(ErrorKind::Unavailable, "the cluster's watch has ended")),
                },
                Some(hint) = hints.next() => self.handle_hint(hint),
                // After what others have said meanwhile.
                Some(part) = self.parts.recv(), if !self.resyncs.is_empty() => self.take_part(part),
                () = self.queue.enqueue_due(), if self.queue.has_timers() => {}
                () = sleep_until(self.pulse.next()) => {}
            }
        }
        let drained = timeout(DRAIN, async { while self.workers.join_next().await.is_some() {} });
        let (ended, ()) = tokio::join!(drained, self.division.leave());
        if ended.is_err() {
            tracing::warn!(
                "passes over {} pods were broken off; the next run goes on with them",
                self.workers.len()
            );
        }
        Ok(())
    }

    fn handle_event(&mut self, event: ClusterEvent) {
        match event {
            ClusterEvent::Changed { pod_id, pod } => {
                let now = self.clock.now();
                let view = self.confirmed_view(&pod_id, now);
                view.changed(pod);
                view.note_readiness(now);
                self.enqueue_change(pod_id);
            }
            ClusterEvent::Gone { pod_id, uid } => {
                self.confirmed_view(&pod_id, self.clock.now()).gone(uid);
                self.enqueue_change(pod_id);
            }
            ClusterEvent::Synced => {
                self.is_synced = true;
                self.stillness.interrupted();
                // Only with a share there is anything to do.
                if !self.division.join() {
                    self.start_resync();
                }
            }
            ClusterEvent::Altered => self.stillness.altered(),
            ClusterEvent::Alive => self.stillness.alive(),
        }
    }

    /// Enqueues a pod that has changed in the cluster. One that another replica drives is read, once that one has had the
    /// time to store what it makes of the change; where the store has hints, it reports that itself. Once the watch has shown
    /// all pods, everything is read anyway.
    fn enqueue_change(&mut self, id: PodId) {
        if !self.is_synced {
            return;
        }
        if self.drives(&id) {
            self.enqueue(id, Urgency::Watch);
        } else if self.hints.is_none() {
            self.queue.enqueue_within(&id, NEWS);
        }
    }

    /// Takes over the pods of a replica that is gone, and hands pods over to a new one.
    fn divide(&mut self, change: Change) {
        if change.loses {
            for (id, slot) in self.slots.iter_mut() {
                if self.division.has(id) || slot.is_called() {
                    continue;
                }
                slot.hand_over();
                if self.hints.is_some() {
                    self.queue.requeue_after(id, None);
                }
            }
        }
        if change.gains {
            // Orphans in the new part of the share were left to the other replica so far.
            self.stillness.altered();
            self.start_resync();
        }
    }

    /// Enqueues what another process has changed.
    fn handle_hint(&mut self, hint: PodHint) {
        match hint {
            PodHint::Changed(id) => self.enqueue(id, Urgency::Watch),
            // Once the watch has shown all pods, everything is read anyway.
            PodHint::Missed if self.is_synced => self.start_resync(),
            PodHint::Missed => {}
        }
    }
}
