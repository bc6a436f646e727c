//! Telling subscribers what changes.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use jiff::Timestamp;
use tokio::sync::broadcast::{self, error::RecvError};

use super::Platform;
use crate::error::Result;
use crate::id::{Actor, PodId};
use crate::pod::Pod;

/// Changes that a subscriber may be behind before it gets a snapshot instead.
const CAPACITY: usize = 1024;

/// What a subscriber is told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Update {
    /// All pods one may see: the first update, and again after some were missed.
    Snapshot {
        /// The pods, oldest first.
        pods: Vec<Pod>,
        /// How many changes were missed because the subscriber was too slow; 0 at the beginning.
        missed: u64,
    },
    /// A pod is new or has changed.
    Changed(Box<Pod>),
    /// A pod was deleted.
    Deleted(PodId),
    /// The money for a pod runs out: it stops when nothing is left.
    LowBalance {
        /// The pod.
        pod_id: PodId,
        /// The mark that was passed, of [`LOW_BALANCE_SECONDS`](crate::meter::LOW_BALANCE_SECONDS).
        mark_seconds: i64,
        /// How long the money lasts.
        seconds_left: i64,
        /// Whether it is a daily cap that runs out, not the account.
        daily_cap: bool,
    },
    /// Nobody pays for the volume of a stopped pod: told at the first hour that is not paid, and once more a day before
    /// it goes.
    VolumeAtRisk {
        /// The pod.
        pod_id: PodId,
        /// When the volume goes.
        at: Timestamp,
    },
}

/// Where changes are published.
#[derive(Debug)]
pub(super) struct Feed(broadcast::Sender<Event>);

/// What is published.
#[derive(Debug, Clone)]
enum Event {
    /// A record as it was stored.
    Pod(Arc<Pod>),
    /// There is no such record any more.
    Gone(PodId),
    /// The money for a pod has passed a mark.
    LowBalance { pod: Arc<Pod>, mark: i64 },
    /// The volume of a pod is not paid for.
    VolumeAtRisk { pod: Arc<Pod>, at: Timestamp },
}

impl Default for Feed {
    fn default() -> Self {
        Self(broadcast::channel(CAPACITY).0)
    }
}

impl Feed {
    /// Never waits: a subscriber that does not keep up is told so.
    pub(super) fn publish(&self, pod: &Pod) {
        if self.0.receiver_count() > 0 {
            // It fails only if the last subscriber has just gone.
            let _ = self.0.send(Event::Pod(Arc::new(pod.clone())));
        }
    }

    /// Tells that the money for a pod has passed a mark.
    pub(super) fn warn(&self, pod: &Pod, mark: i64) {
        if self.0.receiver_count() > 0 {
            let pod = Arc::new(pod.clone());
            // As above.
            let _ = self.0.send(Event::LowBalance { pod, mark });
        }
    }

    /// Tells that the volume of a pod goes.
    pub(super) fn warn_of_deletion(&self, pod: &Pod, at: Timestamp) {
        if self.0.receiver_count() > 0 {
            let pod = Arc::new(pod.clone());
            // As above.
            let _ = self.0.send(Event::VolumeAtRisk { pod, at });
        }
    }

    /// Tells that there is no such record, whoever removed it.
    pub(super) fn gone(&self, id: &PodId) {
        if self.0.receiver_count() > 0 {
            // As above.
            let _ = self.0.send(Event::Gone(id.clone()));
        }
    }
}

impl Platform {
    /// Every change of the pods that this one may see, in order, after a snapshot of how they are.
    ///
    /// The stream never ends. A store that can't be read makes it yield the error and try again when it is polled
    /// next. Changes by other processes on the same store are seen when the driver of this one looks at all pods.
    pub fn subscribe(&self, actor: &Actor) -> BoxStream<'static, Result<Update>> {
        let subscriber = Subscriber {
            platform: self.clone(),
            actor: actor.clone(),
            receiver: self.0.feed.0.subscribe(),
            known: HashMap::new(),
            deleted: VecDeque::new(),
            snapshot_due: Some(0),
        };
        stream::unfold(subscriber, |mut subscriber| async {
            let update = subscriber.next().await?;
            Some((update, subscriber))
        })
        .boxed()
    }
}

/// When a record was created, and its version: another record may come later under the same id.
type Place = (Timestamp, u64);

fn place(pod: &Pod) -> Place {
    (pod.created_at, pod.version)
}

struct Subscriber {
    platform: Platform,
    actor: Actor,
    receiver: broadcast::Receiver<Event>,
    /// The pods it knows of, and how far.
    known: HashMap<PodId, Place>,
    /// The last ones that it knows are deleted: a change from before that, which comes late, is none any more.
    deleted: VecDeque<(PodId, Place)>,
    /// A snapshot comes next, with so many changes missed.
    snapshot_due: Option<u64>,
}

impl Subscriber {
    async fn next(&mut self) -> Option<Result<Update>> {
        loop {
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
                        Event::Pod(pod) => self.update(&pod),
                        Event::Gone(id) => self.known.get(&id).copied().and_then(|last| self.end(&id, last)),
                        Event::LowBalance { pod, mark } => self.warning(&pod, mark),
                        Event::VolumeAtRisk { pod, at } => {
                            let visible = self.actor.may_touch(&pod.owner);
                            let pod_id = pod.id.clone();
                            visible.then_some(Update::VolumeAtRisk { pod_id, at })
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

    fn update(&mut self, pod: &Pod) -> Option<Update> {
        if !self.actor.may_touch(&pod.owner) {
            return None;
        }
        let ended = self.deleted.iter().rev().find(|(id, _)| *id == pod.id);
        let known = ended.map(|(_, last)| last).max(self.known.get(&pod.id));
        if known.is_some_and(|known| *known >= place(pod)) {
            return None;
        }
        if pod.is_deleted() {
            return self.end(&pod.id, place(pod));
        }
        self.known.insert(pod.id.clone(), place(pod));
        Some(Update::Changed(Box::new(pod.clone())))
    }

    /// Notes that a record is deleted: nothing follows on it. Answers what is told of it, where it was known.
    fn end(&mut self, id: &PodId, (created_at, _): Place) -> Option<Update> {
        self.deleted.push_back((id.clone(), (created_at, u64::MAX)));
        if self.deleted.len() > CAPACITY {
            self.deleted.pop_front();
        }
        self.known.remove(id).map(|_| Update::Deleted(id.clone()))
    }

    fn warning(&self, pod: &Pod, mark_seconds: i64) -> Option<Update> {
        let seconds_left = pod.meter.seconds_left()?;
        self.actor.may_touch(&pod.owner).then(|| Update::LowBalance {
            pod_id: pod.id.clone(),
            mark_seconds,
            seconds_left,
            daily_cap: pod.meter.capped,
        })
    }

    async fn snapshot(&mut self) -> Result<Vec<Pod>> {
        let pods = self.platform.list_all(&self.actor, None).await?;
        self.known = pods.iter().map(|pod| (pod.id.clone(), place(pod))).collect();
        Ok(pods)
    }
}
