use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Bound;

use neuropod_core::naming::Slug;
use neuropod_core::store::{Cursor, ListOptions, Page};
use neuropod_core::{Pod, PodId, Result, UserId};

use crate::{failure, input};

/// All pods, and their order in lists.
#[derive(Default)]
pub(super) struct Pods {
    by_id: HashMap<PodId, Pod>,
    names: HashSet<(UserId, Slug)>,
    all: BTreeSet<Cursor>,
    by_owner: HashMap<UserId, BTreeSet<Cursor>>,
}

impl Pods {
    pub(super) fn insert(&mut self, pod: &Pod) -> Result<Pod> {
        if self.by_id.contains_key(&pod.id) {
            return Err(failure::taken("id"));
        }
        if !self.names.insert((pod.owner.clone(), pod.slug.clone())) {
            return Err(failure::taken("name"));
        }
        let stored = Pod {
            version: 1,
            ..pod.clone()
        };
        self.all.insert(place(&stored));
        let of_owner = self.by_owner.entry(stored.owner.clone()).or_default();
        of_owner.insert(place(&stored));
        self.by_id.insert(stored.id.clone(), stored.clone());
        Ok(stored)
    }

    pub(super) fn get(&self, id: &PodId) -> Option<&Pod> {
        self.by_id.get(id)
    }

    pub(super) fn list(&self, options: &ListOptions) -> Result<Page> {
        input::limit(options.limit)?;
        let places = match &options.owner {
            None => Some(&self.all),
            Some(owner) => self.by_owner.get(owner),
        };
        let start = options.after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let mut pods = places
            .into_iter()
            .flat_map(|places| places.range((start, Bound::Unbounded)))
            .filter_map(|place| self.by_id.get(&place.id))
            .filter(|pod| options.include_deleted || !pod.is_deleted());
        let page: Vec<_> = pods.by_ref().take(options.limit as usize).cloned().collect();
        let next = pods.next().and(page.last().map(place));
        Ok(Page::new(page, next))
    }

    pub(super) fn update(&mut self, pod: &Pod) -> Result<Pod> {
        let stored = self.by_id.get_mut(&pod.id).ok_or_else(|| failure::gone("pod"))?;
        input::follows(stored, pod)?;
        stored.clone_from(pod);
        stored.version += 1;
        Ok(stored.clone())
    }

    pub(super) fn remove(&mut self, id: &PodId, version: u64) -> Result<()> {
        let Some(stored) = self.by_id.get(id) else {
            return Ok(());
        };
        if stored.version != version {
            return Err(failure::changed("pod"));
        }
        let place = place(stored);
        self.all.remove(&place);
        if let Some(places) = self.by_owner.get_mut(&stored.owner) {
            places.remove(&place);
            if places.is_empty() {
                self.by_owner.remove(&stored.owner);
            }
        }
        self.names.remove(&(stored.owner.clone(), stored.slug.clone()));
        self.by_id.remove(id);
        Ok(())
    }
}

fn place(pod: &Pod) -> Cursor {
    Cursor {
        created_at: pod.created_at,
        id: pod.id.clone(),
    }
}
