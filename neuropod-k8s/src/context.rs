//! The common state of all operations: the client with its limits, the configuration, and caches of this
//! process.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::Client;
use neuropod_core::cluster::WorkloadRef;
use neuropod_core::{Error, ErrorKind, PodId, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::api::request::Requests;
use crate::config::KubeConfig;
use crate::recent::Recent;

/// The common state of all operations. It has none of their logic.
pub(crate) struct Context {
    pub(crate) requests: Requests,
    pub(crate) config: KubeConfig,
    /// The namespace that this process runs in; `None` outside of a cluster.
    pub(crate) own_namespace: Option<String>,
    /// Whether the namespace and classes of the configuration existed a short time ago.
    pub(crate) prerequisites: Recent<()>,
    /// The namespaces that had their network policy and Secrets a short time ago.
    pub(crate) complete_namespaces: Recent<String>,
    /// The pods that this process applied and has not removed since. Before it applies them again, it reads
    /// their objects.
    applied: Mutex<HashSet<PodId>>,
    /// Limits the logs read at the same time. A log stream lives as long as its container, and takes a
    /// connection with HTTP/1.1.
    log_streams: Arc<Semaphore>,
}

impl Context {
    pub(crate) fn new(client: Client, own_namespace: Option<String>, config: KubeConfig) -> Self {
        Self {
            requests: Requests::new(client, config.writes_in_flight, config.deadline),
            own_namespace,
            prerequisites: Recent::default(),
            complete_namespaces: Recent::default(),
            applied: Mutex::default(),
            log_streams: Arc::new(Semaphore::new(config.log_streams)),
            config,
        }
    }

    /// The namespace of a pod's objects.
    pub(crate) fn namespace<'a>(&'a self, reference: &'a WorkloadRef) -> &'a str {
        self.config.namespace_of(reference)
    }

    /// The namespace to list pods in; `None`: all namespaces.
    pub(crate) fn scope(&self) -> Option<&str> {
        (!self.config.namespace_per_user).then_some(self.config.namespace.as_str())
    }

    /// The namespace for a [`WorkloadRef`].
    pub(crate) fn reference_namespace(&self, namespace: &str) -> Option<String> {
        (namespace != self.config.namespace).then(|| namespace.to_owned())
    }

    /// Records that a pod is applied. Returns `true` if it already was.
    pub(crate) fn note_applied(&self, pod: &PodId) -> bool {
        !self.applied().insert(pod.clone())
    }

    /// Records that all objects of a pod are gone or being deleted.
    pub(crate) fn note_removed(&self, pod: &PodId) {
        self.applied().remove(pod);
    }

    fn applied(&self) -> MutexGuard<'_, HashSet<PodId>> {
        self.applied.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A permit for a log stream. Callers don't wait for one, because nobody knows when a container ends.
    ///
    /// # Errors
    /// `RateLimited` if [`KubeConfig::log_streams`] logs are being read.
    pub(crate) fn log_permit(&self) -> Result<OwnedSemaphorePermit> {
        let permit = self.log_streams.clone().try_acquire_owned();
        permit.map_err(|full| {
            let message = format!("{} logs are being read already", self.config.log_streams);
            Error::new(ErrorKind::RateLimited, message).with_source(full)
        })
    }
}
