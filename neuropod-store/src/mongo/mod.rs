//! Everything on a server that speaks the protocol of MongoDB.

mod accounts;
mod audit;
mod codec;
mod collection;
mod failure;
mod keys;
mod ledger;
pub mod migrate;
mod names;
mod pods;
mod prices;
mod requests;
mod server;
#[cfg(test)]
mod tests;
mod turns;
mod users;

use std::fmt;
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

use self::ledger::Ledger;
use self::server::Server;

/// Keeps pods, users, templates, price lists, money and the audit log on a server that speaks the protocol of MongoDB.
///
/// A single server will do: nothing needs transactions of several documents. What is acknowledged was written by most
/// servers of a replica set. Several processes may share the database.
///
/// # Errors
/// `Unavailable` and retryable: no server can be reached or answers now. `Timeout`: it did not answer within 10
/// seconds, and the operation may or may not have taken effect. `PermissionDenied`: it does not accept the
/// credentials. `NotConfigured`: the address is wrong, an index of somebody else is in the way, or there are documents
/// that have to be migrated first.
pub struct MongoStore {
    clock: Arc<dyn Clock>,
    server: Server,
    ledger: Ledger,
}

impl MongoStore {
    /// Connects to the server at `uri` (`mongodb://` or `mongodb+srv://`) and makes the indexes that are missing. The
    /// database is the one that the address names, else `neuropod`.
    pub async fn connect(uri: &str) -> Result<Self> {
        Self::connect_with_clock(uri, Arc::new(SystemClock)).await
    }

    /// The same, with entries of money that have their times from `clock`.
    pub async fn connect_with_clock(uri: &str, clock: Arc<dyn Clock>) -> Result<Self> {
        let server = Server::connect(uri).await?;
        server.check_migrated().await?;
        users::complete(&server).await?;
        server.index().await?;
        names::keep(&server).await?;
        Ok(Self {
            clock,
            ledger: Ledger::new(server.clone()),
            server,
        })
    }
}

impl MongoStore {
    /// Connects as [`connect`](Self::connect) does and changes nothing, not even indexes: to look at what is there.
    pub async fn connect_unchanged(uri: &str) -> Result<Self> {
        let server = Server::connect(uri).await?;
        server.check_migrated().await?;
        Ok(Self::unchecked(server))
    }

    /// A store on documents that may be those of the existing backend.
    fn unchecked(server: Server) -> Self {
        Self {
            clock: Arc::new(SystemClock),
            ledger: Ledger::new(server.clone()),
            server,
        }
    }
}

/// Shows nothing of what is stored, nor of the address: there are secrets in both.
impl fmt::Debug for MongoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl PodStore for MongoStore {
    async fn insert(&self, pod: &Pod) -> Result<Pod> {
        pods::insert(&self.server, pod).await
    }

    async fn get(&self, id: &PodId) -> Result<Option<Pod>> {
        pods::get(&self.server, id).await
    }

    async fn list(&self, options: &ListOptions) -> Result<Page> {
        pods::list(&self.server, options).await
    }

    async fn update(&self, pod: &Pod) -> Result<Pod> {
        pods::update(&self.server, pod).await
    }

    async fn remove(&self, id: &PodId, version: u64) -> Result<()> {
        pods::remove(&self.server, id, version).await
    }
}

#[async_trait]
impl UserStore for MongoStore {
    async fn insert_user(&self, user: &User) -> Result<User> {
        collection::insert(&self.server, user).await
    }

    async fn user(&self, id: &UserId) -> Result<Option<User>> {
        collection::by_id(&self.server, id.as_str()).await
    }

    async fn user_by_email(&self, email: &str) -> Result<Option<User>> {
        collection::by_name(&self.server, email).await
    }

    async fn user_by_identity(&self, identity: &Identity) -> Result<Option<User>> {
        users::by_identity(&self.server, identity).await
    }

    async fn users(&self) -> Result<Vec<User>> {
        collection::all(&self.server).await
    }

    async fn update_user(&self, user: &User) -> Result<User> {
        collection::update(&self.server, user).await
    }

    async fn remove_user(&self, id: &UserId) -> Result<()> {
        users::remove(&self.server, id).await
    }

    async fn was_removed(&self, id: &UserId) -> Result<bool> {
        users::was_removed(&self.server, id).await
    }
}

#[async_trait]
impl TemplateStore for MongoStore {
    async fn insert_template(&self, template: &Template) -> Result<Template> {
        collection::insert(&self.server, template).await
    }

    async fn template(&self, id: &str) -> Result<Option<Template>> {
        collection::by_id(&self.server, id).await
    }

    async fn templates(&self) -> Result<Vec<Template>> {
        collection::all(&self.server).await
    }

    async fn update_template(&self, template: &Template) -> Result<Template> {
        collection::update(&self.server, template).await
    }

    async fn remove_template(&self, id: &str) -> Result<()> {
        collection::remove::<Template>(&self.server, id).await
    }
}

#[async_trait]
impl PriceStore for MongoStore {
    async fn prices(&self, version: Option<u64>) -> Result<Option<PriceList>> {
        prices::get(&self.server, version).await
    }

    async fn add_prices(&self, prices: &PriceList) -> Result<PriceList> {
        prices::add(&self.server, prices).await
    }
}

#[async_trait]
impl RequestStore for MongoStore {
    async fn keep_request(&self, request: &PastRequest) -> Result<()> {
        requests::keep(&self.server, request).await
    }

    async fn past_request(&self, id: &PodId) -> Result<Option<PastRequest>> {
        requests::get(&self.server, id).await
    }

    async fn forget_requests(&self, time: Timestamp) -> Result<()> {
        requests::forget(&self.server, time).await
    }
}

#[async_trait]
impl Billing for MongoStore {
    async fn open(&self, user: &UserId, kind: AccountKind) -> Result<()> {
        self.ledger.open(user, kind).await
    }

    async fn balance(&self, user: &UserId) -> Result<Balance> {
        self.ledger.balance(user).await
    }

    async fn post(&self, posting: &Posting) -> Result<()> {
        self.ledger.post(posting, self.clock.now()).await
    }

    async fn hold(&self, hold: &Hold) -> Result<()> {
        self.ledger.hold(hold, self.clock.now()).await
    }

    async fn draw(&self, draw: &Draw) -> Result<Drawn> {
        self.ledger.draw(draw, self.clock.now()).await
    }

    async fn release(&self, key: &str) -> Result<()> {
        self.ledger.release(key, self.clock.now()).await
    }

    async fn entries(&self, user: &UserId, options: &EntryOptions) -> Result<Vec<Entry>> {
        self.ledger.entries(user, options).await
    }
}

#[async_trait]
impl AuditLog for MongoStore {
    async fn record(&self, entry: &AuditEntry) -> Result<()> {
        audit::record(&self.server, entry).await
    }

    async fn page(&self, options: &AuditOptions) -> Result<AuditPage> {
        audit::page(&self.server, options).await
    }

    async fn forget(&self, time: Timestamp) -> Result<()> {
        audit::forget(&self.server, time).await
    }
}
