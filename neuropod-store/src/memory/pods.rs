use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

use neuropod_core::naming::Slug;
use neuropod_core::store::{Cursor, ListOptions, Page};
use neuropod_core::{Pod, PodId, Result, UserId};

use crate::{failure, input};

/// All pods, and their order in lists.
#[derive(Default)]
pub(super) struct Pods {
    by_id: HashMap<PodId, Pod>,
    by_name: HashMap<(UserId, Slug), Cursor>,
    all: BTreeSet<Cursor>,
    by_owner: HashMap<UserId, BTreeSet<Cursor>>,
}

impl Pods {
    pub(super) fn insert(&mut self, pod: &Pod) -> Result<Pod> {
        if self.by_id.contains_key(&pod.id) {
            return Err(failure::taken("id"));
        }
        let name = (pod.owner.clone(), pod.slug.clone());
        if self.by_name.contains_key(&name) {
            return Err(failure::taken("name"));
        }
        self.by_name.insert(name, place(pod));
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
        let start = options.after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let named;
        let places = match (&options.owner, &options.slug) {
            (Some(owner), Some(slug)) => {
                let place = self.by_name.get(&(owner.clone(), slug.clone()));
                named = place.cloned().into_iter().collect();
                Some(&named)
            }
            (Some(owner), None) => self.by_owner.get(owner),
            (None, _) => Some(&self.all),
        };
        let mut pods = places
            .into_iter()
            .flat_map(|places| places.range((start, Bound::Unbounded)))
            .filter_map(|place| self.by_id.get(&place.id))
            .filter(|pod| options.include_deleted || !pod.is_deleted())
            .filter(|pod| options.slug.as_ref().is_none_or(|slug| pod.slug == *slug))
            .filter(|pod| options.volume.as_ref().is_none_or(|volume| pod.volume == *volume))
            .filter(|pod| !options.may_take_volume || pod.is_deleted() || pod.volume_deletion.is_some());
        let page: Vec<_> = pods.by_ref().take(options.limit as usize).cloned().collect();
        let next = pods.next().and(page.last().map(place));
        Ok(Page::new(page, next))
    }

    pub(super) fn count(&self, owner: &UserId) -> u64 {
        let places = self.by_owner.get(owner).into_iter().flatten();
        let pods = places.filter_map(|place| self.by_id.get(&place.id));
        pods.map(|pod| u64::from(!pod.is_deleted())).sum()
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
        self.by_name.remove(&(stored.owner.clone(), stored.slug.clone()));
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
