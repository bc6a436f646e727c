use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use neuropod_core::{Result, Template, User, UserId};

use crate::failure;
use crate::input::folded;

/// A document with an id, a name that is unique whatever its case, and a version.
pub(super) trait Document: Clone {
    type Id: Clone + Eq + Hash;
    /// What it is, in errors.
    const KIND: &'static str;
    /// The field of the name.
    const NAME: &'static str;

    fn id(&self) -> &Self::Id;
    fn unique_name(&self) -> &str;
    fn version(&self) -> u64;
    fn with_version(self, version: u64) -> Self;
}

impl Document for User {
    type Id = UserId;
    const KIND: &'static str = "user";
    const NAME: &'static str = "email";

    fn id(&self) -> &UserId {
        &self.id
    }

    fn unique_name(&self) -> &str {
        &self.email
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn with_version(self, version: u64) -> Self {
        Self { version, ..self }
    }
}

impl Document for Template {
    type Id = String;
    const KIND: &'static str = "template";
    const NAME: &'static str = "name";

    fn id(&self) -> &String {
        &self.id
    }

    fn unique_name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn with_version(self, version: u64) -> Self {
        Self { version, ..self }
    }
}

/// Documents by id, and in the order of their names.
pub(super) struct Collection<D: Document> {
    by_id: HashMap<D::Id, D>,
    by_name: BTreeMap<String, D::Id>,
}

impl<D: Document> Default for Collection<D> {
    fn default() -> Self {
        Self {
            by_id: HashMap::new(),
            by_name: BTreeMap::new(),
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
        let stored = document.clone().with_version(1);
        self.by_name.insert(name, stored.id().clone());
        self.by_id.insert(stored.id().clone(), stored.clone());
        Ok(stored)
    }

    pub(super) fn get<Q>(&self, id: &Q) -> Option<&D>
    where
        D::Id: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.by_id.get(id)
    }

    pub(super) fn named(&self, name: &str) -> Option<&D> {
        self.by_name.get(&folded(name)).and_then(|id| self.by_id.get(id))
    }

    /// All, by name.
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
        self.by_name.remove(&folded(stored.unique_name()));
        self.by_name.insert(name, document.id().clone());
        *stored = document.clone().with_version(document.version() + 1);
        Ok(stored.clone())
    }

    pub(super) fn remove<Q>(&mut self, id: &Q)
    where
        D::Id: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if let Some(document) = self.by_id.remove(id) {
            self.by_name.remove(&folded(document.unique_name()));
        }
    }
}
