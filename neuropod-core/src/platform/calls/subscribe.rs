//! Live updates: every change of the pods that a user may see.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use jiff::Timestamp;
use tokio::sync::broadcast::{self, error::RecvError};

use crate::error::kind::Result;
use crate::id::{Actor, PodId};
use crate::platform::feed::{CAPACITY, RecordChange};
use crate::platform::handle::Platform;
use crate::pod::record::Pod;

/// A report to a subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Update {
    /// All visible pods: the first update, and again after some were missed.
    Snapshot {
        /// The pods, oldest first.
        pods: Vec<Pod>,
        /// The number of changes that were missed because the subscriber was too slow; 0 at the beginning.
        missed: u64,
    },
    /// A pod is new or has changed.
    Changed(Box<Pod>),
    /// A pod was deleted.
    Deleted(PodId),
    /// The money for a pod runs out: it stops when nothing remains.
    LowBalance {
        /// The pod.
        pod_id: PodId,
        /// The threshold that was passed, of
        /// [`PlatformBuilder::low_balance_thresholds`](crate::PlatformBuilder::low_balance_thresholds).
        threshold_seconds: i64,
        /// The time that the money lasts.
        seconds_left: i64,
        /// Whether it is a daily cap that runs out, not the account.
        daily_cap: bool,
    },
    /// The volume of a stopped pod is not paid for: reported at the first unpaid hour, and again a day before
    /// the deletion.
    VolumeAtRisk {
        /// The pod.
        pod_id: PodId,
        /// When the volume is deleted.
        at: Timestamp,
    },
}

impl Platform {
    /// Reports every change of the pods that this actor may see, in order, after a snapshot of their state.
    ///
    /// The stream never ends. A store that can't be read makes it yield the error and try again at the next
    /// poll. Changes by other processes on the same store are seen when the driver of this process reads all
    /// pods.
    pub fn subscribe(&self, actor: &Actor) -> BoxStream<'static, Result<Update>> {
        let subscriber = Subscriber {
            platform: self.clone(),
            actor: actor.clone(),
            receiver: self.0.feed.subscribe_records(),
            known: HashMap::new(),
            deleted: VecDeque::new(),
            warnings: VecDeque::new(),
            snapshot_due: Some(0),
        };
        stream::unfold(subscriber, |mut subscriber| async {
            let update = subscriber.next().await?;
            Some((update, subscriber))
        })
        .boxed()
    }
}

/// The creation time of a record, and its version: another record may follow under the same id.
type Place = (Timestamp, u64);

fn place(pod: &Pod) -> Place {
    (pod.created_at, pod.version)
}

struct Subscriber {
    platform: Platform,
    actor: Actor,
    receiver: broadcast::Receiver<RecordChange>,
    /// The known pods, in their last known state.
    known: HashMap<PodId, Arc<Pod>>,
    /// The last known deletions: a late change from before a deletion is ignored.
    deleted: VecDeque<(PodId, Place)>,
    /// Reported next. The process that sees a change derives the warnings, whichever process made it.
    warnings: VecDeque<Update>,
    /// A snapshot comes next, with this number of missed changes.
    snapshot_due: Option<u64>,
}

impl Subscriber {
    async fn next(&mut self) -> Option<Result<Update>> {
        loop {
            if let Some(warning) = self.warnings.pop_front() {
                return Some(Ok(warning));
            }
            if let Some(missed) = self.snapshot_due {
                let snapshot = self.snapshot().await;
                return Some(snapshot.map(|pods| {
                    self.snapshot_due = None;
                    Update::Snapshot { pods, missed }
                }));
            }
            match self.receiver.recv().await {
                Ok(event) => {
                    let update = match event {
                        RecordChange::Stored(pod) => self.update(&pod),
                        RecordChange::Gone(id) => {
                            let last = self.known.get(&id).map(|pod| place(pod));
                            last.and_then(|last| self.end(&id, last))
                        }
                    };
                    if let Some(update) = update {
                        return Some(Ok(update));
                    }
                }
                Err(RecvError::Lagged(missed)) => self.snapshot_due = Some(missed),
                Err(RecvError::Closed) => return None,
            }
        }
    }

    fn update(&mut self, pod: &Arc<Pod>) -> Option<Update> {
        if !self.actor.may_touch(&pod.owner) {
            return None;
        }
        let ended = self.deleted.iter().rev().find(|(id, _)| *id == pod.id);
        let known = self.known.get(&pod.id).map(|pod| place(pod));
        let known = ended.map(|(_, last)| *last).max(known);
        if known.is_some_and(|known| known >= place(pod)) {
            return None;
        }
        if pod.is_deleted() {
            return self.end(&pod.id, place(pod));
        }
        self.warn(pod);
        self.known.insert(pod.id.clone(), Arc::clone(pod));
        Some(Update::Changed(Box::new(Pod::clone(pod))))
    }

    /// Notes the warnings of a pod since its last known record.
    fn warn(&mut self, pod: &Pod) {
        let before = self.known.get(&pod.id);
        let Some(before) = before.filter(|before| before.created_at == pod.created_at) else {
            return;
        };
        let (pod_id, meter) = (pod.id.clone(), &pod.meter);
        let thresholds = &self.platform.0.rules.low_balance_thresholds;
        let low = meter
            .passed_threshold(&before.meter, thresholds)
            .zip(meter.remaining_seconds());
        if let Some((threshold_seconds, seconds_left)) = low {
            self.warnings.push_back(Update::LowBalance {
                pod_id: pod_id.clone(),
                threshold_seconds,
                seconds_left,
                daily_cap: meter.capped,
            });
        }
        if let Some(at) = pod.volume_warning(before) {
            self.warnings.push_back(Update::VolumeAtRisk { pod_id, at });
        }
    }

    /// Notes that a record is deleted: nothing follows it. Returns the report, where the pod was known.
    fn end(&mut self, id: &PodId, (created_at, _): Place) -> Option<Update> {
        self.deleted.push_back((id.clone(), (created_at, u64::MAX)));
        if self.deleted.len() > CAPACITY {
            self.deleted.pop_front();
        }
        self.known.remove(id).map(|_| Update::Deleted(id.clone()))
    }

    async fn snapshot(&mut self) -> Result<Vec<Pod>> {
        let pods = self.platform.list_all(&self.actor, None).await?;
        for pod in &pods {
            self.warn(pod);
        }
        let known = pods.iter().map(|pod| (pod.id.clone(), Arc::new(pod.clone())));
        self.known = known.collect();
        Ok(pods)
    }
}
