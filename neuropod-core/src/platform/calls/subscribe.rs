//! Live updates: every change of the pods that a user may see.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use jiff::Timestamp;

use crate::error::kind::Result;
use crate::id::{Actor, PodId};
use crate::platform::handle::Platform;
use crate::platform::mailbox::{RecordChange, RecordMailbox};
use crate::pod::record::Pod;

/// A report to a subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Update {
    /// All visible pods: the first update.
    Snapshot {
        /// The pods, oldest first.
        pods: Vec<Pod>,
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
    /// Reports the pods that this actor may see, and then each pod that is new, has changed or is deleted. Several changes
    /// of a pod may be reported as one, with the latest record: a slow subscriber misses nothing that still holds, and
    /// gets each pod once when it catches up.
    ///
    /// The stream never ends. A store that can't be read makes it yield the error and try again at the next poll. Changes
    /// by other processes on the same store are seen when the driver of this process reads all pods.
    pub fn subscribe(&self, actor: &Actor) -> BoxStream<'static, Result<Update>> {
        let subscriber = Subscriber {
            platform: self.clone(),
            actor: actor.clone(),
            mailbox: None,
            known: HashMap::new(),
            warnings: VecDeque::new(),
        };
        stream::unfold(subscriber, |mut subscriber| async {
            let update = subscriber.next().await;
            Some((update, subscriber))
        })
        .boxed()
    }
}

struct Subscriber {
    platform: Platform,
    actor: Actor,
    /// The changes to report; `None`: the snapshot comes first.
    mailbox: Option<Arc<RecordMailbox>>,
    /// The reported pods, in their last reported state.
    known: HashMap<PodId, Arc<Pod>>,
    /// Reported next. The process that sees a change derives the warnings, whichever process made it.
    warnings: VecDeque<Update>,
}

impl Subscriber {
    async fn next(&mut self) -> Result<Update> {
        if let Some(warning) = self.warnings.pop_front() {
            return Ok(warning);
        }
        let Some(mailbox) = &self.mailbox else {
            return self.snapshot().await;
        };
        Ok(match mailbox.recv().await {
            RecordChange::Stored(pod) => {
                self.warn(&pod);
                let update = Update::Changed(Box::new(Pod::clone(&pod)));
                self.known.insert(pod.id.clone(), pod);
                update
            }
            RecordChange::Gone(id) => {
                self.known.remove(&id);
                Update::Deleted(id)
            }
        })
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

    async fn snapshot(&mut self) -> Result<Update> {
        // Before the list is read, so that no change during it is missed.
        let mailbox = self.platform.0.feed.subscribe_records(&self.actor);
        let pods = self.platform.list_all(&self.actor, None).await?;
        mailbox.note_reported(&pods);
        self.mailbox = Some(mailbox);
        let known = pods.iter().map(|pod| (pod.id.clone(), Arc::new(pod.clone())));
        self.known = known.collect();
        Ok(Update::Snapshot { pods })
    }
}
