//! A planned migration, to be reviewed and then applied.

use std::fmt;

use neuropod_core::Result;

use super::apply::{Step, Stores};
use super::changes::Change;
use super::finding::Finding;
use super::summary::{Applied, Cluster, Summary};

/// A planned migration. Nothing is changed until [`apply`](Self::apply).
pub struct Migration {
    pub(super) stores: Stores,
    pub(super) steps: Vec<Step>,
    pub(super) findings: Vec<Finding>,
    pub(super) summary: Summary,
    pub(super) cluster: Cluster,
}

impl Migration {
    /// The changes, in order. Empty if there is nothing to migrate, or everything has been migrated.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.steps.iter().map(Step::change)
    }

    /// The problems found, and how each is handled.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The number of documents, by kind and outcome.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// The work to be done in the cluster before pods are started again.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Applies all changes, one document after the other.
    ///
    /// # Errors
    /// A `Conflict` that is not retryable, if the old backend changed a document after it was planned. After
    /// any error, plan again: documents already migrated stay so.
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
