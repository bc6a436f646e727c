//! The driver: one loop that turns what is seen, touched and due into looks at single pods.

mod entry;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use tokio::task::{self, AbortHandle, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::time::DelayQueue;

use self::entry::Entry;
use super::resync::Everything;
use super::round::{Again, Round};
use super::updates::Feed;
use super::{Inner, Platform};
use crate::cluster::backend::ClusterEvent;
use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::PodId;
use crate::pod::record::Pod;

/// Pods that are looked at side by side.
const MAX_WORKERS: usize = 32;
/// How often everything is looked at when nothing calls for it.
const RESYNC: Duration = Duration::from_mins(5);
/// How soon everything is looked at again after something without a record was found, or after a failure.
const SOON: Duration = Duration::from_secs(5);
/// How long the cluster may take to show its pods, before those that wait for it are told, again and again.
const BLIND: Duration = Duration::from_secs(30);
/// How long looks that are under way may take to end when the driver is asked to stop.
const DRAIN: Duration = Duration::from_secs(10);

impl Platform {
    /// Drives the platform until `shutdown` completes, then lets the looks that are under way end (at most ten
    /// seconds) and returns. Without it running somewhere, calls only write down what is wanted.
    ///
    /// Dropping the future at any point is safe: whatever it was doing, the next run goes on from the store.
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
        Driver::new(Arc::clone(&self.0)).run(shutdown).await
    }
}

struct Driver {
    inner: Arc<Inner>,
    entries: HashMap<PodId, Entry>,
    /// Pods to look at, each once.
    ready: VecDeque<PodId>,
    /// Pods to look at later.
    timers: DelayQueue<PodId>,
    workers: JoinSet<Result<Round>>,
    /// Which pod each worker looks at.
    tasks: HashMap<task::Id, PodId>,
    followers: JoinSet<()>,
    /// What removes orphans.
    removal: Option<AbortHandle>,
    resyncs: JoinSet<Result<Everything>>,
    next_resync: Instant,
    /// When all that is in the cluster was last asked for; at first when the watch was.
    asked_at: Instant,
    /// The watch has shown all pods: before that, one that is not seen may be there all the same.
    synced: bool,
    /// The last attempt to ask for everything failed: the log has said so.
    is_blind: bool,
}

impl Driver {
    fn new(inner: Arc<Inner>) -> Self {
        Self {
            inner,
            entries: HashMap::new(),
            ready: VecDeque::new(),
            timers: DelayQueue::new(),
            workers: JoinSet::new(),
            tasks: HashMap::new(),
            followers: JoinSet::new(),
            removal: None,
            resyncs: JoinSet::new(),
            next_resync: Instant::now() + BLIND,
            asked_at: Instant::now(),
            synced: false,
            is_blind: false,
        }
    }

