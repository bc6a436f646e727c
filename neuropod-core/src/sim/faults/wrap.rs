//! Wraps the traits with faults.

use std::sync::Arc;

use super::accounts::{FaultyAudit, FaultyBilling, FaultyStore};
use super::cluster::{FaultyCluster, FaultyReplicas};
use super::injector::Faults;
use crate::cluster::backend::ClusterBackend;
use crate::cluster::replicas::Replicas;
use crate::money::billing::Billing;
use crate::store::audit::AuditLog;
use crate::store::traits::Store;

impl Faults {
    /// The backend with these faults. Opening its watch, each event of the watch and each piece of a log count as calls.
    /// An error in a watch is a gap: the event is lost, and a second later the watch reports what changed. An error in a
    /// log ends it.
    pub fn cluster(&self, inner: Arc<dyn ClusterBackend>) -> Arc<dyn ClusterBackend> {
        Arc::new(FaultyCluster {
            faults: self.clone(),
            inner,
        })
    }

    /// The presences of replicas with these faults.
    pub fn replicas(&self, inner: Arc<dyn Replicas>) -> Arc<dyn Replicas> {
        Arc::new(FaultyReplicas {
            faults: self.clone(),
            inner,
        })
    }

    /// The store with these faults.
    pub fn store(&self, inner: Arc<dyn Store>) -> Arc<dyn Store> {
        Arc::new(FaultyStore {
            faults: self.clone(),
            inner,
        })
    }

    /// The accounts with these faults.
    pub fn billing(&self, inner: Arc<dyn Billing>) -> Arc<dyn Billing> {
        Arc::new(FaultyBilling {
            faults: self.clone(),
            inner,
        })
    }

    /// The audit log with these faults.
    pub fn audit(&self, inner: Arc<dyn AuditLog>) -> Arc<dyn AuditLog> {
        Arc::new(FaultyAudit {
            faults: self.clone(),
            inner,
        })
    }
}
