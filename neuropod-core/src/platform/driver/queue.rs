//! The work queue of the controller.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use futures::StreamExt;
use tokio_util::time::{DelayQueue, delay_queue};

use crate::id::PodId;

/// Gives each pod to one worker at a time: once, however often it was enqueued meanwhile, and once more if it
/// was enqueued while a worker had it.
#[derive(Default)]
pub(super) struct WorkQueue {
    /// Pods that wait for a worker, each once.
    ready: VecDeque<PodId>,
    /// Pods that are enqueued later, each once.
    timers: DelayQueue<PodId>,
    places: HashMap<PodId, Place>,
}

/// Where a pod is in the queue.
#[derive(Default)]
struct Place {
    /// It waits for a worker.
    is_ready: bool,
    /// A worker has it.
    is_busy: bool,
    /// It was enqueued while a worker had it.
    is_enqueued_again: bool,
    timer: Option<delay_queue::Key>,
}

impl WorkQueue {
    /// Lets a worker have this pod as soon as one is free and no other has it.
    pub(super) fn enqueue(&mut self, id: PodId) {
        let place = self.places.entry(id.clone()).or_default();
        if place.is_busy {
            place.is_enqueued_again = true;
        } else if !place.is_ready {
            place.is_ready = true;
            self.ready.push_back(id);
        }
    }

    /// Enqueues this pod after `wait`, in place of the last such time; `None`: not by itself.
    pub(super) fn requeue_after(&mut self, id: &PodId, wait: Option<Duration>) {
        let place = self.places.entry(id.clone()).or_default();
        if let Some(timer) = place.timer.take() {
            self.timers.remove(&timer);
        }
        place.timer = wait.map(|wait| self.timers.insert(id.clone(), wait));
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
            self.enqueue(id);
        }
    }

    /// The pod that has waited longest; from now on a worker has it.
    pub(super) fn next(&mut self) -> Option<PodId> {
        let id = self.ready.pop_front()?;
        let place = self.places.entry(id.clone()).or_default();
        place.is_ready = false;
        place.is_busy = true;
        Some(id)
    }

    /// Whether a worker has this pod.
    pub(super) fn is_busy(&self, id: &PodId) -> bool {
        self.places.get(id).is_some_and(|place| place.is_busy)
    }

    /// The worker has finished this pod. Returns `true` if it was enqueued meanwhile: the caller enqueues it
    /// once the worker's findings are noted.
    pub(super) fn release(&mut self, id: &PodId) -> bool {
        let place = self.places.entry(id.clone()).or_default();
        place.is_busy = false;
        std::mem::take(&mut place.is_enqueued_again)
    }

    /// Forgets a pod that no worker has.
    pub(super) fn forget(&mut self, id: &PodId) {
        self.requeue_after(id, None);
        self.places.remove(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(bits: u64) -> PodId {
        PodId::from_bits(bits)
    }

    #[test]
    fn a_pod_enqueued_several_times_is_handed_out_once() {
        let mut queue = WorkQueue::default();
        for bits in [1, 2, 1, 2] {
            queue.enqueue(id(bits));
        }
        assert_eq!(queue.next(), Some(id(1)));
        assert_eq!(queue.next(), Some(id(2)));
        assert_eq!(queue.next(), None);
    }

    #[test]
    fn a_pod_enqueued_during_its_pass_waits_for_that_pass() {
        let mut queue = WorkQueue::default();
        queue.enqueue(id(1));
        assert_eq!(queue.next(), Some(id(1)));
        queue.enqueue(id(1));
        assert_eq!(queue.next(), None, "one worker at a time");
        assert!(queue.is_busy(&id(1)));
        assert!(queue.release(&id(1)));
        queue.enqueue(id(1));
        assert_eq!(queue.next(), Some(id(1)));
        assert!(!queue.release(&id(1)), "once more, not twice");
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_timer_of_a_pod_counts() {
        let mut queue = WorkQueue::default();
        let start = tokio::time::Instant::now();
        queue.requeue_after(&id(1), Some(Duration::from_secs(1)));
        queue.requeue_after(&id(1), Some(Duration::from_secs(5)));
        queue.enqueue_due().await;
        assert!(start.elapsed() >= Duration::from_secs(5));
        assert_eq!(queue.next(), Some(id(1)));
        queue.requeue_after(&id(1), Some(Duration::from_secs(1)));
        queue.forget(&id(1));
        assert!(!queue.has_timers());
        assert!(!queue.is_busy(&id(1)));
    }
}
