//! Finds a page of pods.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use neuropod::Pod;

use super::order::Use;
use super::place::Place;
use super::query::Query;
use crate::directory::People;

/// A page of pods.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) pods: Vec<Arc<Pod>>,
    /// The place of the last one, if there are more.
    pub(crate) next: Option<Place>,
    /// The number of matching pods on all pages.
    pub(crate) total: usize,
    /// The number of matching pods with each status.
    pub(crate) counts: BTreeMap<&'static str, usize>,
    /// The GPU types of all pods.
    pub(crate) gpus: BTreeSet<String>,
}

/// The pods that `query` selects.
pub(crate) fn select(
    pods: Vec<Arc<Pod>>,
    people: &People,
    uses: impl Fn(&Pod) -> Use,
    query: &Query,
) -> Selection {
    let gpus = pods.iter().map(|pod| pod.options.gpu().to_owned()).collect();
    let owner_of = |pod: &Pod| people.get(&pod.owner);
    let mut found: Vec<_> = pods
        .into_iter()
        .filter(|pod| query.fits(pod, owner_of(pod)))
        .collect();
    let mut counts = BTreeMap::new();
    for pod in &found {
        *counts.entry(pod.status.as_str()).or_default() += 1;
    }
    if let Some(status) = query.status {
        found.retain(|pod| status.fits(pod.status));
    }
    let total = found.len();
    let placed = found.into_iter().map(|pod| {
        let key = query.sort.key(&pod, owner_of(&pod), &uses);
        let id = pod.id.clone();
        (Place { key, id }, pod)
    });
    let mut placed: Vec<_> = placed.collect();
    if let Some(after) = &query.after {
        placed.retain(|(place, _)| query.compare(place, after) == Ordering::Greater);
    }
    placed.sort_unstable_by(|(one, _), (other, _)| query.compare(one, other));
    let more = placed.len() > query.limit;
    placed.truncate(query.limit);
    Selection {
        next: placed.last().filter(|_| more).map(|(place, _)| place.clone()),
        pods: placed.into_iter().map(|(_, pod)| pod).collect(),
        total,
        counts,
        gpus,
    }
}
