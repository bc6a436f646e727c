//! One reconcile pass over one pod: its record is compared with the observation until nothing remains to be
//! done now.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::pass_report::{PassEnd, PassReport};
use super::sight::{NextPass, Sight};
use super::token_capture::Capture;
use super::view::merge;
use crate::clock::SteadyClock;
use crate::cluster::backend::ClusterBackend;
use crate::cluster::observation::{Objects, Observation, ObservedPod, ObservedVolume};
use crate::cluster::plan;
use crate::cluster::workload::{VolumePolicy, WorkloadRef};
use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::PodId;
use crate::platform::admission::Admission;
use crate::platform::funds::Funds;
use crate::platform::records::Records;
use crate::platform::requests::Requests;
use crate::platform::rules::Rules;
use crate::pod::record::{Desired, Pod};
use crate::reconcile::{self, Action, reconcile};
use crate::store::traits::Outcome;

/// Steps after which a pass is broken off, in case record and cluster chase each other: the next pass
/// continues.
const MAX_STEPS: usize = 100;

/// How long after the cause of a change its record is read, if another replica makes the change: it needs a moment.
pub(super) const NEWS: Duration = Duration::from_secs(1);

/// Makes passes over single pods.
pub(super) struct Reconciler {
    pub(super) cluster: Arc<dyn ClusterBackend>,
    pub(super) records: Arc<Records>,
    pub(super) funds: Arc<Funds>,
    pub(super) requests: Arc<Requests>,
    pub(super) admission: Arc<Admission>,
    pub(super) rules: Arc<Rules>,
    pub(super) clock: Arc<SteadyClock>,
}

/// A running pass.
struct Pass {
    /// The observation is valid for the whole pass, however long its calls last: no later time is charged on
    /// it.
    now: Timestamp,
    sight: Sight,
    /// The record as this pass has stored it: it is not read again.
    stored: Option<Pod>,
    /// The container was confirmed to run by this pass.
    is_confirmed: bool,
    /// Nothing is made while the volume is being deleted with another pod.
    waits_for_volume: bool,
    carried_out: Vec<Action>,
    /// What it has found so far.
    report: PassReport,
}

impl Pass {
    /// Adds what a call of the cluster has returned.
    fn take_in(&mut self, returned: Observation) {
        merge(&mut self.sight.observation, returned.clone());
        self.report.returned.push(returned);
    }

    /// Takes in the answer of the cluster about a pod object that the watch has not shown: it is newer than what other
    /// calls have returned before.
    fn take_answer(&mut self, answer: Observation) {
        if let Some(known) = self.sight.observation.pod.take()
            && answer.pod.as_ref().is_none_or(|pod| pod.uid != known.uid)
        {
            self.report.gone = Some(known.uid);
        }
        self.is_confirmed = true;
        self.take_in(answer);
    }
}

impl Reconciler {
    /// Brings a pod as close to its intended state as is possible now.
    ///
    /// # Errors
    /// Those of the store, which leave nothing to report.
    pub(super) async fn reconcile(&self, id: &PodId, sight: Sight) -> Result<PassReport> {
        let mut pass = Pass {
            now: self.clock.now(),
            sight,
            stored: None,
            is_confirmed: false,
            waits_for_volume: false,
            carried_out: Vec::new(),
            report: PassReport::without_findings(PassEnd::Waiting),
        };
        for _ in 0..MAX_STEPS {
            if let Some(end) = self.step(id, &mut pass).await? {
                pass.report.end = end;
                break;
            }
        }
        Ok(pass.report)
    }

