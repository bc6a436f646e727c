//! The store itself: how it connects to a server.

use std::fmt;
use std::sync::Arc;

use neuropod_core::Result;
use neuropod_core::clock::{Clock, SystemClock};

use super::ledger::Ledger;
use super::server::Server;
use super::{names, users};
use crate::folding::LastFold;

/// Keeps pods, users, templates, price lists, money and the audit log on a server that speaks the protocol of MongoDB.
///
/// A single server is enough, as nothing needs transactions of several documents. An update of one document has to be
/// atomic, which it is not in FerretDB 1: that is for tests only (`docs/stores.md`). A write is acknowledged when most
/// servers of a replica set have it. Several processes may share the database.
///
/// # Errors
/// `Unavailable` and retryable: no server can be reached, or none responds. `Timeout`: it did not respond within 10
/// seconds, and the operation may or may not have taken effect. `PermissionDenied`: it does not accept the
/// credentials. `NotConfigured`: the address is wrong, an existing index conflicts, there are documents that must be
/// migrated first, or a copy into the database is not finished.
pub struct MongoStore {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) server: Server,
    pub(super) ledger: Ledger,
    pub(super) last_fold: LastFold,
}

impl MongoStore {
    /// Connects to the server at `uri` (`mongodb://` or `mongodb+srv://`) and creates missing indexes. The
    /// database is the one in the address, else `neuropod`.
    pub async fn connect(uri: &str) -> Result<Self> {
        Self::connect_with_clock(uri, Arc::new(SystemClock)).await
    }

    /// The same, with `clock` for the times of ledger entries.
    pub async fn connect_with_clock(uri: &str, clock: Arc<dyn Clock>) -> Result<Self> {
        let server = Server::connect(uri).await?;
        server.check_finished().await?;
        Self::set_up(server, clock).await
    }

    /// Connects even if a copy into the database is not finished.
    pub(crate) async fn connect_unfinished(uri: &str) -> Result<Self> {
        Self::set_up(Server::connect(uri).await?, Arc::new(SystemClock)).await
    }

    async fn set_up(server: Server, clock: Arc<dyn Clock>) -> Result<Self> {
        server.check_migrated().await?;
        users::complete(&server).await?;
        server.index().await?;
        names::keep(&server).await?;
        Ok(Self {
            clock,
            ..Self::unchecked(server)
        })
    }

    /// Connects as [`connect`](Self::connect) does but changes nothing, not even indexes: for reading only.
    pub async fn connect_unchanged(uri: &str) -> Result<Self> {
        let server = Server::connect(uri).await?;
        server.check_finished().await?;
        server.check_migrated().await?;
        Ok(Self::unchecked(server))
    }

    /// A store on documents that may be those of the existing backend.
    pub(super) fn unchecked(server: Server) -> Self {
        Self {
            clock: Arc::new(SystemClock),
            ledger: Ledger::new(server.clone()),
            last_fold: LastFold::default(),
            server,
        }
    }
}

/// Shows neither documents nor the address, because both hold secrets.
impl fmt::Debug for MongoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoStore").finish_non_exhaustive()
    }
}
