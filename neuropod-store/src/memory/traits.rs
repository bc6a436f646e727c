//! The traits of the core, each call under the lock of its part.

use async_trait::async_trait;
use jiff::Timestamp;
use neuropod_core::money::billing::{Draw, Drawn, EntryOptions, Hold, Posting};
use neuropod_core::money::{AccountKind, Balance, Folded, LedgerEntry, LedgerFolding};
use neuropod_core::store::audit::{AuditEntry, AuditLog, AuditOptions, AuditPage};
use neuropod_core::store::{ListOptions, Page, PastRequest, RequestStore};
use neuropod_core::store::{PriceStore, TemplateStore, UserStore};
use neuropod_core::user::Identity;
use neuropod_core::{Billing, Pod, PodId, PodStore, PriceList, Result, Template, User, UserId};

use super::store::{MemoryStore, read, write};
use crate::failure;

#[async_trait]
impl PodStore for MemoryStore {
    async fn insert(&self, pod: &Pod) -> Result<Pod> {
        write(&self.pods).insert(pod)
    }

    async fn get(&self, id: &PodId) -> Result<Option<Pod>> {
        Ok(read(&self.pods).get(id).cloned())
    }

    async fn list(&self, options: &ListOptions) -> Result<Page> {
        read(&self.pods).list(options)
    }

    async fn count(&self, owner: &UserId) -> Result<u64> {
        Ok(read(&self.pods).count(owner))
    }

    async fn update(&self, pod: &Pod) -> Result<Pod> {
        write(&self.pods).update(pod)
    }

    async fn remove(&self, id: &PodId, version: u64) -> Result<()> {
        write(&self.pods).remove(id, version)
    }
}

#[async_trait]
impl UserStore for MemoryStore {
    async fn insert_user(&self, user: &User) -> Result<User> {
        write(&self.users).insert(user)
    }

    async fn user(&self, id: &UserId) -> Result<Option<User>> {
        Ok(read(&self.users).get(id.as_str()).cloned())
    }

    async fn user_by_email(&self, email: &str) -> Result<Option<User>> {
        Ok(read(&self.users).named(email).cloned())
    }

    async fn user_by_identity(&self, identity: &Identity) -> Result<Option<User>> {
        Ok(read(&self.users).second_named(&identity.key()).cloned())
    }

    async fn users(&self) -> Result<Vec<User>> {
        Ok(read(&self.users).all().cloned().collect())
    }

    async fn update_user(&self, user: &User) -> Result<User> {
        write(&self.users).update(user)
    }

    async fn remove_user(&self, id: &UserId) -> Result<()> {
        write(&self.users).remove(id.as_str());
        Ok(())
    }

    async fn was_removed(&self, id: &UserId) -> Result<bool> {
        Ok(read(&self.users).was_removed(id.as_str()))
    }
}

#[async_trait]
impl TemplateStore for MemoryStore {
    async fn insert_template(&self, template: &Template) -> Result<Template> {
        write(&self.templates).insert(template)
    }

    async fn template(&self, id: &str) -> Result<Option<Template>> {
        Ok(read(&self.templates).get(id).cloned())
    }

    async fn templates(&self) -> Result<Vec<Template>> {
        Ok(read(&self.templates).all().cloned().collect())
    }

    async fn update_template(&self, template: &Template) -> Result<Template> {
        write(&self.templates).update(template)
    }

    async fn remove_template(&self, id: &str) -> Result<()> {
        write(&self.templates).remove(id);
        Ok(())
    }
}

#[async_trait]
impl PriceStore for MemoryStore {
    async fn prices(&self, version: Option<u64>) -> Result<Option<PriceList>> {
        let all = read(&self.prices);
        let found = match version {
            Some(version) => all.iter().find(|prices| prices.version == version),
            None => all.last(),
        };
        Ok(found.cloned())
    }

    async fn add_prices(&self, prices: &PriceList) -> Result<PriceList> {
        let mut all = write(&self.prices);
        let newest = all.last().map_or(0, |prices| prices.version);
        if prices.version != newest {
            return Err(failure::changed("price list"));
        }
        let stored = PriceList {
            version: newest + 1,
            ..prices.clone()
        };
        all.push(stored.clone());
        Ok(stored)
    }
}

#[async_trait]
impl RequestStore for MemoryStore {
    async fn keep_request(&self, request: &PastRequest) -> Result<()> {
        let mut all = write(&self.requests);
        all.entry(request.id.clone()).or_insert_with(|| request.clone());
        Ok(())
    }

    async fn past_request(&self, id: &PodId) -> Result<Option<PastRequest>> {
        Ok(read(&self.requests).get(id).cloned())
    }

    async fn forget_requests(&self, time: Timestamp) -> Result<()> {
        write(&self.requests).retain(|_, request| request.created_at >= time);
        Ok(())
    }
}

#[async_trait]
impl Billing for MemoryStore {
    async fn open(&self, user: &UserId, kind: AccountKind) -> Result<()> {
        write(&self.ledger).open(user, kind);
        Ok(())
    }

    async fn balance(&self, user: &UserId) -> Result<Balance> {
        read(&self.ledger).balance(user)
    }

    async fn post(&self, posting: &Posting) -> Result<()> {
        write(&self.ledger).post(posting, self.clock.now())
    }

    async fn hold(&self, hold: &Hold) -> Result<()> {
        write(&self.ledger).hold(hold, self.clock.now())
    }

    async fn draw(&self, draw: &Draw) -> Result<Drawn> {
        write(&self.ledger).draw(draw, self.clock.now())
    }

    async fn release(&self, key: &str) -> Result<()> {
        write(&self.ledger).release(key, self.clock.now())
    }

    async fn entries(&self, user: &UserId, options: &EntryOptions) -> Result<Vec<LedgerEntry>> {
        read(&self.ledger).entries(user, options)
    }
}

#[async_trait]
impl LedgerFolding for MemoryStore {
    async fn fold(&self, before: Timestamp) -> Result<Folded> {
        Ok(write(&self.ledger).fold(before))
    }
}

#[async_trait]
impl AuditLog for MemoryStore {
    async fn record(&self, entry: &AuditEntry) -> Result<()> {
        write(&self.audit).record(entry);
        Ok(())
    }

    async fn page(&self, options: &AuditOptions) -> Result<AuditPage> {
        read(&self.audit).page(options)
    }

    async fn forget(&self, time: Timestamp) -> Result<()> {
        write(&self.audit).forget(time);
        Ok(())
    }
}
