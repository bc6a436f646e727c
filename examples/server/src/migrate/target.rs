//! The destination of a migration.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use neuropod::Billing;
use neuropod::store::Store;
use neuropod::store::{MemoryStore, MongoStore, SqliteStore};
use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::address;
use crate::config::{Config, is_postgres};

/// The destination.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The old database itself.
    InPlace,
    /// Into a SQLite file.
    File(String),
    /// Into another database.
    Database(String),
}

/// An open store.
pub(super) struct Opened {
    pub(super) pods: Arc<dyn Store>,
    pub(super) billing: Arc<dyn Billing>,
    /// The copy for a dry run, removed at its end.
    _copy: Option<TempDir>,
}

impl Opened {
    fn on<S: Store + Billing>(store: S, copy: Option<TempDir>) -> Self {
        let store = Arc::new(store);
        Self {
            pods: store.clone(),
            billing: store,
            _copy: copy,
        }
    }
}

impl Target {
    /// # Errors
    /// The configured store is in memory.
    pub(super) fn of(from: &str, config: &Config) -> Result<Self> {
        let store = config.store.expose_secret();
        if address::are_same(from, store) {
            return Ok(Self::InPlace);
        }
        match store.strip_prefix("sqlite:") {
            Some(file) => Ok(Self::File(file.to_owned())),
            None if address::is_mongo(store) => Ok(Self::Database(address::shown(store))),
            None if is_postgres(store) => {
                bail!("store: the old database is taken over into a file or a MongoDB, not into PostgreSQL")
            }
            None => bail!(
                "store: what is migrated into `{store}` would be lost when this command ends: give a file or a database"
            ),
        }
    }

    /// Opens the destination; `None` if it is the old database. A dry run changes nothing: it reads a copy of a
    /// file, and creates no indexes.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) async fn open(&self, config: &Config, dry_run: bool) -> Result<Option<Opened>> {
        let opened = match self {
            Self::InPlace => return Ok(None),
            Self::File(file) if dry_run => open_copy(Path::new(file)).await,
            Self::File(file) => SqliteStore::open(file)
                .await
                .map(|store| Opened::on(store, None))
                .context("can't be opened"),
            Self::Database(_) => {
                let store = config.store.expose_secret();
                let store = if dry_run {
                    MongoStore::connect_unchanged(store).await
                } else {
                    MongoStore::connect(store).await
                };
                store.map(|store| Opened::on(store, None)).map_err(Into::into)
            }
        };
        opened
            .with_context(|| format!("store: {}", self.shown()))
            .map(Some)
    }

    pub(super) fn shown(&self) -> &str {
        match self {
            Self::InPlace => "",
            Self::File(name) | Self::Database(name) => name,
        }
    }
}

/// A store on a copy of `file`, because opening the file itself would create or upgrade it.
async fn open_copy(file: &Path) -> Result<Opened> {
    if !file.exists() {
        return Ok(Opened::on(MemoryStore::new(), None));
    }
    let copy = tempfile::tempdir()?;
    let target = copy.path().join("copy.db");
    fs::copy(file, &target)?;
    // The last writes may not be in the file itself yet.
    let log = |path: &Path| {
        let mut name = path.as_os_str().to_owned();
        name.push("-wal");
        name
    };
    match fs::copy(log(file), log(&target)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    Ok(Opened::on(SqliteStore::open(&target).await?, Some(copy)))
}
