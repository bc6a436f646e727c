//! The logs that are being read, by node.

use std::collections::BTreeMap;

use crate::error::kind::{Error, ErrorKind, Result};

/// The logs that are open now, and the most that were open at any time.
#[derive(Debug, Default)]
pub(super) struct OpenLogs {
    by_node: BTreeMap<String, usize>,
    pub(super) total: usize,
    pub(super) most: usize,
    pub(super) most_on_node: usize,
}

impl OpenLogs {
    /// Opens a log on this node.
    ///
    /// # Errors
    /// `RateLimited` if as many as the limit are open already.
    pub(super) fn open(&mut self, node: &str, limit: Option<usize>) -> Result<()> {
        if limit.is_some_and(|limit| self.total >= limit) {
            let message = format!("{} logs are being read already", self.total);
            return Err(Error::new(ErrorKind::RateLimited, message));
        }
        let of_node = self.by_node.entry(node.to_owned()).or_default();
        *of_node += 1;
        self.total += 1;
        self.most_on_node = self.most_on_node.max(*of_node);
        self.most = self.most.max(self.total);
        Ok(())
    }

    /// Closes a log that was opened.
    pub(super) fn close(&mut self, node: &str) {
        if let Some(of_node) = self.by_node.get_mut(node) {
            *of_node -= 1;
            self.total -= 1;
        }
    }
}
