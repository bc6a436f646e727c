//! The work queue of the controller.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use futures::StreamExt;
use tokio::time::Instant;
use tokio_util::time::{DelayQueue, delay_queue};

use crate::id::PodId;

/// Why a pod is reconciled, the most urgent reason last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// A resync, or a timer.
    Routine,
    /// The watch reported a change. It reports all pods when it begins.
    Watch,
    /// A call: somebody waits for it.
    Call,
}

/// Gives each pod to one worker at a time: once, however often it was enqueued meanwhile, and once more if it
/// was enqueued while a worker had it. The most urgent come first.
#[derive(Default)]
pub(super) struct WorkQueue {
    /// Pods that wait for a worker, by urgency. One that has become more urgent since is passed over in its first queue.
    ready: [VecDeque<PodId>; 3],
    /// Pods that are enqueued later, each once.
    timers: DelayQueue<PodId>,
    places: HashMap<PodId, Place>,
}

/// Where a pod is in the queue.
#[derive(Default)]
struct Place {
    /// It waits for a worker.
    ready: Option<Urgency>,
    /// A worker has it.
    is_busy: bool,
    /// It was enqueued while a worker had it.
    again: Option<Urgency>,
    timer: Option<delay_queue::Key>,
}

impl WorkQueue {
    /// Lets a worker have this pod as soon as one is free and no other has it.
    pub(super) fn enqueue(&mut self, id: PodId, urgency: Urgency) {
        let place = self.places.entry(id.clone()).or_default();
        let waits = if place.is_busy {
            &mut place.again
        } else {
            &mut place.ready
        };
        if *waits >= Some(urgency) {
            return;
        }
        *waits = Some(urgency);
        if place.is_busy {
            return;
        }
        self.ready[urgency as usize].push_back(id);
    }

    /// Enqueues this pod after `wait`, in place of the last such time; `None`: not by itself.
    pub(super) fn requeue_after(&mut self, id: &PodId, wait: Option<Duration>) {
        let place = self.places.entry(id.clone()).or_default();
        if let Some(timer) = place.timer.take() {
            self.timers.remove(&timer);
        }
        place.timer = wait.map(|wait| self.timers.insert(id.clone(), wait));
    }

    /// Enqueues this pod after `wait`, unless its timer is due before.
    pub(super) fn enqueue_within(&mut self, id: &PodId, wait: Duration) {
        let timer = self.places.get(id).and_then(|place| place.timer.as_ref());
        let end = Instant::now() + wait;
        if timer.is_none_or(|timer| self.timers.deadline(timer) > end) {
            self.requeue_after(id, Some(wait));
        }
    }

    /// Whether a pod is to be enqueued later.
    pub(super) fn has_timers(&self) -> bool {
        !self.timers.is_empty()
    }

    /// Waits until a timer is due, and enqueues its pod.
    pub(super) async fn enqueue_due(&mut self) {
        if let Some(due) = self.timers.next().await {
            let id = due.into_inner();
            if let Some(place) = self.places.get_mut(&id) {
                place.timer = None;
            }
            self.enqueue(id, Urgency::Routine);
        }
    }

    /// The pod that has waited longest, of those that are at least this urgent; from now on a worker has it.
    pub(super) fn next(&mut self, least: Urgency) -> Option<PodId> {
        for urgency in [Urgency::Call, Urgency::Watch, Urgency::Routine] {
            if urgency < least {
                return None;
            }
            while let Some(id) = self.ready[urgency as usize].pop_front() {
                // It may have been forgotten, or handed out from a more urgent queue.
                if let Some(place) = self.places.get_mut(&id)
                    && place.ready == Some(urgency)
                {
                    place.ready = None;
                    place.is_busy = true;
                    return Some(id);
                }
            }
        }
        None
    }

    /// Whether a worker has this pod.
    pub(super) fn is_busy(&self, id: &PodId) -> bool {
        self.places.get(id).is_some_and(|place| place.is_busy)
    }

