//! The traits of the core, forwarded to the module of each kind of document.

use async_trait::async_trait;
use jiff::Timestamp;
use neuropod_core::money::billing::{Draw, Drawn, EntryOptions, Hold, Posting};
use neuropod_core::money::{AccountKind, Balance, Folded, LedgerEntry, LedgerFolding};
use neuropod_core::store::audit::{AuditEntry, AuditLog, AuditOptions, AuditPage};
use neuropod_core::store::{ListOptions, Page, PastRequest, RequestStore};
use neuropod_core::store::{PriceStore, TemplateStore, UserStore};
use neuropod_core::user::Identity;
use neuropod_core::{Billing, Pod, PodId, PodStore, PriceList, Result, Template, User, UserId};

use super::store::MongoStore;
use super::{audit, collection, pods, prices, requests, users};
use crate::folding;

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

    async fn count(&self, owner: &UserId) -> Result<u64> {
        pods::count(&self.server, owner).await
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

    async fn entries(&self, user: &UserId, options: &EntryOptions) -> Result<Vec<LedgerEntry>> {
        self.ledger.entries(user, options).await
    }
}

#[async_trait]
impl LedgerFolding for MongoStore {
    async fn fold(&self, before: Timestamp) -> Result<Folded> {
        folding::fold_all(&self.ledger, &self.last_fold, before, self.clock.now()).await
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
