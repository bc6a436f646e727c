//! How much a migration finds and does.

use std::collections::{BTreeMap, BTreeSet};

use neuropod_core::PriceList;

/// How much there is, and what becomes of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Users.
    pub users: Count,
    /// Templates.
    pub templates: Count,
    /// Pods.
    pub pods: Count,
    /// The price list, where the old backend has one.
    pub prices: Count,
    /// The price list that will be stored, with what new clients get where the old one says so.
    pub price_list: Option<PriceList>,
    /// GPU types of pods that the catalogue lacks, and how many pods have each.
    pub unknown_gpus: BTreeMap<String, usize>,
    /// What is left alone: collections and how many documents each has.
    pub left: Vec<(String, u64)>,
    /// How many documents earlier runs have set aside.
    pub set_aside_before: u64,
}

impl Summary {
    /// How many documents can't be carried over.
    pub fn to_set_aside(&self) -> usize {
        self.users.to_set_aside + self.templates.to_set_aside + self.pods.to_set_aside
    }
}

/// How many documents of a kind there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// All of them.
    pub found: usize,
    /// Those that will be carried over.
    pub to_take: usize,
    /// Those that were carried over before.
    pub done: usize,
    /// Those that can't be, and will be set aside.
    pub to_set_aside: usize,
}

/// What the old backend left in the cluster, of the pods that will be carried over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Namespaces of the pods, and how many pods are in each.
    pub namespaces: BTreeMap<String, usize>,
    /// Pods, Services and Ingresses to be deleted: their names are needed.
    pub objects: Vec<Objects>,
    /// Volume claims to be labelled as those of the platform, with the user hash of their owner.
    pub volumes: BTreeSet<(String, String)>,
}

/// The names of what one pod has in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objects {
    /// Its Pod.
    pub pod: String,
    /// Its Services.
    pub services: Vec<String>,
    /// Its Ingresses.
    pub ingresses: Vec<String>,
}

/// What a migration has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    /// Documents carried over.
    pub taken: usize,
    /// Documents set aside.
    pub set_aside: usize,
    /// Whether the price list was stored.
    pub prices: bool,
}