    /// The worker has finished this pod. Returns how it was enqueued meanwhile: the caller enqueues it once the worker's
    /// findings are noted.
    pub(super) fn release(&mut self, id: &PodId) -> Option<Urgency> {
        let place = self.places.entry(id.clone()).or_default();
        place.is_busy = false;
        place.again.take()
    }

    /// Forgets a pod that no worker has.
    pub(super) fn forget(&mut self, id: &PodId) {
        self.requeue_after(id, None);
        self.places.remove(id);
    }
}

#[cfg(test)]
mod tests {
    use super::Urgency::{Call, Routine, Watch};
    use super::*;

    fn id(bits: u64) -> PodId {
        PodId::from_bits(bits)
    }

    #[test]
    fn a_pod_enqueued_several_times_is_handed_out_once() {
        let mut queue = WorkQueue::default();
        for bits in [1, 2, 1, 2] {
            queue.enqueue(id(bits), Routine);
        }
        assert_eq!(queue.next(Routine), Some(id(1)));
        assert_eq!(queue.next(Routine), Some(id(2)));
        assert_eq!(queue.next(Routine), None);
    }

    #[test]
    fn a_pod_enqueued_during_its_pass_waits_for_that_pass() {
        let mut queue = WorkQueue::default();
        queue.enqueue(id(1), Routine);
        assert_eq!(queue.next(Routine), Some(id(1)));
        queue.enqueue(id(1), Routine);
        assert_eq!(queue.next(Routine), None, "one worker at a time");
        assert!(queue.is_busy(&id(1)));
        assert_eq!(queue.release(&id(1)), Some(Routine));
        queue.enqueue(id(1), Routine);
        assert_eq!(queue.next(Routine), Some(id(1)));
        assert_eq!(queue.release(&id(1)), None, "once more, not twice");
    }

    #[test]
    fn urgent_pods_come_first_and_once() {
        let mut queue = WorkQueue::default();
        for bits in 1..=3 {
            queue.enqueue(id(bits), Routine);
        }
        queue.enqueue(id(3), Watch);
        queue.enqueue(id(4), Watch);
        queue.enqueue(id(4), Call);
        queue.enqueue(id(4), Routine);
        assert_eq!(queue.next(Watch), Some(id(4)));
        assert_eq!(queue.next(Call), None);
        assert_eq!(queue.next(Watch), Some(id(3)));
        assert_eq!(queue.next(Watch), None);
        queue.enqueue(id(3), Routine);
        queue.enqueue(id(3), Call);
        assert_eq!(queue.release(&id(3)), Some(Call));
        assert_eq!(queue.next(Routine), Some(id(1)));
        assert_eq!(queue.next(Routine), Some(id(2)));
        assert_eq!(queue.next(Routine), None, "each once");
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_timer_of_a_pod_counts() {
        let mut queue = WorkQueue::default();
        let start = tokio::time::Instant::now();
        queue.requeue_after(&id(1), Some(Duration::from_secs(1)));
        queue.requeue_after(&id(1), Some(Duration::from_secs(5)));
        queue.enqueue_due().await;
        assert!(start.elapsed() >= Duration::from_secs(5));
        assert_eq!(queue.next(Routine), Some(id(1)));
        queue.requeue_after(&id(1), Some(Duration::from_secs(1)));
        queue.forget(&id(1));
        assert!(!queue.has_timers());
        assert!(!queue.is_busy(&id(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_is_brought_forward_and_never_put_off() {
        for (first, second, expected) in [(None, 5, 5), (Some(1), 5, 1), (Some(60), 5, 5)] {
            let mut queue = WorkQueue::default();
            let start = Instant::now();
            if let Some(first) = first {
                queue.requeue_after(&id(1), Some(Duration::from_secs(first)));
            }
            queue.enqueue_within(&id(1), Duration::from_secs(second));
            queue.enqueue_due().await;
            assert_eq!(start.elapsed().as_secs(), expected);
            assert!(!queue.has_timers(), "one timer");
        }
    }
}