    /// Reads the record of a pod that another replica drives, for the subscribers of this one, and changes nothing. If
    /// nothing else reports the changes of the other (`returns`), it is read again after the next of them is due.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) async fn read(&self, id: &PodId, sight: Sight, returns: bool) -> Result<PassReport> {
        let Some(pod) = self.records.get(id).await? else {
            return Ok(PassReport::without_findings(PassEnd::RecordGone));
        };
        let next = sight.next_pass(&pod, self.rules.deadlines, self.clock.now());
        let (end, requeue_at) = match next {
            NextPass::Due if returns => (PassEnd::Waiting, None),
            NextPass::At(at) if returns => (PassEnd::Done, at.and_then(|at| at.checked_add(NEWS).ok())),
            _ => (PassEnd::Done, None),
        };
        Ok(PassReport {
            record: Some(pod),
            requeue_at,
            ..PassReport::without_findings(end)
        })
    }

    /// Reads the record and carries out its next actions; `None`: the record or the cluster changed, so another
    /// step follows.
    async fn step(&self, id: &PodId, pass: &mut Pass) -> Result<Option<PassEnd>> {
        let pod = match pass.stored.take() {
            Some(stored) => stored,
            None => match self.records.get(id).await? {
                Some(read) => read,
                None => return Ok(Some(PassEnd::RecordGone)),
            },
        };
        pass.report.record = Some(pod.clone());
        if pass.sight.is_unwatched {
            if pod.desired == Desired::Running && !pass.sight.is_synced {
                // Nothing is made that nobody would see run.
                return Ok(Some(PassEnd::Waiting));
            }
            pass.sight.is_unwatched = false;
            match self.cluster.observe(&self.reference(&pod)).await {
                Ok(answer) => pass.take_answer(answer),
                Err(error) => return Ok(Some(PassEnd::Failed(error))),
            }
        }
        let pod = pass.sight.complete(pod);
        if let Desired::Deleted { volume } = pod.desired {
            if volume == VolumePolicy::Delete && self.volume_is_needed(&pod).await? {
                let volume = VolumePolicy::Keep;
                let desired = Desired::Deleted { volume };
                self.records.save_unless_changed(&Pod { desired, ..pod }).await?;
                return Ok(None);
            }
            if pass.report.returned.is_empty() {
                // The cluster is queried before the record is removed: another process may have created more
                // objects than were seen.
                pass.sight.observation.objects = Objects::Unknown;
                pass.sight.observation.volume = ObservedVolume::Unknown;
            }
        }
        if let Some(end) = self.confirm(&pod, pass).await {
            return Ok(Some(end));
        }
        if pod.loses_volume(pass.now)
            && let Some(next) = self.spare_volume(&pod, pass.now).await?
        {
            self.records.save_unless_changed(&next).await?;
            return Ok(None);
        }
        let mut actions = reconcile(&pod, &pass.sight.observation, self.rules.deadlines, pass.now);
        if let Some(Action::Save(next)) = actions.first() {
            pass.stored = self.records.save_unless_changed(next).await?;
            return Ok(None);
        }
        self.take_plans(&pod, &mut actions, pass);
        if actions.contains(&Action::Apply)
            && let Some(leaving) = self.volume_goes(&pod, pass.now).await?
        {
            if let Some(next) = reconcile::failed(&pod, &Action::Apply, &leaving, pass.now) {
                self.records.save_unless_changed(&next).await?;
                return Ok(None);
            }
            actions.retain(|action| *action != Action::Apply);
            pass.waits_for_volume = true;
        }
        if actions.is_empty() {
            return Ok(Some(if pass.waits_for_volume {
                PassEnd::Waiting
            } else {
                PassEnd::Done
            }));
        }
        if actions == pass.carried_out {
            return Ok(Some(PassEnd::Waiting));
        }
        if let Err(error) = self.carry_out(&pod, &actions, pass).await {
            return Ok(Some(PassEnd::Failed(error)));
        }
        pass.carried_out = actions;
        Ok(None)
    }

    /// Asks the cluster whether the observed container still runs, if the observation is too old to charge it.
    /// Returns the end of the pass if it can't be confirmed.
    async fn confirm(&self, pod: &Pod, pass: &mut Pass) -> Option<PassEnd> {
        let runs = pass.sight.observation.container().is_some();
        if pass.is_confirmed || !pass.sight.is_too_old() || !pod.meter.relies_on_observation(runs) {
            return None;
        }
        match self.cluster.observe(&self.reference(pod)).await {
            Ok(shown) if shown.container() == pass.sight.observation.container() => {
                pass.is_confirmed = true;
                None
            }
            // The watch is about to show it.
            Ok(_) => Some(PassEnd::Waiting),
            Err(error) => Some(PassEnd::Failed(error)),
        }
    }

    /// Whether another pod, created since, has its files on the volume that is to be deleted with this one.
    /// Deleted users own nothing: their later pods are deleted too, and the volume with the last of them.
    async fn volume_is_needed(&self, pod: &Pod) -> Result<bool> {
        Ok(self.records.is_shared(pod, false).await? && !self.admission.is_deleted(&pod.owner).await?)
    }

    /// The error for a pod whose volume is to be deleted with another pod, by that pod's record: nothing is
    /// created on the volume before it is deleted or kept, as its files would be lost when that pod's deletion
    /// ends.
    async fn volume_goes(&self, pod: &Pod, now: Timestamp) -> Result<Option<Error>> {
        let mut takers = self.records.volume_takers(pod).await?;
        takers.retain(|other| {
            let volume = VolumePolicy::Delete;
            other.desired == Desired::Deleted { volume } || other.loses_volume(now)
        });
        // Each is reconciled again, and keeps the volume if it can still be kept.
        for taker in &takers {
            self.records.wakeups.wake(&taker.id);
        }
        Ok(takers.first().map(|taker| {
            let message = "the volume is being deleted with another pod";
            let error = Error::new(ErrorKind::Conflict, message).with_context("volume", &pod.volume);
            error.with_context("pod", &taker.name)
        }))
    }

    /// The record of a pod that would delete its volume, where other pods keep it: the volume is deleted with
    /// the last of them, or not at all.
    async fn spare_volume(&self, pod: &Pod, now: Timestamp) -> Result<Option<Pod>> {
        let mut keepers = self.records.sharers(pod).await?;
        keepers.retain(|other| !other.loses_volume(now));
        if keepers.is_empty() {
            return Ok(None);
        }
        let deletions: Option<Vec<_>> = keepers.iter().map(|keeper| keeper.volume_deletion).collect();
        let last = deletions.and_then(|all| all.into_iter().max_by_key(|deletion| deletion.at));
        Ok(Some(Pod {
            volume_deletion: last,
            ..pod.clone()
        }))
    }

    /// Moves the actions that the controller carries out later into the pass.
    fn take_plans(&self, pod: &Pod, actions: &mut Vec<Action>, pass: &mut Pass) {
        pass.report.requeue_at = None;
        pass.report.capture = None;
        actions.retain(|action| match action {
            Action::RequeueAt { at } => {
                pass.report.requeue_at = Some(*at);
                false
            }
            Action::ReadToken { container, since } => {
                let reference = self.reference(pod);
                pass.report.capture = Some(Capture::new(pod, reference, container.clone(), *since));
                false
            }
            _ => true,
        });
    }

    /// Carries out all actions, even if some fail, and stores their results.
    ///
    /// # Errors
    /// The last one of the calls that failed; those of the store.
    async fn carry_out(&self, pod: &Pod, actions: &[Action], pass: &mut Pass) -> Result<()> {
        let mut pod = pod.clone();
        let mut failure = Ok(());
        for action in actions {
            pass.stored = None;
            let next = match self.call(&pod, action, pass).await {
                Ok(next) => next,
                Err(error) => {
                    tracing::debug!(pod = %pod.id, ?action, %error, "an action failed");
                    // Part of it may have been created all the same.
                    pass.report.status_unknown |= matches!(action, Action::Apply);
                    let next = reconcile::failed(&pod, action, &error, self.clock.now());
                    failure = Err(error);
                    next
                }
            };
            if let Some(next) = next {
                match self.records.save_unless_changed(&next).await? {
                    Some(stored) => {
                        let stopped = stored.desired != pod.desired;
                        pass.stored = Some(stored.clone());
                        pod = stored;
                        if stopped {
                            // The other actions were for a running pod.
                            return failure;
                        }
                    }
                    // The record was changed concurrently: it is read again first.
                    None => return failure,
                }
            }
        }
        failure
    }

    /// Carries out one action, and returns the record as it should be afterwards; `None`: it stays as it is.
    async fn call(&self, pod: &Pod, action: &Action, pass: &mut Pass) -> Result<Option<Pod>> {
        let returned = match action {
            Action::Observe => self.cluster.observe(&self.reference(pod)).await?,
            Action::Apply => {
                let Rules {
                    catalogue,
                    naming,
                    layout,
                    ..
                } = &*self.rules;
                let workload = plan::plan(pod, catalogue, naming, layout)?;
                self.cluster.apply(&workload).await?
            }
            Action::Remove { volume } => {
                let returned = self.cluster.remove(&self.reference(pod), *volume).await?;
                // Removed at once: it counts as ending until the watch confirms it.
                let ending = |pod: ObservedPod| ObservedPod {
                    terminating: true,
                    ..pod
                };
                let pod = returned
                    .pod
                    .or_else(|| pass.sight.observation.pod.clone().map(ending));
                Observation { pod, ..returned }
            }
            Action::Forget => {
                return self
                    .requests
                    .forget_pod(pod, Outcome::Deleted)
                    .await
                    .map(|()| None);
            }
            Action::Hold(_) | Action::Draw(_) | Action::Release { .. } => {
                return self.funds.carry_out(pod, action).await;
            }
            Action::Save(_) | Action::ReadToken { .. } | Action::RequeueAt { .. } => return Ok(None),
        };
        pass.take_in(returned);
        Ok(reconcile::done(pod, action))
    }

    fn reference(&self, pod: &Pod) -> WorkloadRef {
        plan::reference(pod, &self.rules.naming)
    }
}
