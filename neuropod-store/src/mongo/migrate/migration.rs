//! A planned migration, to be looked at and then applied.

use std::fmt;

use neuropod_core::Result;

use super::apply::{Step, Stores};
use super::changes::Change;
use super::finding::Finding;
use super::summary::{Applied, Cluster, Summary};

/// What a migration would do.
pub struct Migration {
    pub(super) stores: Stores,
    pub(super) steps: Vec<Step>,
    pub(super) findings: Vec<Finding>,
    pub(super) summary: Summary,
    pub(super) cluster: Cluster,
}

impl Migration {
    /// What would be changed; nothing: all is carried over, or there is nothing.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.steps.iter().map(Step::change)
    }

    /// What is odd, and what becomes of it.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How much there is.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// What has to be done in the cluster before pods are started again.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Does it.
    ///
    /// # Errors
    /// `Conflict` that is not retryable where the old backend changed a document after it was planned. After any error,
    /// plan it again: what was done stays done.
    pub async fn apply(self) -> Result<Applied> {
        let mut applied = Applied::default();
        for step in &self.steps {
            Box::pin(self.stores.apply(step, &mut applied)).await?;
        }
        Ok(applied)
    }
}

impl fmt::Debug for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migration")
            .field("changes", &self.changes().collect::<Vec<_>>())
            .field("findings", &self.findings)
            .field("summary", &self.summary)
            .field("cluster", &self.cluster)
            .finish_non_exhaustive()
    }
}
