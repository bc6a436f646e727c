//! The smallest cluster for reconciling a record: plain data, changed by hand.

use super::bank::Bank;
use super::*;

/// The outcome of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Works,
    /// The effect takes place, but the answer is lost.
    Lost,
    /// Nothing takes place, and an error is returned.
    Fails,
    /// Some or all of the effect takes place, and an error is returned.
    FailsAfter,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) pod: Option<Pod>,
    /// The last request.
    pub(super) wanted: Desired,
    pub(super) seen: Observation,
    pub(super) now: i64,
    pub(super) bank: Bank,
    pub(super) volume_grace: Option<SignedDuration>,
    /// The cluster's error for every creation.
    pub(super) refuses: Option<ErrorKind>,
    /// Whether containers fail to start.
    pub(super) stuck: bool,
    /// Seconds that containers actually ran.
    pub(super) ran: i64,
    objects_made: u32,
    /// The number of actions other than charging.
    pub(super) effects: usize,
}

impl World {
    pub(super) fn new(pod: Pod, available: Money, volume_grace: Option<SignedDuration>) -> Self {
        Self {
            wanted: pod.desired,
            pod: Some(pod),
            seen: Observation::nothing(),
            now: 0,
            bank: Bank::new(available),
            volume_grace,
            refuses: None,
            stuck: false,
            ran: 0,
            objects_made: 0,
            effects: 0,
        }
    }

    /// Carries out the first action. Returns `false` if there was none.
    pub(super) fn step(&mut self, outcome: Outcome) -> bool {
        let Some(pod) = self.pod.clone() else { return false };
        let now = at(self.now);
        let actions = reconcile(&pod, &self.seen, now);
        let Some(action) = actions
            .iter()
            .find(|action| !matches!(action, Action::RequeueAt { .. }))
        else {
            return false;
        };
        if let Action::Save(next) = action {
            // A lost save is a conflict: the record is unchanged.
            if outcome == Outcome::Works {
                self.store((**next).clone());
            }
            return true;
        }
        self.effects += usize::from(!matches!(action, Action::Draw(_)));
        let error = Error::new(ErrorKind::Unavailable, "the connection broke");
        let result = match outcome {
            Outcome::Fails => Err(error),
            Outcome::Works | Outcome::Lost => self.carry_out(&pod, action),
            Outcome::FailsAfter => self.carry_out(&pod, action).and(Err(error)),
        };
        if result.is_err() && *action == Action::Apply {
            // Some of the objects may exist all the same.
            self.seen.objects = Objects::Unknown;
        }
        let next = match (action, result) {
            (Action::Draw(draw), Ok(Some(answer))) => {
                let account = self.bank.balance();
                drawn(&pod, draw, &answer, Some(&account), self.volume_grace, now)
            }
            (_, Ok(_)) => done(&pod, action),
            (_, Err(error)) => failed(&pod, action, &error, now),
        };
        if outcome != Outcome::Lost
            && let Some(next) = next
        {
            self.store(next);
        }
        if outcome == Outcome::Works && matches!(action, Action::ReadToken { .. }) {
            self.read_log(&pod);
        }
        true
    }

    /// A removed record stays removed.
    fn store(&mut self, next: Pod) {
        if self.pod.is_some() {
            self.pod = Some(Pod {
                updated_at: at(self.now),
                version: next.version + 1,
                ..next
            });
        }
    }

    fn read_log(&mut self, pod: &Pod) {
        let mut next = pod.clone();
        next.login.found = TokenState::Configured;
        self.store(next);
    }

    fn carry_out(&mut self, pod: &Pod, action: &Action) -> Result<Option<Drawn>, Error> {
        match action {
            Action::Hold(hold) => self.bank.hold(hold)?,
            Action::Draw(draw) => return Ok(Some(self.bank.draw(draw))),
            Action::Release { key } => self.bank.release(key),
            Action::Observe => self.observe_objects(),
            Action::Apply => {
                assert_eq!(
                    pod.meter.hold_state,
                    HoldState::Open,
                    "nothing is made that is not paid for"
                );
                if let Some(kind) = &self.refuses {
                    return Err(Error::new(kind.clone(), "the cluster says no"));
                }
                self.apply(pod.run);
            }
            Action::Remove { volume } => {
                if *volume == VolumePolicy::Delete {
                    self.may_delete_volume(pod);
                }
                self.remove(*volume);
            }
            Action::Forget => {
                assert!(
                    self.seen.is_cleared(),
                    "forgotten with something left: {:?}",
                    self.seen
                );
                self.pod = None;
            }
            Action::Save(_) | Action::ReadToken { .. } | Action::RequeueAt { .. } => {}
        }
        Ok(None)
    }

    fn apply(&mut self, run: u64) {
        if self.seen.pod.is_none() {
            self.objects_made += 1;
            let uid = format!("object-{}", self.objects_made);
            self.seen.pod = Some(ObservedPod {
                uid,
                run,
                ..pending(Step::Scheduling)
            });
        }
        self.seen.objects = Objects::Complete;
        if self.seen.volume != ObservedVolume::Terminating {
            self.seen.volume = ObservedVolume::Bound { size_gb: 30 };
        }
    }

