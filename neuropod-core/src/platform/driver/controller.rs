//! The controller: what it has, and what its loop, its passes and its resyncs have in common.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio::task::{self, JoinSet};
use tokio::time::Instant;

use super::division::Division;
use super::orphans::Orphans;
use super::pass::Reconciler;
use super::pass_report::PassReport;
use super::pulse::Pulse;
use super::queue::{Urgency, WorkQueue};
use super::resync::{Part, Resync};
use super::slot::{Slot, Slots};
use super::stillness::Stillness;
use super::token_capture::TokenCapture;
use super::view::View;
use crate::clock::SteadyClock;
use crate::cluster::backend::{ClusterBackend, OwnedWorkload};
use crate::error::kind::Result;
use crate::id::PodId;
use crate::platform::feed::Feed;
use crate::platform::handle::Parts;
use crate::platform::wakeups::Wakeups;
use crate::reconcile::Deadlines;
use crate::store::hints::PodHints;

/// The longest time until a pod is reconciled again. A resync sets the timers of all pods anew before that, and no timer
/// lasts for years.
pub(super) const LONGEST_TIMER: Duration = Duration::from_mins(15);
/// How soon everything is read again after the watch showed an orphan whose names are not known, or after a failure.
pub(super) const SOON: Duration = Duration::from_secs(5);
/// The time that the cluster may need to show its pods before the owners of waiting pods are informed,
/// repeatedly.
pub(super) const BLIND: Duration = Duration::from_secs(30);

/// The parts of the controller.
pub(super) struct Controller {
    pub(super) cluster: Arc<dyn ClusterBackend>,
    pub(super) hints: Option<Arc<dyn PodHints>>,
    pub(super) clock: Arc<SteadyClock>,
    pub(super) feed: Arc<Feed>,
    pub(super) wakeups: Arc<Wakeups>,
    pub(super) deadlines: Deadlines,
    pub(super) reconciler: Arc<Reconciler>,
    pub(super) token_capture: Arc<TokenCapture>,
    pub(super) resync: Arc<Resync>,
    pub(super) division: Division,
    pub(super) slots: Slots,
    pub(super) queue: WorkQueue,
    pub(super) workers: JoinSet<Result<PassReport>>,
    /// The pod of each worker.
    pub(super) tasks: HashMap<task::Id, PodId>,
    /// Tasks without a caller that waits: readers of logs, removals of orphans, and those started by a resync.
    pub(super) background: JoinSet<()>,
    pub(super) orphans: Orphans,
    /// The resync under way: one at most. It ends with the orphans.
    pub(super) resyncs: JoinSet<Result<Vec<OwnedWorkload>>>,
    /// What it has found and has not been taken in yet.
    pub(super) parts: mpsc::Receiver<Part>,
    pub(super) next_resync: Instant,
    pub(super) pulse: Pulse,
    pub(super) stillness: Stillness,
    /// Whether the watch has shown all pods: before that, an unseen pod may exist all the same.
    pub(super) is_synced: bool,
    /// Whether everything was read once.
    pub(super) has_read: bool,
    /// Whether the last attempt to read everything failed, and the log has reported it.
    pub(super) is_blind: bool,
}

impl Controller {
    pub(super) fn new(parts: &Parts) -> Self {
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
            parts: mpsc::channel(1).1,
            next_resync: Instant::now() + BLIND,
            pulse: Pulse::new(),
            stillness: Stillness::default(),
            is_synced: false,
            has_read: false,
            is_blind: false,
        }
    }

    /// Whether this replica drives a pod: it is in its share, or a call was made here.
    pub(super) fn drives(&self, id: &PodId) -> bool {
        self.division.has(id) || self.slots.get(id).is_some_and(Slot::is_called)
    }

    /// The view of a pod, in which the running container is confirmed as far as the watch has done that: the next event
    /// may be its end.
    pub(super) fn confirmed_view(&mut self, id: &PodId, now: Timestamp) -> &mut View {
        let confirmed_at = self.stillness.confirmed_at();
        let view = &mut self.slots.entry(id).view;
        if let Some(at) = confirmed_at {
            view.confirmed(before(now, at.elapsed()));
        }
        view
    }

    /// Lets a worker have a pod, which gets a slot if it has none.
    pub(super) fn enqueue(&mut self, id: PodId, urgency: Urgency) {
        self.slots.entry(&id);
        self.queue.enqueue(id, urgency);
    }
}

/// This long before `now`.
pub(super) fn before(now: Timestamp, time: Duration) -> Timestamp {
    let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
    now.saturating_sub(time).unwrap_or(Timestamp::MIN)
}

/// The time from `now` until `at`; none if that is over.
pub(super) fn until(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO)
}