    async fn run(mut self, shutdown: impl Future<Output = ()> + Send) -> Result<()> {
        let mut shutdown = pin!(shutdown);
        let inner = Arc::clone(&self.inner);
        let mut events = inner.cluster.watch();
        loop {
            self.start_workers();
            tokio::select! {
                // What ends work comes before what brings more, and what is told before what is due; and a simulation
                // takes the same course every time.
                biased;
                () = &mut shutdown => break,
                Some(done) = self.workers.join_next_with_id(), if !self.workers.is_empty() => self.done(done),
                Some(_) = self.followers.join_next(), if !self.followers.is_empty() => {}
                Some(all) = self.resyncs.join_next(), if !self.resyncs.is_empty() => self.resynced(all),
                () = sleep_until(self.next_resync) => self.resync(),
                event = events.next() => match event {
                    Some(event) => self.seen(event),
                    None => return Err(Error::new(ErrorKind::Unavailable, "the cluster's watch has ended")),
                },
                Some(due) = self.timers.next(), if !self.timers.is_empty() => self.due(due.into_inner()),
                touched = inner.touched.take() => touched.into_iter().for_each(|id| self.look_at(id)),
            }
        }
        let ended = timeout(DRAIN, async { while self.workers.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            tracing::warn!(
                "looks at {} pods were broken off; the next run goes on with them",
                self.workers.len()
            );
        }
        Ok(())
    }

    fn seen(&mut self, event: ClusterEvent) {
        match event {
            ClusterEvent::Changed { pod_id, pod } => {
                self.entry(&pod_id).view.changed(pod);
                self.look_at(pod_id);
            }
            ClusterEvent::Gone { pod_id, uid } => {
                self.entry(&pod_id).view.gone(uid);
                self.look_at(pod_id);
            }
            ClusterEvent::Synced => {
                self.synced = true;
                self.resync();
            }
        }
    }

    fn entry(&mut self, id: &PodId) -> &mut Entry {
        let new = || Entry::new(self.asked_at);
        self.entries.entry(id.clone()).or_insert_with(new)
    }

    /// Puts a pod in the queue, once.
    fn look_at(&mut self, id: PodId) {
        let entry = self.entry(&id);
        if entry.busy {
            entry.touched_again = true;
        } else if !entry.queued {
            entry.queued = true;
            self.ready.push_back(id);
        }
    }

    fn due(&mut self, id: PodId) {
        self.entry(&id).timer = None;
        self.look_at(id);
    }

    fn start_workers(&mut self) {
        while self.synced && self.workers.len() < MAX_WORKERS {
            let Some(id) = self.ready.pop_front() else { return };
            let entry = self.entry(&id);
            entry.queued = false;
            entry.busy = true;
            let (seen, age) = (entry.view.observation().clone(), entry.confirmed_at.elapsed());
            let (inner, pod) = (Arc::clone(&self.inner), id.clone());
            let task = self
                .workers
                .spawn(async move { inner.round(&pod, seen, age).await });
            self.tasks.insert(task.id(), id);
        }
    }

    fn done(&mut self, done: Result<(task::Id, Result<Round>), JoinError>) {
        let (task, result) = match done {
            Ok((task, result)) => (task, result),
            Err(error) => (
                error.id(),
                Err(Error::new(ErrorKind::Unexpected, "a look failed").with_source(error)),
            ),
        };
        let Some(id) = self.tasks.remove(&task) else {
            return;
        };
        let round = result.unwrap_or_else(|error| Round {
            again: Some(Again::Failed(error)),
            ..Round::default()
        });
        let new = || Entry::new(self.asked_at);
        let entry = self.entries.entry(id.clone()).or_insert_with(new);
        entry.busy = false;
        entry.looked = true;
        if round.doubt {
            entry.view.doubt();
        }
        round
            .answers
            .into_iter()
            .for_each(|answer| entry.view.answered(answer));
        if let Some(record) = round.record {
            publish_news(&self.inner.feed, entry, &record);
        }
        let touched_again = std::mem::take(&mut entry.touched_again);
        if round.unknown {
            self.forget(&id);
            if touched_again {
                // There may be a new record under the same id.
                self.look_at(id);
            }
            return;
        }
        let retry = entry.retry_after(&id, round.again);
        let wake = round.wake.map(|at| until(at, self.inner.clock.now()));
        self.set_timer(&id, retry.into_iter().chain(wake).min());
        if let Some(follow) = round.follow
            && !self.entry(&id).follows(&follow)
        {
            let (inner, pod, log) = (Arc::clone(&self.inner), id.clone(), follow.clone());
            let task = self
                .followers
                .spawn(async move { inner.follow(&pod, &log).await });
            self.entry(&id).followed_by(follow, task);
        }
        if touched_again {
            self.look_at(id);
        }
    }

    fn set_timer(&mut self, id: &PodId, wait: Option<Duration>) {
        if let Some(timer) = self.entry(id).timer.take() {
            self.timers.remove(&timer);
        }
        // By then everything is looked at anyway, and a timer does not take years.
        let timer = wait.map(|wait| self.timers.insert(id.clone(), wait.min(RESYNC)));
        self.entry(id).timer = timer;
    }

    /// A pod without a record: what is left of it in the cluster is an orphan.
    fn forget(&mut self, id: &PodId) {
        self.set_timer(id, None);
        self.inner.feed.gone(id);
        if let Some(entry) = self.entries.remove(id)
            && !entry.view.observation().is_cleared()
        {
            self.next_resync = self.next_resync.min(Instant::now() + SOON);
        }
    }

    /// Looks at everything, or soon again where that is under way already.
    fn resync(&mut self) {
        if !self.resyncs.is_empty() {
            self.next_resync = Instant::now() + SOON;
            return;
        }
        let inner = Arc::clone(&self.inner);
        if !self.synced {
            let is_news = !std::mem::replace(&mut self.is_blind, true);
            self.followers
                .spawn(async move { inner.tell_who_waits(is_news).await });
            self.next_resync = Instant::now() + BLIND;
            return;
        }
        self.entries.values_mut().for_each(|entry| entry.looked = false);
        self.resyncs.spawn(async move { inner.everything().await });
        // Replicas that started together don't ask together for ever.
        self.next_resync = Instant::now() + RESYNC.mul_f64(0.9 + 0.2 * fastrand::f64());
    }

    fn resynced(&mut self, all: Result<Result<Everything>, JoinError>) {
        let all = all.unwrap_or_else(|error| {
            Err(Error::new(ErrorKind::Unexpected, "looking at everything failed").with_source(error))
        });
        let everything = match all {
            Ok(everything) => everything,
            Err(error) => {
                if std::mem::replace(&mut self.is_blind, true) {
                    tracing::debug!(%error, "the cluster or the store still can't be listed");
                } else {
                    tracing::warn!(%error, "the cluster or the store can't be listed now; it is retried");
                }
                self.next_resync = self.next_resync.min(Instant::now() + SOON);
                return;
            }
        };
        if std::mem::take(&mut self.is_blind) {
            tracing::info!("the cluster and the store can be listed again");
        }
        self.asked_at = everything.asked_at;
        // With those whose record another process has removed: nothing else may tell of them.
        let mut all: BTreeSet<_> = self.entries.keys().cloned().collect();
        for (pod, seen) in everything.pods {
            let new = || Entry::new(self.asked_at);
            let entry = self.entries.entry(pod.id.clone()).or_insert_with(new);
            if entry.view.observation().container() == seen.container() {
                entry.confirmed_at = self.asked_at;
            }
            // A look that was or is under way at the same time knows better.
            if !entry.busy && !entry.looked {
                entry.view.listed(seen);
            }
            publish_news(&self.inner.feed, entry, &pod);
            all.insert(pod.id);
        }
        for id in all {
            self.look_at(id);
        }
        if !everything.orphans.is_empty() {
            if self.removal.as_ref().is_none_or(AbortHandle::is_finished) {
                let inner = Arc::clone(&self.inner);
                let removal = async move { inner.remove_orphans(everything.orphans).await };
                self.removal = Some(self.followers.spawn(removal));
            }
            self.next_resync = self.next_resync.min(Instant::now() + SOON);
        }
    }
}

/// Tells subscribers of a record that another process has changed.
fn publish_news(feed: &Feed, entry: &mut Entry, pod: &Pod) {
    if pod.version > entry.version {
        entry.version = pod.version;
        feed.publish(pod);
    }
}

fn until(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO)
}
