//! Everything in memory.

mod audit;
mod collection;
mod ledger;
mod pods;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

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

use self::audit::Audit;
use self::collection::Collection;
use self::ledger::Ledger;
use self::pods::Pods;
use crate::failure;

/// Keeps pods, users, templates, money and the audit log in memory, until the process ends.
///
/// For tests, demonstrations and a first look: what is stored is lost with the process, while pods in the cluster and
/// debts are not. Every operation is atomic and takes a moment; nothing blocks while another one waits.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> neuropod_core::Result<()> {
/// use neuropod_core::{Billing, Money, UserId};
/// use neuropod_core::money::{AccountKind, BillingExt};
/// use neuropod_store::MemoryStore;
///
/// let store = MemoryStore::new();
/// let ana = UserId::new("ana");
/// store.open(&ana, AccountKind::Prepaid).await?;
/// store.deposit("payment-1", &ana, Money::from_cents(1000)).await?;
/// // The same payment told again counts once.
/// store.deposit("payment-1", &ana, Money::from_cents(1000)).await?;
///
/// store.reserve("hour-1", &ana, Money::from_cents(300)).await?;
/// store.release("hour-1").await?;
/// assert_eq!(store.balance(&ana).await?.available, Money::from_cents(1000));
/// # Ok(())
/// # }
/// ```
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    pods: RwLock<Pods>,
    users: RwLock<Collection<User>>,
    templates: RwLock<Collection<Template>>,
    prices: RwLock<Vec<PriceList>>,
    requests: RwLock<HashMap<PodId, PastRequest>>,
    ledger: RwLock<Ledger>,
    audit: RwLock<Audit>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// An empty store whose entries of money have their times from `clock`.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            pods: RwLock::default(),
            users: RwLock::default(),
            templates: RwLock::default(),
            prices: RwLock::default(),
            requests: RwLock::default(),
            ledger: RwLock::default(),
            audit: RwLock::default(),
        }
    }
}

/// Shows nothing of what is stored: there are tokens in it.
impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

// No operation panics half-way through a change, so what a poisoned lock guards is whole.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

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

    async fn entries(&self, user: &UserId, options: &EntryOptions) -> Result<Vec<Entry>> {
        read(&self.ledger).entries(user, options)
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
