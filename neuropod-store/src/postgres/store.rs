//! The store itself: how it connects to a server.

use std::fmt;
use std::sync::Arc;

use neuropod_core::Result;
use neuropod_core::clock::Clock;

use super::database::Database;
use super::hints::Announcer;
use super::ledger::Ledger;
use super::options::PostgresOptions;
use crate::failure;
use crate::folding::LastFold;

/// Keeps pods, users, templates, price lists, money and the audit log in a PostgreSQL database of its own.
///
/// Several processes may share the database, on any machines. A change of money is one transaction that locks its
/// account; a key can be used once, whoever comes first. An acknowledged write is on the server's disk, and on that of
/// a synchronous standby if the server has one: where `synchronous_commit` is off, the store turns it on for itself.
///
/// The address is `postgres://user:password@host:port/database?sslmode=verify-full`. TLS is rustls: `sslmode` is
/// `prefer` by default, which takes any certificate; `verify-full` checks it, with the public authorities or those of the
/// file `sslrootcert`. What an address leaves out is taken from the environment as by `psql` (`PGHOST`, `PGUSER`,
/// `PGPASSWORD`, `PGPASSFILE`…). Neither the address nor the password is ever shown.
///
/// PostgreSQL 12 or later, in the encoding UTF-8. A pooler before the server has to work by sessions, as PgBouncer does with
/// `pool_mode = session`: the store sets time-outs once for each connection.
///
/// It also implements [`PodHints`](neuropod_core::store::PodHints), by LISTEN and NOTIFY: given to
/// `PlatformBuilder::hints`, each platform reacts at once to what others change. Each takes a connection for it.
///
/// A database of an earlier version of this library is migrated when it is opened; one of a later version with other
/// tables is refused. Fields of documents that this version does not know stay as they are.
///
/// # Errors
/// `Unavailable` and retryable: the server can't be reached, starts or stops, has no more connections, only reads (a
/// standby), its disk is full, or a lock was not free in time. `Timeout`: an operation took too long; it may or may not
/// have taken effect. `PermissionDenied`: the server does not accept the credentials, or its user may not do this.
/// `NotConfigured`: the address is wrong, the database does not exist or is not in UTF-8, TLS is not possible, or a copy into
/// it is not finished.
pub struct PostgresStore {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) database: Database,
    pub(super) ledger: Ledger,
    pub(super) last_fold: LastFold,
    pub(super) announcer: Announcer,
}

impl PostgresStore {
    /// Connects to the database at `url` and creates missing tables.
    pub async fn open(url: &str) -> Result<Self> {
        Self::open_with(PostgresOptions::new(url)).await
    }

    /// The same, with other options.
    pub async fn open_with(options: PostgresOptions) -> Result<Self> {
        let (database, is_unfinished) = Database::open(&options).await?;
        if is_unfinished {
            return Err(failure::unfinished());
        }
        Ok(Self::on(options.clock, database))
    }

    /// Connects even if a copy into the database is not finished.
    pub(crate) async fn open_unfinished(options: PostgresOptions) -> Result<Self> {
        let (database, _) = Database::open(&options).await?;
        Ok(Self::on(options.clock, database))
    }

    fn on(clock: Arc<dyn Clock>, database: Database) -> Self {
        Self {
            clock,
            ledger: Ledger::new(database.clone()),
            last_fold: LastFold::default(),
            announcer: Announcer::new(database.clone()),
            database,
        }
    }

    /// Closes all connections, once running operations are done. Dropping the store without it loses nothing.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

/// Shows neither documents nor the address, because both hold secrets.
impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}
