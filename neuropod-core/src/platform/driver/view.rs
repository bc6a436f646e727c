//! The controller's knowledge of a pod in the cluster.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::cluster::observation::{Objects, Observation, ObservedPod, ObservedVolume};

/// The removed pod objects of one pod that are remembered: as many as may be removed during one call.
const MAX_GONE: usize = 16;

/// The latest known state of one pod, merged from the watch and the results of calls.
///
/// The pod object follows the watch, whose events come in order. The result of a call may be older than an
/// event that came before it: it only adds a pod object that the watch has not shown yet.
#[derive(Debug, Default, Clone)]
pub(super) struct View {
    observation: Observation,
    /// The watch has shown the pod object.
    watched: bool,
    /// The last pod objects that the watch reported as removed.
    gone: VecDeque<String>,
    /// The container that the cluster last confirmed to run; it may be gone by now.
    last_run: Option<LastRun>,
}

/// A container, and when the cluster confirmed that it ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LastRun {
    /// Its id.
    pub(super) container: String,
    pub(super) at: Timestamp,
}

impl View {
    pub(super) fn observation(&self) -> &Observation {
        &self.observation
    }

    /// Whether the watch, which has shown all pods if it `is_synced`, does not say whether the pod object exists.
    pub(super) fn is_unwatched(&self, is_synced: bool) -> bool {
        !self.watched && (!is_synced || self.observation.pod.is_some())
    }

    pub(super) fn last_run(&self) -> Option<&LastRun> {
        self.last_run.as_ref()
    }

    /// The cluster has confirmed at this time that the container of the view runs.
    pub(super) fn confirmed(&mut self, at: Timestamp) {
        if let Some(container) = self.observation.container() {
            let last = self.last_run.as_ref();
            let last = last.filter(|run| run.container == container.id);
            if last.is_none_or(|run| run.at < at) {
                let container = container.id.clone();
                self.last_run = Some(LastRun { container, at });
            }
        }
    }

    pub(super) fn changed(&mut self, pod: ObservedPod) {
        let known = self.observation.pod.as_ref();
        // Another pod object has to become ready by itself.
        if known.is_none_or(|known| known.uid != pod.uid) {
            self.observation.ready_since = None;
        }
        self.observation.pod = Some(pod);
        self.watched = true;
    }

    /// Notes since when the pod is ready. Called after each change.
    pub(super) fn note_readiness(&mut self, now: Timestamp) {
        let is_ready = self.observation.pod.as_ref().is_some_and(|pod| pod.ready);
        let since = self.observation.ready_since.unwrap_or(now);
        self.observation.ready_since = is_ready.then_some(since);
    }

    pub(super) fn gone(&mut self, uid: String) {
        if self.observation.pod.as_ref().is_some_and(|pod| pod.uid == uid) {
            self.observation.pod = None;
        }
        self.gone.push_back(uid);
        if self.gone.len() > MAX_GONE {
            self.gone.pop_front();
        }
    }

    /// Adds the result of a call.
    pub(super) fn returned(&mut self, returned: Observation) {
        self.watched &= self.observation.pod.is_some();
        let fresh = returned.pod.filter(|pod| !self.gone.contains(&pod.uid));
        merge(
            &mut self.observation,
            Observation {
                pod: fresh,
                ..returned
            },
        );
    }

    /// Adds the result of a list that was requested after the last call. A pod object that is known only from a
    /// call, and is not in the list, was created and removed in a gap of the watch, which never shows it.
    pub(super) fn listed(&mut self, seen: Observation) {
        if seen.pod.is_none() && !self.watched {
            self.observation.pod = None;
        }
        self.returned(seen);
    }

    /// Whether a list shows other objects than these, or another volume.
    pub(super) fn contradicts(&self, seen: &Observation) -> bool {
        self.observation.objects != seen.objects || self.observation.volume != seen.volume
    }

    /// An attempt to change objects failed, or a list contradicts what is known: it is unknown which exist. The pod object
    /// still follows the watch.
    pub(super) fn set_status_unknown(&mut self) {
        self.observation.objects = Objects::Unknown;
        self.observation.volume = ObservedVolume::Unknown;
    }
}

