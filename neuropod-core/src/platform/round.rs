//! One look at one pod: its record is reconciled with what is seen until nothing is left to do now.

use std::time::Duration;

use jiff::Timestamp;

use super::Inner;
use super::view::merge;
use crate::cluster::observation::{Objects, Observation, ObservedPod, ObservedVolume};
use crate::cluster::plan;
use crate::cluster::reason::ReasonCode;
use crate::cluster::workload::{VolumePolicy, WorkloadRef};
use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::PodId;
use crate::pod::record::{Desired, Pod};
use crate::reconcile::{self, Action, reconcile};
use crate::store::traits::Outcome;

/// Steps after which a look is broken off, in case record and cluster chase each other: the next look goes on.
const MAX_STEPS: usize = 100;

/// What a look led to.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// What the cluster answered, in order.
    pub(super) answers: Vec<Observation>,
    /// When to look again, even if nothing was seen until then.
    pub(super) wake: Option<Timestamp>,
    /// The log to be read.
    pub(super) follow: Option<Follow>,
    /// Something is asked for again, or failed: look again soon, and more and more slowly.
    pub(super) again: Option<Again>,
    /// There is no record of this pod.
    pub(super) unknown: bool,
    /// The record when it was left.
    pub(super) record: Option<Pod>,
    /// What is in the cluster is not known any more.
    pub(super) doubt: bool,
}

/// Why a look has to be repeated.
#[derive(Debug)]
pub(super) enum Again {
    /// The cluster has not caught up.
    Waiting,
    /// A call failed.
    Failed(Error),
}

/// A log to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Follow {
    pub(super) reference: WorkloadRef,
    pub(super) container: String,
    /// Only what was written since.
    pub(super) since: Option<Timestamp>,
}

impl Inner {
    /// Brings a pod as far towards what is wanted as it can be brought now. `age`: how long ago it was confirmed
    /// that the container that is `seen` runs.
    pub(super) async fn round(&self, id: &PodId, mut seen: Observation, age: Duration) -> Result<Round> {
        // What is seen holds for now, however long the calls below take: no later time is charged on it.
        let now = self.clock.now();
        let seen_at = now.saturating_sub(age).unwrap_or(Timestamp::MIN);
        let mut round = Round::default();
        let mut carried_out = Vec::new();
        let mut confirmed = false;
        for _ in 0..MAX_STEPS {
            let Some(pod) = self.store.get(id).await? else {
                round.unknown = true;
                return Ok(round);
            };
            round.record = Some(pod.clone());
            if let Desired::Deleted { volume } = pod.desired {
                // Whoever was deleted owns nothing: what they made since goes too, and the volume with the last of it.
                if volume == VolumePolicy::Delete
                    && !self.sharers(&pod, false).await?.is_empty()
                    && !self.is_deleted(&pod.owner).await?
                {
                    // A pod that was made since has its files there by now.
                    let volume = VolumePolicy::Keep;
                    let desired = Desired::Deleted { volume };
                    self.save_or_retry(&Pod { desired, ..pod }).await?;
                    continue;
                }
                if round.answers.is_empty() {
                    // Before the record goes the cluster is asked: another process may have made more than is seen.
                    seen.objects = Objects::Unknown;
                    seen.volume = ObservedVolume::Unknown;
                }
            }
            let runs = seen.container().is_some();
            if !confirmed && pod.meter.needs_a_look(runs, seen_at, now) {
                match self.still_runs(&pod, &seen).await {
                    Ok(true) => confirmed = true,
                    // The watch is about to tell.
                    Ok(false) => round.again = Some(Again::Waiting),
                    Err(error) => round.again = Some(Again::Failed(error)),
                }
                if round.again.is_some() {
                    return Ok(round);
                }
            }
            if pod.loses_volume(now)
                && let Some(next) = self.spare_volume(&pod, now).await?
            {
                self.save_or_retry(&next).await?;
                continue;
            }
            let actions = reconcile(&pod, &seen, self.deadlines, now);
            if let Some(Action::Save(next)) = actions.first() {
                self.save_or_retry(next).await?;
                continue;
            }
            let (mut effects, hints): (Vec<_>, Vec<_>) = actions
                .into_iter()
                .partition(|action| !matches!(action, Action::Wake { .. } | Action::Follow { .. }));
            round.wake = None;
            round.follow = None;
            self.take_hints(hints, &pod, &mut round);
            if effects.contains(&Action::Apply)
                && let Some(leaving) = self.volume_goes(&pod, now).await?
            {
                if let Some(next) = reconcile::failed(&pod, &Action::Apply, &leaving, now) {
                    self.save_or_retry(&next).await?;
                    continue;
                }
                effects.retain(|effect| *effect != Action::Apply);
                round.again = Some(Again::Waiting);
            }
            if effects.is_empty() {
                return Ok(round);
            }
            if effects == carried_out {
                round.again = Some(Again::Waiting);
                return Ok(round);
            }
            if let Err(error) = self.carry_out(&pod, &effects, &mut seen, &mut round).await {
                round.again = Some(Again::Failed(error));
                return Ok(round);
            }
            carried_out = effects;
        }
        round.again = Some(Again::Waiting);
        Ok(round)
    }

