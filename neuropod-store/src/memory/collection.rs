use std::collections::{BTreeMap, HashMap, HashSet};

use neuropod_core::Result;

use crate::document::Document;
use crate::failure;
use crate::input::folded;

/// Documents by id, and in the order of their names.
pub(super) struct Collection<D: Document> {
    by_id: HashMap<String, D>,
    by_name: BTreeMap<String, String>,
    by_second_name: HashMap<String, String>,
    /// The ids of documents that were removed and not stored again.
    removed: HashSet<String>,
}

impl<D: Document> Default for Collection<D> {
    fn default() -> Self {
        Self {
            by_id: HashMap::new(),
            by_name: BTreeMap::new(),
            by_second_name: HashMap::new(),
            removed: HashSet::new(),
        }
    }
}

impl<D: Document> Collection<D> {
    pub(super) fn insert(&mut self, document: &D) -> Result<D> {
        if self.by_id.contains_key(document.id()) {
            return Err(failure::taken("id"));
        }
        let name = folded(document.unique_name());
        if self.by_name.contains_key(&name) {
            return Err(failure::taken(D::NAME));
        }
        let second_name = document.second_name();
        if second_name
            .as_ref()
            .is_some_and(|name| self.by_second_name.contains_key(name))
        {
            return Err(failure::taken(D::SECOND_NAME));
        }
        let stored = document.clone().with_version(1);
        self.by_name.insert(name, stored.id().to_owned());
        let id = || stored.id().to_owned();
        self.by_second_name.extend(second_name.map(|name| (name, id())));
        self.removed.remove(stored.id());
        self.by_id.insert(stored.id().to_owned(), stored.clone());
        Ok(stored)
    }

    pub(super) fn get(&self, id: &str) -> Option<&D> {
        self.by_id.get(id)
    }

    pub(super) fn named(&self, name: &str) -> Option<&D> {
        self.by_name.get(&folded(name)).and_then(|id| self.by_id.get(id))
    }

    pub(super) fn second_named(&self, name: &str) -> Option<&D> {
        let id = self.by_second_name.get(name)?;
        self.by_id.get(id)
    }

    pub(super) fn was_removed(&self, id: &str) -> bool {
        self.removed.contains(id)
    }

    /// All documents, sorted by name.
    pub(super) fn all(&self) -> impl Iterator<Item = &D> {
        self.by_name.values().filter_map(|id| self.by_id.get(id))
    }

    pub(super) fn update(&mut self, document: &D) -> Result<D> {
        let stored = self
            .by_id
            .get_mut(document.id())
            .ok_or_else(|| failure::gone(D::KIND))?;
        if stored.version() != document.version() {
            return Err(failure::changed(D::KIND));
        }
        let name = folded(document.unique_name());
        if self.by_name.get(&name).is_some_and(|id| id != document.id()) {
            return Err(failure::taken(D::NAME));
        }
        let second_name = document.second_name();
        let other = second_name
            .as_ref()
            .and_then(|name| self.by_second_name.get(name));
        if other.is_some_and(|id| id != document.id()) {
            return Err(failure::taken(D::SECOND_NAME));
        }
        self.by_name.remove(&folded(stored.unique_name()));
        self.by_name.insert(name, document.id().to_owned());
        if let Some(old) = stored.second_name() {
            self.by_second_name.remove(&old);
        }
        let id = || document.id().to_owned();
        self.by_second_name.extend(second_name.map(|name| (name, id())));
        *stored = document.clone().with_version(document.version() + 1);
        Ok(stored.clone())
    }

    pub(super) fn remove(&mut self, id: &str) {
        if let Some(document) = self.by_id.remove(id) {
            self.by_name.remove(&folded(document.unique_name()));
            if let Some(second_name) = document.second_name() {
                self.by_second_name.remove(&second_name);
            }
            self.removed.insert(id.to_owned());
        }
    }
}
