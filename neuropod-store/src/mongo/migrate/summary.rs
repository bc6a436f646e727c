//! The size and the results of a migration.

use std::collections::{BTreeMap, BTreeSet};

use neuropod_core::PriceList;

/// The documents in a database, and how the migration handles them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Users.
    pub users: Count,
    /// Templates.
    pub templates: Count,
    /// Pods.
    pub pods: Count,
    /// The price list, if the old backend has one.
    pub prices: Count,
    /// The price list that will be stored, with the credit of new clients if the old list names it.
    pub price_list: Option<PriceList>,
    /// GPU types of pods that the catalogue lacks, and how many pods have each.
    pub unknown_gpus: BTreeMap<String, usize>,
    /// Other collections, which are ignored, with the number of their documents.
    pub left: Vec<(String, u64)>,
    /// The number of documents that earlier runs set aside.
    pub set_aside_before: u64,
}

impl Summary {
    /// The number of documents that can't be migrated.
    pub fn to_set_aside(&self) -> usize {
        self.users.to_set_aside + self.templates.to_set_aside + self.pods.to_set_aside
    }
}

/// The number of documents of a kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Count {
    /// All of them.
    pub found: usize,
    /// Documents that will be migrated.
    pub to_take: usize,
    /// Documents that were migrated before.
    pub done: usize,
    /// Documents that can't be migrated and will be set aside.
    pub to_set_aside: usize,
}

/// Objects that the old backend left in the cluster for the pods that will be migrated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cluster {
    /// The namespaces, with the number of pods in each.
    pub namespaces: BTreeMap<String, usize>,
    /// Pods, Services and Ingresses to be deleted, because the new platform needs their names.
    pub objects: Vec<Objects>,
    /// Volume claims to be labelled for the new platform, with the user hash of their owner.
    pub volumes: BTreeSet<(String, String)>,
}

/// The names of one pod's objects in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Objects {
    /// The Pod.
    pub pod: String,
    /// The Services.
    pub services: Vec<String>,
    /// The Ingresses.
    pub ingresses: Vec<String>,
}

impl Objects {
    /// A Pod without Services and Ingresses.
    pub fn new(pod: impl Into<String>) -> Self {
        Self {
            pod: pod.into(),
            services: Vec::new(),
            ingresses: Vec::new(),
        }
    }

    /// The same with these Services.
    #[must_use]
    pub fn with_services(mut self, services: Vec<String>) -> Self {
        self.services = services;
        self
    }

    /// The same with these Ingresses.
    #[must_use]
    pub fn with_ingresses(mut self, ingresses: Vec<String>) -> Self {
        self.ingresses = ingresses;
        self
    }
}

/// The result of a migration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Applied {
    /// The number of documents migrated.
    pub taken: usize,
    /// The number of documents set aside.
    pub set_aside: usize,
    /// Whether the price list was stored.
    pub prices: bool,
}
