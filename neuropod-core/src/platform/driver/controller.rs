//! The controller loop. Watch events, calls and timers enqueue pods; workers make a reconcile pass over one pod each.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use super::division::Division;
use super::membership::Change;
use super::orphans::Orphans;
use super::pass::{NEWS, PassEnd, PassReport, Reconciler};
use super::pulse::Pulse;
use super::queue::{Urgency, WorkQueue};
use super::resync::{Everything, Resync};
use super::sight::NextPass;
use super::slot::{Slot, Slots};
use super::stillness::Stillness;
use super::token_capture::TokenCapture;
use super::view::View;
use crate::clock::SteadyClock;
use crate::cluster::backend::{ClusterBackend, ClusterEvent};
use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::PodId;
use crate::platform::feed::Feed;
use crate::platform::handle::{Parts, Platform};
use crate::platform::wakeups::Wakeups;
use crate::reconcile::Deadlines;
use crate::store::hints::{PodHint, PodHints};

/// The number of concurrent passes.
const MAX_WORKERS: usize = 32;
/// The number of passes up to which routine ones begin, and up to which those do that the watch asked for. The rest is
/// for calls.
const ROUTINE_WORKERS: usize = 20;
const WATCH_WORKERS: usize = 28;
/// How often everything is read when nothing requires it.
const RESYNC: Duration = Duration::from_mins(5);
/// The longest time until a pod is reconciled again. A resync sets the timers of all pods anew before that, and no timer
/// lasts for years.
const LONGEST_TIMER: Duration = Duration::from_mins(15);
/// How soon everything is read again after the watch showed an orphan whose names are not known, or after a failure.
const SOON: Duration = Duration::from_secs(5);
/// The time that the cluster may need to show its pods before the owners of waiting pods are informed,
/// repeatedly.
const BLIND: Duration = Duration::from_secs(30);
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

struct Controller {
    cluster: Arc<dyn ClusterBackend>,
    hints: Option<Arc<dyn PodHints>>,
    clock: Arc<SteadyClock>,
    feed: Arc<Feed>,
    wakeups: Arc<Wakeups>,
    deadlines: Deadlines,
    reconciler: Arc<Reconciler>,
    token_capture: Arc<TokenCapture>,
    resync: Arc<Resync>,
    division: Division,
    slots: Slots,
    queue: WorkQueue,
    workers: JoinSet<Result<PassReport>>,
    /// The pod of each worker.
    tasks: HashMap<task::Id, PodId>,
    /// Tasks without a caller that waits: readers of logs, removals of orphans, and those started by a resync.
    background: JoinSet<()>,
    orphans: Orphans,
    resyncs: JoinSet<Result<Everything>>,
    next_resync: Instant,
    pulse: Pulse,
    stillness: Stillness,
    /// Whether the watch has shown all pods: before that, an unseen pod may exist all the same.
    is_synced: bool,
    /// Whether the last attempt to read everything failed, and the log has reported it.
    is_blind: bool,
}

impl Controller {
    fn new(parts: &Parts) -> Self {
        let reconciler = Reconciler {
            cluster: parts.cluster.clone(),
            records: parts.records.clone(),
            funds: parts.funds.clone(),
            requests: parts.requests.clone(),
            admission: parts.admission.clone(),
            rules: parts.rules.clone(),
            clock: parts.clock.clone(),
        };
        let token_capture = TokenCapture::new(
            parts.cluster.clone(),
            parts.tokens.clone(),
            parts.records.clone(),
            parts.clock.clone(),
        );
        Self {
            cluster: parts.cluster.clone(),
            hints: parts.hints.clone(),
            clock: parts.clock.clone(),
            feed: parts.feed.clone(),
            wakeups: parts.wakeups.clone(),
            deadlines: parts.rules.deadlines,
            reconciler: Arc::new(reconciler),
            token_capture: Arc::new(token_capture),
            resync: Arc::new(Resync::new(parts)),
            division: Division::new(parts.replicas.clone(), parts.records.clone()),
            slots: Slots::new(),
            queue: WorkQueue::default(),
            workers: JoinSet::new(),
            tasks: HashMap::new(),
            background: JoinSet::new(),
            orphans: Orphans::new(parts.cluster.clone(), parts.records.clone()),
            resyncs: JoinSet::new(),
            next_resync: Instant::now() + BLIND,
            pulse: Pulse::new(),
            stillness: Stillness::default(),
            is_synced: false,
            is_blind: false,
        }
    }

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
                // Events that end work are handled before those that bring more, and observations before
                // timers; and a simulation has the same order every time.
                biased;
                () = &mut shutdown => break,
                Some(done) = self.workers.join_next_with_id(), if !self.workers.is_empty() => self.finish_pass(done),
                Some(_) = self.background.join_next(), if !self.background.is_empty() => {}
                Some(all) = self.resyncs.join_next(), if !self.resyncs.is_empty() => self.finish_resync(all),
                () = sleep_until(self.next_resync) => self.start_resync(),
                change = self.division.change() => self.divide(change),
                event = events.next() => match event {
                    Some(event) => self.handle_event(event),
                    None => return Err(Error::new(ErrorKind::Unavailable, "the cluster's watch has ended")),
                },
                woken = wakeups.drain() => woken.into_iter().for_each(|id| {
                    self.slots.entry(&id).note_call();
                    self.enqueue(id, Urgency::Call);
                }),
                Some(hint) = hints.next() => self.handle_hint(hint),
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
    /// time to store what it makes of the change; where the store has hints, it reports that itself.
    fn enqueue_change(&mut self, id: PodId) {
        if self.drives(&id) {
            self.enqueue(id, Urgency::Watch);
        } else if self.hints.is_none() {
            self.queue.enqueue_within(&id, NEWS);
        }
    }

