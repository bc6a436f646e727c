//! The store itself: how a file is opened and closed.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use neuropod_core::Result;
use neuropod_core::clock::{Clock, SystemClock};

use super::database::Database;
use crate::failure;
use crate::folding::LastFold;

/// Keeps pods, users, templates, price lists, money and the audit log in a SQLite file.
///
/// An acknowledged write survives a crash of the process and a loss of power, as far as the disk keeps what it reports
/// as written. The file is in WAL mode: beside it are `…-wal` and `…-shm` while it is open, and it has to be on a
/// disk of this machine, not on a network file system. Several processes of one machine may share it. They are
/// created for their owner alone (mode 0600); if everybody could read existing ones, only their owner can afterwards.
/// Access of a group alone stays.
///
/// Concurrent writes share a transaction, so many take hardly longer than one. A write whose future is dropped is done
/// completely or not at all.
///
/// A file of an earlier version of this library is migrated when it is opened; one of a later version with other tables
/// is refused. Fields of documents that this version does not know stay as they are.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("neuropod.db");
/// use neuropod_core::store::UserStore;
/// use neuropod_store::SqliteStore;
///
/// let store = SqliteStore::open(path).await?;
/// assert!(store.user_by_email("ana@example.com").await?.is_none());
/// store.close().await;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `Unavailable` and retryable: another process holds a lock for more than 5 seconds, the disk is full, or a read or
/// write failed. `PermissionDenied`: the file is read-only, or can't be made in its folder. `NotConfigured`: it or the files
/// beside it can't be opened, its folder does not exist, it was removed or replaced since, or a copy into it is not finished. `Timeout`: the disk hangs for 15 seconds. `Unexpected`: it is damaged.
pub struct SqliteStore {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) database: Database,
    pub(super) last_fold: LastFold,
}

impl SqliteStore {
    /// Opens the file at `path` and creates it if it is missing. Its folder must exist.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with_clock(path, Arc::new(SystemClock)).await
    }

    /// The same, with `clock` for the times of ledger entries.
    pub async fn open_with_clock(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self> {
        let store = Self::on(clock, Database::open(path.as_ref()).await?);
        if store.database.is_unfinished().await? {
            return Err(failure::unfinished());
        }
        Ok(store)
    }

    /// Opens the file even if a copy into it is not finished.
    pub(crate) async fn open_unfinished(path: &Path) -> Result<Self> {
        Ok(Self::on(Arc::new(SystemClock), Database::open(path).await?))
    }

    fn on(clock: Arc<dyn Clock>, database: Database) -> Self {
        Self {
            clock,
            database,
            last_fold: LastFold::default(),
        }
    }

    /// Closes the file, once running operations are done. Dropping the store without it loses nothing.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}
