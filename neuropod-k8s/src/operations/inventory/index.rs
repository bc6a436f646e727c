//! Claims and warnings by the keys under which a pod finds them: finding those of a pod takes as long in a large cluster as
//! in a small one.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use crate::api::partial::{Meta, PartialClaim, PartialEvent, PartialPod};
use crate::status::{Warnings, adds_to_status};

/// Namespace and name.
pub(super) type Place = (String, String);

/// Where an object is.
pub(super) fn place(meta: &Meta) -> Place {
    (meta.namespace.clone(), meta.name.clone())
}

/// Claims, by place.
pub(super) type Claims<S = RandomState> = HashMap<Place, PartialClaim, S>;

/// Warnings, by their subject. Events are added as they come, so that none has to be kept.
#[derive(Debug)]
pub(super) struct Notes<S = RandomState> {
    /// Those about pod objects, by uid.
    about_pods: HashMap<String, Warnings, S>,
    /// Those about claims, by place.
    about_claims: HashMap<Place, Warnings, S>,
}

impl<S: Default> Default for Notes<S> {
    fn default() -> Self {
        Self {
            about_pods: HashMap::default(),
            about_claims: HashMap::default(),
        }
    }
}

impl<S: BuildHasher> Notes<S> {
    /// Adds an event about a pod or a claim, if it says more than the status does.
    pub(super) fn add(&mut self, event: &PartialEvent) {
        if !adds_to_status(event) {
            return;
        }
        let about = &event.involved_object;
        let warnings = if about.kind == "PersistentVolumeClaim" {
            let place = (about.namespace.clone(), about.name.clone());
            self.about_claims.entry(place).or_default()
        } else {
            self.about_pods.entry(about.uid.clone()).or_default()
        };
        warnings.add(event);
    }

    /// Adds what other lists of events have shown.
    pub(super) fn extend(&mut self, other: Self) {
        for (uid, warnings) in other.about_pods {
            let known = self.about_pods.entry(uid).or_default();
            *known = std::mem::take(known).with(&warnings);
        }
        for (place, warnings) in other.about_claims {
            let known = self.about_claims.entry(place).or_default();
            *known = std::mem::take(known).with(&warnings);
        }
    }

    /// The warnings about a pod and its claim.
    pub(super) fn about(&self, pod: &PartialPod) -> Warnings {
        let meta = &pod.metadata;
        let of_pod = self.about_pods.get(&meta.uid).cloned().unwrap_or_default();
        let claim = meta.annotations.volume.as_ref();
        let claim = claim.and_then(|name| self.about_claims.get(&(meta.namespace.clone(), name.clone())));
        match claim {
            Some(warnings) => of_pod.with(warnings),
            None => of_pod,
        }
    }
}