    fn remove(&mut self, volume: VolumePolicy) {
        self.observe_objects();
        self.seen.objects = Objects::Absent;
        if let Some(seen) = &mut self.seen.pod {
            seen.terminating = true;
        }
        if volume == VolumePolicy::Delete {
            self.delete_volume();
        }
    }

    /// By the platform, or by somebody else.
    pub(super) fn delete_volume(&mut self) {
        if self.seen.volume != ObservedVolume::Absent {
            self.seen.volume = ObservedVolume::Terminating;
        }
    }

    /// The user's data is only deleted on request, or after a warning that the volume is unpaid.
    fn may_delete_volume(&self, pod: &Pod) {
        let asked = self.wanted
            == Desired::Deleted {
                volume: VolumePolicy::Delete,
            };
        let unpaid = pod.desired == Desired::Stopped
            && pod
                .volume_deletion
                .is_some_and(|deletion| deletion.decided && deletion.at <= at(self.now));
        assert!(asked || unpaid, "a volume goes that nobody gave up: {self:?}");
    }

    /// Objects that nobody has observed turn out to be partly there.
    fn observe_objects(&mut self) {
        if self.seen.objects == Objects::Unknown {
            self.seen.objects = Objects::Partial;
        }
    }

    /// The cluster makes progress for some seconds.
    pub(super) fn pass(&mut self, seconds: i64) {
        let before = self.now;
        self.now += seconds;
        let Some(seen) = &mut self.seen.pod else {
            self.volume_goes();
            return;
        };
        if seen.container.is_some() {
            self.ran += seconds;
        }
        if seen.phase == Phase::Unknown {
            // Nothing ends or starts on a node that does not respond.
        } else if seen.terminating {
            self.seen.pod = None;
        } else if seen.phase == Phase::Ended || self.stuck {
        } else if seen.container.is_some() {
            seen.ready = true;
            seen.step = Step::Ready;
        } else if seen.started_at.is_some() || matches!(self.seen.volume, ObservedVolume::Bound { .. }) {
            self.start_container(before);
            self.ran += seconds;
        } else {
            // A pod that no node has taken does not keep its volume.
            self.volume_goes();
        }
    }

    fn volume_goes(&mut self) {
        if self.seen.volume == ObservedVolume::Terminating {
            self.seen.volume = ObservedVolume::Absent;
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
            seen.phase = Phase::Running;
            seen.ready = true;
            seen.step = Step::Ready;
            seen.reason = None;
        }
    }

    /// The container ends, for `reason`: the pod object is over, or another container is started some time.
    pub(super) fn container_ends(&mut self, reason: ReasonCode, over: bool) {
        let now = self.now;
        let Some(seen) = &mut self.seen.pod else { return };
        if seen.phase != Phase::Running {
            return;
        }
        let Some(ended) = seen.container.take() else {
            return;
        };
        seen.finished_at = Some(at(now));
        seen.finished_id = Some(ended.id);
        seen.restarts += 1;
        seen.ready = false;
        seen.step = Step::Starting;
        seen.reason = Some(Reason::new(reason, "", at(now)));
        if over {
            seen.phase = Phase::Ended;
        }
    }

    pub(super) fn container_restarts_at_once(&mut self) {
        self.container_ends(ReasonCode::ContainerExited, false);
        let waits = self
            .seen
            .pod
            .as_ref()
            .is_some_and(|seen| seen.phase == Phase::Running && seen.container.is_none());
        if waits {
            self.start_container(self.now);
        }
    }

    /// The node stops reporting, and so does everything on it.
    pub(super) fn node_is_lost(&mut self) {
        let now = at(self.now);
        if let Some(seen) = &mut self.seen.pod
            && seen.phase != Phase::Ended
        {
            seen.phase = Phase::Unknown;
            seen.ready = false;
            seen.step = Step::Starting;
            seen.reason = Some(Reason::new(ReasonCode::NodeLost, "", now));
        }
    }

    pub(super) fn node_is_back(&mut self) {
        if let Some(seen) = &mut self.seen.pod
            && seen.phase == Phase::Unknown
        {
            let started = seen.started_at.is_some();
            seen.phase = if started { Phase::Running } else { Phase::Pending };
            seen.ready = seen.container.is_some();
            seen.reason = None;
        }
    }

    /// From now on every request succeeds.
    pub(super) fn recover(&mut self) {
        self.refuses = None;
        self.stuck = false;
        self.node_is_back();
    }

    /// A request of a person, as the platform records it.
    pub(super) fn ask(&mut self, desired: Desired) {
        let now = at(self.now);
        let Some(pod) = &mut self.pod else { return };
        match desired {
            _ if pod.is_deleted() => return,
            Desired::Running => {
                pod.desired = Desired::Running;
                pod.run += 1;
                pod.status = Status::Creating;
                pod.step = Step::Accepted;
                pod.reason = None;
                pod.volume_deletion = None;
                pod.attempts = 0;
                pod.failing_since = None;
                pod.retry_at = None;
                pod.started_at = None;
                pod.login.found = TokenState::Unknown;
            }
            Desired::Stopped => pod.stop(),
            Desired::Deleted { volume } => pod.delete(volume),
        }
        pod.requested_at = now;
        pod.updated_at = now;
        self.wanted = desired;
    }
}
