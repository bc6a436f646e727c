//! What the driver knows of a pod in the cluster.

use std::collections::VecDeque;

use crate::cluster::observation::{Objects, Observation, ObservedPod, ObservedVolume};

/// Pod objects of one pod that are remembered as gone: as many as may go while one call is under way.
const MAX_GONE: usize = 16;

/// The latest known state of one pod, put together from the watch and from answers to calls.
///
/// The pod object follows the watch, whose events come in order. The answer to a call may be older than an event that
/// came before it: it only adds a pod object that the watch has not shown yet.
#[derive(Debug, Default, Clone)]
pub(super) struct View {
    observation: Observation,
    /// The watch has told of the pod object.
    watched: bool,
    /// The last pod objects that the watch said are gone.
    gone: VecDeque<String>,
}

impl View {
    pub(super) fn observation(&self) -> &Observation {
        &self.observation
    }

    pub(super) fn changed(&mut self, pod: ObservedPod) {
        self.observation.pod = Some(pod);
        self.watched = true;
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

    pub(super) fn answered(&mut self, answer: Observation) {
        self.watched &= self.observation.pod.is_some();
        let fresh = answer.pod.filter(|pod| !self.gone.contains(&pod.uid));
        merge(&mut self.observation, Observation { pod: fresh, ..answer });
    }

    /// Takes over a list that was asked for after the last answer. A pod object that only an answer told of, and that
    /// the list does not show, came and went in a gap of the watch, which never tells of it.
    pub(super) fn listed(&mut self, seen: Observation) {
        if seen.pod.is_none() && !self.watched {
            self.observation.pod = None;
        }
        self.answered(seen);
    }

    /// Something was changed, and nobody knows how far: only the watch's pod object is still believed.
    pub(super) fn doubt(&mut self) {
        self.observation.objects = Objects::Unknown;
        self.observation.volume = ObservedVolume::Unknown;
    }
}

/// Adds what a call answered to what was known.
pub(super) fn merge(known: &mut Observation, answer: Observation) {
    if answer.objects != Objects::Unknown {
        known.objects = answer.objects;
    }
    if answer.volume != ObservedVolume::Unknown {
        known.volume = answer.volume;
    }
    match (&mut known.pod, answer.pod) {
        (Some(known), Some(answer)) if known.uid == answer.uid => known.terminating |= answer.terminating,
        (known @ None, answer) => *known = answer,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::observation::{Phase, Step};

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

    fn answer(pod: Option<ObservedPod>) -> Observation {
        Observation {
            pod,
            objects: Objects::Complete,
            volume: ObservedVolume::Pending,
        }
    }

    #[test]
    fn a_late_answer_does_not_undo_what_the_watch_said() {
        let mut view = View::default();
        view.changed(pod("a", Phase::Running));
        view.answered(answer(Some(pod("a", Phase::Pending))));
        assert_eq!(view.observation().pod.as_ref().unwrap().phase, Phase::Running);
        view.gone("a".into());
        view.answered(answer(Some(pod("a", Phase::Pending))));
        assert_eq!(view.observation().pod, None);
        view.answered(answer(Some(pod("b", Phase::Pending))));
        assert_eq!(view.observation().pod.as_ref().unwrap().uid, "b");
        view.gone("a".into());
        assert!(view.observation().pod.is_some(), "another object is gone");
    }

    #[test]
    fn an_answer_that_comes_after_two_pod_objects_are_gone_brings_neither_back() {
        let mut view = View::default();
        view.changed(pod("a", Phase::Running));
        view.gone("a".into());
        view.changed(pod("b", Phase::Running));
        view.gone("b".into());
        view.answered(answer(Some(pod("a", Phase::Running))));
        assert_eq!(view.observation().pod, None);
    }

    #[test]
    fn a_list_ends_what_only_an_answer_told_of() {
        let mut view = View::default();
        view.answered(answer(Some(pod("a", Phase::Pending))));
        view.listed(answer(None));
        assert_eq!(view.observation().pod, None);
        view.changed(pod("b", Phase::Running));
        view.listed(answer(None));
        assert!(view.observation().pod.is_some(), "the watch will tell");
        view.gone("b".into());
        view.answered(answer(Some(pod("c", Phase::Pending))));
        view.listed(answer(None));
        assert_eq!(view.observation().pod, None, "the watch told of another one");
    }

    #[test]
    fn an_answer_that_shows_no_pod_waits_for_the_watch() {
        let mut view = View::default();
        view.changed(pod("a", Phase::Running));
        view.answered(answer(None));
        assert!(view.observation().pod.is_some());
    }
}
