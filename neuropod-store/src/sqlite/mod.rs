//! Everything in a file.

mod audit;
mod collection;
mod database;
mod failure;
mod file;
mod json;
mod ledger;
mod pods;
mod prices;
mod requests;
mod users;
mod writer;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use neuropod_core::clock::{Clock, SystemClock};
use neuropod_core::money::billing::{Draw, Drawn, EntryOptions, Hold, Posting};
use neuropod_core::money::{AccountKind, Balance, Entry};
use neuropod_core::store::audit::{AuditEntry, AuditLog, AuditOptions, AuditPage};
use neuropod_core::store::{ListOptions, Page, PastRequest, RequestStore};
use neuropod_core::store::{PriceStore, TemplateStore, UserStore};
use neuropod_core::user::Identity;
use neuropod_core::{Billing, Pod, PodId, PodStore, PriceList, Result, Template, User, UserId};

use self::database::Database;

/// Keeps pods, users, templates, price lists, money and the audit log in a SQLite file.
///
/// What was acknowledged survives a crash of the process and a loss of power, as far as the disk keeps what it says
/// it has written. The file is in WAL mode: beside it are `…-wal` and `…-shm` while it is open, and it has to be on a
/// disk of this machine, not on a network file system. Several processes of one machine may share it. All of them are
/// made for their owner alone (mode 0600), and taken from everybody else where everybody could read them; what a group
/// may do stays.
///
/// Writes that wait for the disk share a transaction: many at a time take hardly longer than one. Of a write whose
/// future is dropped all is done or nothing.
///
/// A file of an earlier version of this library is brought up to date when it is opened; one of a later version that
/// has other tables is refused. Fields of documents that this version does not know stay as they are.
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
/// beside it can't be opened, its folder does not exist, or it was removed or replaced since. `Timeout`: the disk hangs for 15 seconds. `Unexpected`: it is damaged.
pub struct SqliteStore {
    clock: Arc<dyn Clock>,
    database: Database,
}

impl SqliteStore {
    /// Opens the file at `path`, which is made if it is missing; its folder has to be there.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with_clock(path, Arc::new(SystemClock)).await
    }

    /// The same, with entries of money that have their times from `clock`.
    pub async fn open_with_clock(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self> {
        let database = Database::open(path.as_ref()).await?;
        Ok(Self { clock, database })
    }

    /// Closes the file, once what is under way is done. To drop the store without it loses nothing.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}

/// A version or the number of an entry, as SQLite keeps numbers. Nothing has one that is too big for it.
fn stored_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The first whole microsecond that is not before `time`: columns have whole ones.
fn microseconds_from(time: Timestamp) -> i64 {
    let whole = time.as_microsecond();
    let is_before = Timestamp::from_microsecond(whole).is_ok_and(|whole| whole < time);
    if is_before { whole + 1 } else { whole }
}

#[async_trait]
impl PodStore for SqliteStore {
    async fn insert(&self, pod: &Pod) -> Result<Pod> {
        pods::insert(&self.database, pod).await
    }

    async fn get(&self, id: &PodId) -> Result<Option<Pod>> {
        pods::get(&self.database, id).await
    }

    async fn list(&self, options: &ListOptions) -> Result<Page> {
        pods::list(&self.database, options).await
    }

    async fn update(&self, pod: &Pod) -> Result<Pod> {
        pods::update(&self.database, pod).await
    }

    async fn remove(&self, id: &PodId, version: u64) -> Result<()> {
        pods::remove(&self.database, id, version).await
    }
}

#[async_trait]
impl UserStore for SqliteStore {
    async fn insert_user(&self, user: &User) -> Result<User> {
        users::insert(&self.database, user).await
    }

    async fn user(&self, id: &UserId) -> Result<Option<User>> {
        collection::by_id(&self.database, id.as_str()).await
    }

    async fn user_by_email(&self, email: &str) -> Result<Option<User>> {
        collection::by_name(&self.database, email).await
    }

    async fn user_by_identity(&self, identity: &Identity) -> Result<Option<User>> {
        users::by_identity(&self.database, identity).await
    }

    async fn users(&self) -> Result<Vec<User>> {
        collection::all(&self.database).await
    }

    async fn update_user(&self, user: &User) -> Result<User> {
        users::update(&self.database, user).await
    }

    async fn remove_user(&self, id: &UserId) -> Result<()> {
        users::remove(&self.database, id).await
    }

    async fn was_removed(&self, id: &UserId) -> Result<bool> {
        users::was_removed(&self.database, id).await
    }
}

#[async_trait]
impl TemplateStore for SqliteStore {
    async fn insert_template(&self, template: &Template) -> Result<Template> {
        collection::insert(&self.database, template).await
    }

    async fn template(&self, id: &str) -> Result<Option<Template>> {
        collection::by_id(&self.database, id).await
    }

    async fn templates(&self) -> Result<Vec<Template>> {
        collection::all(&self.database).await
    }

    async fn update_template(&self, template: &Template) -> Result<Template> {
        collection::update(&self.database, template).await
    }

    async fn remove_template(&self, id: &str) -> Result<()> {
        collection::remove::<Template>(&self.database, id).await
    }
}

#[async_trait]
impl PriceStore for SqliteStore {
    async fn prices(&self, version: Option<u64>) -> Result<Option<PriceList>> {
        prices::get(&self.database, version).await
    }

    async fn add_prices(&self, prices: &PriceList) -> Result<PriceList> {
        prices::add(&self.database, prices).await
    }
}

#[async_trait]
impl RequestStore for SqliteStore {
    async fn keep_request(&self, request: &PastRequest) -> Result<()> {
        requests::keep(&self.database, request).await
    }

    async fn past_request(&self, id: &PodId) -> Result<Option<PastRequest>> {
        requests::get(&self.database, id).await
    }

    async fn forget_requests(&self, time: Timestamp) -> Result<()> {
        requests::forget(&self.database, time).await
    }
}

#[async_trait]
impl Billing for SqliteStore {
    async fn open(&self, user: &UserId, kind: AccountKind) -> Result<()> {
        ledger::open(&self.database, user, kind).await
    }

    async fn balance(&self, user: &UserId) -> Result<Balance> {
        ledger::balance(&self.database, user).await
    }

    async fn post(&self, posting: &Posting) -> Result<()> {
        ledger::post(&self.database, posting, self.clock.now()).await
    }

    async fn hold(&self, hold: &Hold) -> Result<()> {
        ledger::hold(&self.database, hold, self.clock.now()).await
    }

    async fn draw(&self, draw: &Draw) -> Result<Drawn> {
        ledger::draw(&self.database, draw, self.clock.now()).await
    }

    async fn release(&self, key: &str) -> Result<()> {
        ledger::release(&self.database, key, self.clock.now()).await
    }

    async fn entries(&self, user: &UserId, options: &EntryOptions) -> Result<Vec<Entry>> {
        ledger::entries(&self.database, user, options).await
    }
}

#[async_trait]
impl AuditLog for SqliteStore {
    async fn record(&self, entry: &AuditEntry) -> Result<()> {
        audit::record(&self.database, entry).await
    }

    async fn page(&self, options: &AuditOptions) -> Result<AuditPage> {
        audit::page(&self.database, options).await
    }

    async fn forget(&self, time: Timestamp) -> Result<()> {
        audit::forget(&self.database, time).await
    }
}
