//! The smallest cluster and bank that a record can be reconciled with: plain data, moved by hand.

use std::collections::BTreeMap;

use super::*;

/// Where a reservation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Held,
    Released,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) pod: Option<Pod>,
    pub(super) seen: Observation,
    pub(super) now: i64,
    keys: BTreeMap<String, Key>,
    draws: BTreeMap<String, Draw>,
    /// Seconds that containers really ran.
    pub(super) ran: i64,
    objects_made: u32,
    /// How often anything but charging was done.
    pub(super) effects: usize,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            pod: Some(Pod::sample(at(0))),
            seen: Observation::nothing(),
            now: 0,
            keys: BTreeMap::new(),
            draws: BTreeMap::new(),
            ran: 0,
            objects_made: 0,
            effects: 0,
        }
    }

    /// Carries out the first action. With `lost`, the effect happens and nobody is told.
    /// Answers whether there was anything to do.
    pub(super) fn step(&mut self, lost: bool) -> bool {
        let Some(pod) = self.pod.clone() else { return false };
        let actions = reconcile(&pod, &self.seen, at(self.now));
        let Some(action) = actions
            .iter()
            .find(|action| !matches!(action, Action::Wake { .. }))
        else {
            return false;
        };
        if let Action::Save(next) = action {
            // A lost save is a conflict: the record stays as it was.
            if !lost {
                self.store((**next).clone());
            }
            return true;
        }
        self.effects += usize::from(!matches!(action, Action::Draw(_)));
        self.carry_out(action);
        let next = match action {
            Action::Draw(draw) => drawn(&pod, draw, &paid(draw), None, at(self.now)),
            _ => done(&pod, action),
        };
        if !lost && let Some(next) = next {
            self.store(next);
        }
        !matches!(action, Action::Follow { .. }) || self.read_log(&pod)
    }

    fn store(&mut self, next: Pod) {
        self.pod = Some(Pod {
            updated_at: at(self.now),
            version: next.version + 1,
            ..next
        });
    }

    fn read_log(&mut self, pod: &Pod) -> bool {
        let mut next = pod.clone();
        next.login.found = TokenState::Configured;
        self.store(next);
        true
    }

    fn carry_out(&mut self, action: &Action) {
        match action {
            Action::Hold(hold) => {
                let state = *self.keys.entry(hold.key.clone()).or_insert(Key::Held);
                assert_ne!(state, Key::Released, "a closed key is never held again");
            }
            Action::Draw(draw) => {
                if let Some(hold) = &draw.hold {
                    assert_eq!(self.keys.get(hold), Some(&Key::Held), "drawn from what is held");
                }
                let known = self.draws.entry(draw.key.clone()).or_insert_with(|| draw.clone());
                assert_eq!(known, draw, "one key, two draws");
            }
            Action::Release { key } => {
                self.keys.insert(key.clone(), Key::Released);
            }
            Action::Observe => self.know(),
            Action::Apply => {
                let pod = self.pod.as_ref().unwrap();
                assert_eq!(
                    pod.meter.reservation,
                    Reservation::Open,
                    "nothing is made that is not paid for"
                );
                if self.seen.pod.is_none() {
                    self.objects_made += 1;
                    let uid = format!("object-{}", self.objects_made);
                    self.seen.pod = Some(ObservedPod {
                        uid,
                        run: pod.run,
                        ..pending(Step::Scheduling)
                    });
                }
                self.seen.objects = Objects::Complete;
                self.seen.volume = ObservedVolume::Bound { size_gb: 30 };
            }
            Action::Remove { volume } => {
                self.know();
                self.seen.objects = Objects::Absent;
                if let Some(seen) = &mut self.seen.pod {
                    seen.terminating = true;
                }
                if *volume == VolumePolicy::Delete && self.seen.volume != ObservedVolume::Absent {
                    self.seen.volume = ObservedVolume::Terminating;
                }
            }
            Action::Forget => {
                assert!(
                    self.seen.is_cleared(),
                    "forgotten with something left: {:?}",
                    self.seen
                );
                self.pod = None;
            }
            Action::Save(_) | Action::Follow { .. } | Action::Wake { .. } => {}
        }
    }

    /// What nobody had looked at turns out to be half there.
    fn know(&mut self) {
        if self.seen.objects == Objects::Unknown {
            self.seen.objects = Objects::Partial;
        }
        if self.seen.volume == ObservedVolume::Unknown {
            self.seen.volume = ObservedVolume::Bound { size_gb: 30 };
        }
    }

    /// The cluster goes on for some seconds, towards what it was asked for.
    pub(super) fn pass(&mut self, seconds: i64) {
        let before = self.now;
        self.now += seconds;
        let Some(seen) = &mut self.seen.pod else {
            if self.seen.volume == ObservedVolume::Terminating {
                self.seen.volume = ObservedVolume::Absent;
            }
            return;
        };
        if seen.container.is_some() {
            self.ran += seconds;
        }
        if seen.terminating {
            self.seen.pod = None;
        } else if seen.phase == Phase::Pending {
            seen.phase = Phase::Running;
            seen.ready = true;
            seen.step = Step::Ready;
            seen.reason = None;
            self.start_container(before);
            self.ran += seconds;
        }
    }

    fn start_container(&mut self, second: i64) {
        if let Some(seen) = &mut self.seen.pod {
            let id = format!("{}-{}", seen.uid, seen.restarts);
            seen.container = Some(Container {
                id,
                started_at: at(second),
            });
            seen.started_at.get_or_insert(at(second));
        }
    }

    /// The container ends; it comes back at once, or the pod object is over.
    pub(super) fn container_ends(&mut self, over: bool) {
        let now = self.now;
        let Some(seen) = &mut self.seen.pod else { return };
        let Some(ended) = seen.container.take() else {
            return;
        };
        seen.finished_at = Some(at(now));
        seen.finished_id = Some(ended.id);
        seen.restarts += 1;
        if over {
            seen.phase = Phase::Ended;
            seen.ready = false;
            seen.reason = Some(Reason::new(ReasonCode::Evicted, "", at(now)));
        } else {
            self.start_container(now);
        }
    }

    /// What a person asks for.
    pub(super) fn ask(&mut self, desired: Desired, new_run: bool) {
        let now = at(self.now);
        let Some(pod) = &mut self.pod else { return };
        if pod.is_deleted() {
            return;
        }
        pod.desired = desired;
        pod.requested_at = now;
        pod.updated_at = now;
        if new_run {
            pod.run += 1;
            pod.reason = None;
        }
    }

    pub(super) fn charged(&self) -> Money {
        self.draws.values().map(|draw| draw.amount).sum()
    }

    /// What of it is for running.
    pub(super) fn charged_for_running(&self) -> Money {
        self.draws
            .values()
            .filter(|draw| draw.hold.is_some())
            .map(|draw| draw.amount)
            .sum()
    }

    /// No two charged periods overlap.
    pub(super) fn overlap(&self) -> bool {
        let mut periods: Vec<_> = self
            .draws
            .values()
            .filter_map(|draw| draw.details.period)
            .collect();
        periods.sort_by_key(|period| period.from);
        periods.windows(2).any(|pair| pair[1].from < pair[0].until)
    }

    pub(super) fn still_held(&self) -> usize {
        self.keys.values().filter(|key| **key == Key::Held).count()
    }
}