    /// Whether this replica drives a pod: it is in its share, or a call was made here.
    fn drives(&self, id: &PodId) -> bool {
        self.division.has(id) || self.slots.get(id).is_some_and(Slot::is_called)
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

    /// The view of a pod, in which the running container is confirmed as far as the watch has done that: the next event
    /// may be its end.
    fn confirmed_view(&mut self, id: &PodId, now: Timestamp) -> &mut View {
        let confirmed_at = self.stillness.confirmed_at();
        let view = &mut self.slots.entry(id).view;
        if let Some(at) = confirmed_at {
            view.confirmed(before(now, at.elapsed()));
        }
        view
    }

    fn enqueue(&mut self, id: PodId, urgency: Urgency) {
        self.slots.entry(&id);
        self.queue.enqueue(id, urgency);
    }

    fn start_workers(&mut self) {
        while self.is_synced && self.workers.len() < MAX_WORKERS {
            let least = match self.workers.len() {
                0..ROUTINE_WORKERS => Urgency::Routine,
                ROUTINE_WORKERS..WATCH_WORKERS => Urgency::Watch,
                _ => Urgency::Call,
            };
            let Some(id) = self.queue.next(least) else { return };
            let watched_at = self.stillness.confirmed_at();
            let sight = self.slots.entry(&id).sight(&self.pulse, watched_at);
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

    fn finish_pass(&mut self, done: Result<(task::Id, Result<PassReport>), JoinError>) {
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
        for returned in report.returned {
            slot.view.returned(returned);
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
        if let Some(slot) = self.slots.remove(id)
            && !slot.view.observation().is_cleared()
            && self.division.has(id)
            && !self.orphans.is_being_removed(id)
        {
            self.stillness.altered();
            self.next_resync = self.next_resync.min(Instant::now() + SOON);
        }
    }

    /// Begins to read everything, or plans to do so soon while a resync is under way.
    fn start_resync(&mut self) {
        if !self.resyncs.is_empty() {
            self.next_resync = Instant::now() + SOON;
            return;
        }
        let resync = Arc::clone(&self.resync);
        if !self.is_synced {
            let is_news = !std::mem::replace(&mut self.is_blind, true);
            self.background
                .spawn(async move { resync.explain_waiting(is_news).await });
            self.next_resync = Instant::now() + BLIND;
            return;
        }
        for (_, slot) in self.slots.iter_mut() {
            slot.was_reconciled = false;
        }
        let is_listed = self.stillness.holds();
        if !is_listed {
            self.stillness.list_begins();
        }
        let share = self.division.share().clone();
        self.resyncs
            .spawn(async move { resync.read_everything(share, is_listed).await });
        // Replicas that started together must not stay in step for ever.
        self.next_resync = Instant::now() + RESYNC.mul_f64(0.9 + 0.2 * fastrand::f64());
    }

    fn finish_resync(&mut self, all: Result<Result<Everything>, JoinError>) {
        let all = all.unwrap_or_else(|error| {
            Err(Error::new(ErrorKind::Unexpected, "a resync panicked").with_source(error))
        });
        let everything = match all {
            Ok(everything) => everything,
            Err(error) => {
                if std::mem::replace(&mut self.is_blind, true) {
                    tracing::debug!(%error, "the cluster or the store still can't be listed");
                } else {
                    tracing::warn!(%error, "the cluster or the store can't be listed now; it is retried");
                }
                self.stillness.altered();
                self.next_resync = self.next_resync.min(Instant::now() + SOON);
                return;
            }
        };
        if std::mem::take(&mut self.is_blind) {
            tracing::info!("the cluster and the store can be listed again");
        }
        let asked_at = everything.asked_at.unwrap_or(self.slots.asked_at);
        self.slots.asked_at = asked_at;
        let now = self.clock.now();
        let asked = before(now, asked_at.elapsed());
        let watched_at = self.stillness.confirmed_at();
        // Including those whose record another process has removed: nothing else reports them.
        let mut all: BTreeSet<_> = self.slots.ids().cloned().collect();
        for (pod, seen) in everything.pods {
            let drives = self.drives(&pod.id);
            let slot = self.slots.entry(&pod.id);
            if let Some(seen) = &seen
                && slot.view.observation().container() == seen.container()
            {
                slot.confirmed_at = asked_at;
                slot.view.confirmed(asked);
            }
            slot.publish_news(&self.feed, &pod);
            // A concurrent pass knows better.
            if self.queue.is_busy(&pod.id) || slot.was_reconciled {
                all.insert(pod.id);
                continue;
            }
            if let Some(seen) = seen {
                slot.view.listed(seen);
                slot.view.note_readiness(now);
            }
            if !drives && self.hints.is_some() {
                all.remove(&pod.id);
                continue;
            }
            let next = slot
                .sight(&self.pulse, watched_at)
                .next_pass(&pod, self.deadlines, now);
            match next {
                NextPass::At(at) if !slot.is_retrying() => {
                    let news = if drives { Duration::ZERO } else { NEWS };
                    let wait = at.map(|at| (until(at, now) + news).min(LONGEST_TIMER));
                    self.queue.requeue_after(&pod.id, wait);
                    all.remove(&pod.id);
                }
                _ => drop(all.insert(pod.id)),
            }
        }
        for id in all {
            self.enqueue(id, Urgency::Routine);
        }
        self.orphans.remove(everything.orphans, &mut self.background);
    }
}

fn before(now: Timestamp, time: Duration) -> Timestamp {
    let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
    now.saturating_sub(time).unwrap_or(Timestamp::MIN)
}

fn until(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO)
}