/// Adds the result of a call to the known state.
pub(super) fn merge(known: &mut Observation, returned: Observation) {
    if returned.objects != Objects::Unknown {
        known.objects = returned.objects;
    }
    if returned.volume != ObservedVolume::Unknown {
        known.volume = returned.volume;
    }
    match (&mut known.pod, returned.pod) {
        (Some(known), Some(returned)) if known.uid == returned.uid => {
            known.terminating |= returned.terminating;
        }
        (known @ None, returned) => *known = returned,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::observation::{Container, Phase, Step};

    fn pod(uid: &str, phase: Phase) -> ObservedPod {
        ObservedPod {
            uid: uid.into(),
            run: 1,
            spec_hash: String::new(),
            node: None,
            phase,
            step: Step::Starting,
            terminating: false,
            ready: false,
            container: None,
            started_at: None,
            finished_at: None,
            finished_id: None,
            restarts: 0,
            closed_at: None,
            reason: None,
            passes_until: None,
            node_fault: false,
            step_since: None,
            ending: None,
            last_end: None,
        }
    }

    fn returned(pod: Option<ObservedPod>) -> Observation {
        Observation {
            pod,
            objects: Objects::Complete,
            volume: ObservedVolume::Pending,
            ready_since: None,
        }
    }

    #[test]
    fn a_late_call_does_not_undo_what_the_watch_showed() {
        let mut view = View::default();
        view.changed(pod("a", Phase::Running));
        view.returned(returned(Some(pod("a", Phase::Pending))));
        assert_eq!(view.observation().pod.as_ref().unwrap().phase, Phase::Running);
        view.gone("a".into());
        view.returned(returned(Some(pod("a", Phase::Pending))));
        assert_eq!(view.observation().pod, None);
        view.returned(returned(Some(pod("b", Phase::Pending))));
        assert_eq!(view.observation().pod.as_ref().unwrap().uid, "b");
        view.gone("a".into());
        assert!(view.observation().pod.is_some(), "another object is gone");
    }

    #[test]
    fn a_late_call_restores_neither_of_two_removed_pod_objects() {
        let mut view = View::default();
        view.changed(pod("a", Phase::Running));
        view.gone("a".into());
        view.changed(pod("b", Phase::Running));
        view.gone("b".into());
        view.returned(returned(Some(pod("a", Phase::Running))));
        assert_eq!(view.observation().pod, None);
    }

    #[test]
    fn a_list_removes_pods_known_only_from_a_call() {
        let mut view = View::default();
        view.returned(returned(Some(pod("a", Phase::Pending))));
        view.listed(returned(None));
        assert_eq!(view.observation().pod, None);
        view.changed(pod("b", Phase::Running));
        view.listed(returned(None));
        assert!(view.observation().pod.is_some(), "the watch will show it");
        view.gone("b".into());
        view.returned(returned(Some(pod("c", Phase::Pending))));
        view.listed(returned(None));
        assert_eq!(view.observation().pod, None, "the watch showed another one");
    }

    #[test]
    fn a_container_that_is_gone_ran_until_the_cluster_confirmed_it_last() {
        let mut view = View::default();
        view.confirmed(Timestamp::UNIX_EPOCH);
        assert_eq!(view.last_run(), None, "nothing runs");
        let started_at = Timestamp::UNIX_EPOCH;
        let id = "first".to_owned();
        view.changed(ObservedPod {
            container: Some(Container { id, started_at }),
            ..pod("a", Phase::Running)
        });
        let at = Timestamp::from_second(300).unwrap();
        view.confirmed(at);
        view.gone("a".into());
        let container = "first".to_owned();
        assert_eq!(view.last_run(), Some(&LastRun { container, at }));
    }

    #[test]
    fn a_call_without_a_pod_waits_for_the_watch() {
        let mut view = View::default();
        view.changed(pod("a", Phase::Running));
        view.returned(returned(None));
        assert!(view.observation().pod.is_some());
    }
}