    /// Whether the cluster shows the container that was seen.
    async fn still_runs(&self, pod: &Pod, seen: &Observation) -> Result<bool> {
        let shown = self.cluster.observe(&plan::reference(pod, &self.naming)).await?;
        Ok(shown.container() == seen.container())
    }

    /// That another pod takes the volume of `pod` with it, by its record: nothing is made on that volume before it is
    /// gone or kept, or its files would go when the new pod ends.
    async fn volume_goes(&self, pod: &Pod, now: Timestamp) -> Result<Option<Error>> {
        let mut takers = self.sharers(pod, true).await?;
        takers.retain(|other| {
            let volume = VolumePolicy::Delete;
            other.desired == Desired::Deleted { volume } || other.loses_volume(now)
        });
        // Each is looked at again, and keeps the volume if it can still be kept.
        for taker in &takers {
            self.touched.add(&taker.id);
        }
        Ok(takers.first().map(|taker| {
            let message = "the volume is being deleted with another pod";
            let error = Error::new(ErrorKind::Conflict, message).with_context("volume", &pod.spec.volume);
            error.with_context("pod", &taker.name)
        }))
    }

    /// The record of a pod that would lose its volume, where other pods keep that: it goes with the last of them, or
    /// not at all.
    async fn spare_volume(&self, pod: &Pod, now: Timestamp) -> Result<Option<Pod>> {
        let mut keepers = self.sharers(pod, false).await?;
        keepers.retain(|other| !other.loses_volume(now));
        if keepers.is_empty() {
            return Ok(None);
        }
        let deletions: Option<Vec<_>> = keepers.iter().map(|keeper| keeper.volume_deletion).collect();
        let last = deletions.and_then(|all| all.into_iter().max_by_key(|deletion| deletion.at));
        let reason = pod.reason.clone();
        Ok(Some(Pod {
            volume_deletion: last,
            reason: reason.filter(|reason| reason.code != ReasonCode::VolumeDeleted),
            ..pod.clone()
        }))
    }

    fn take_hints(&self, hints: Vec<Action>, pod: &Pod, round: &mut Round) {
        for hint in hints {
            match hint {
                Action::Wake { at } => round.wake = Some(at),
                Action::Follow { container, since } => {
                    let reference = plan::reference(pod, &self.naming);
                    round.follow = Some(Follow {
                        reference,
                        container,
                        since,
                    });
                }
                _ => {}
            }
        }
    }

    /// Carries out all of `effects`, whatever becomes of each, and writes down what came of them.
    async fn carry_out(
        &self,
        pod: &Pod,
        effects: &[Action],
        seen: &mut Observation,
        round: &mut Round,
    ) -> Result<()> {
        let mut pod = pod.clone();
        let mut failure = Ok(());
        for action in effects {
            let next = match self.effect(&pod, action, seen, round).await {
                Ok(next) => next,
                Err(error) => {
                    tracing::debug!(pod = %pod.id, ?action, %error, "an action failed");
                    // Some of it may have been made all the same.
                    round.doubt |= matches!(action, Action::Apply);
                    let next = reconcile::failed(&pod, action, &error, self.clock.now());
                    failure = Err(error);
                    next
                }
            };
            if let Some(next) = next {
                match self.save_or_retry(&next).await? {
                    Some(stored) => {
                        let stopped = stored.desired != pod.desired;
                        pod = stored;
                        if stopped {
                            // What was to be done next was for a pod that runs.
                            return failure;
                        }
                    }
                    // Somebody changed the record: it is read again before anything else is done.
                    None => return failure,
                }
            }
        }
        failure
    }

    /// Carries out one action, and answers the record as it should be afterwards.
    async fn effect(
        &self,
        pod: &Pod,
        action: &Action,
        seen: &mut Observation,
        round: &mut Round,
    ) -> Result<Option<Pod>> {
        let reference = || plan::reference(pod, &self.naming);
        let answer = match action {
            Action::Observe => self.cluster.observe(&reference()).await?,
            Action::Apply => {
                let workload = plan::plan(pod, &self.catalogue, &self.naming, &self.layout)?;
                self.cluster.apply(&workload).await?
            }
            Action::Remove { volume } => {
                let answer = self.cluster.remove(&reference(), *volume).await?;
                // Gone at once: it counts as ending until the watch says so too.
                let ending = |pod: ObservedPod| ObservedPod {
                    terminating: true,
                    ..pod
                };
                let pod = answer.pod.or_else(|| seen.pod.clone().map(ending));
                Observation { pod, ..answer }
            }
            Action::Forget => return self.forget(pod, Outcome::Deleted).await.map(|()| None),
            Action::Hold(_) | Action::Draw(_) | Action::Release { .. } => return self.pay(pod, action).await,
            Action::Save(_) | Action::Follow { .. } | Action::Wake { .. } => return Ok(None),
        };
        merge(seen, answer.clone());
        round.answers.push(answer);
        Ok(reconcile::done(pod, action))
    }

    /// Stores the record; `None` when somebody else changed it, so that it has to be read again.
    async fn save_or_retry(&self, pod: &Pod) -> Result<Option<Pod>> {
        match self.save(pod).await {
            Ok(stored) => Ok(Some(stored)),
            Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
