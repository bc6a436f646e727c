//! The store and the accounts with faults: every method is one call.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::injector::Faults;
use crate::error::kind::Result;
use crate::id::{PodId, UserId};
use crate::money::billing::{
    AccountKind, Balance, Billing, Draw, Drawn, EntryOptions, Hold, LedgerEntry, Posting,
};
use crate::money::pricing::PriceList;
use crate::pod::record::Pod;
use crate::pod::template::Template;
use crate::store::audit::{AuditEntry, AuditLog, AuditOptions, AuditPage};
use crate::store::traits::{
    ListOptions, Page, PastRequest, PodStore, PriceStore, RequestStore, Store, TemplateStore, UserStore,
};
use crate::user::profile::{Identity, User};

pub(super) struct FaultyStore {
    pub(super) faults: Faults,
    pub(super) inner: Arc<dyn Store>,
}

pub(super) struct FaultyBilling {
    pub(super) faults: Faults,
    pub(super) inner: Arc<dyn Billing>,
}

pub(super) struct FaultyAudit {
    pub(super) faults: Faults,
    pub(super) inner: Arc<dyn AuditLog>,
}

/// Implements a trait by forwarding every method.
macro_rules! pass {
    ($trait:ident for $type:ident as $part:literal {
        $(fn $name:ident($($argument:ident: $type_of:ty),*) -> $result:ty;)*
    }) => {
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl $trait for $type {
            $(async fn $name(&self, $($argument: $type_of),*) -> Result<$result> {
                let call = self.inner.$name($($argument),*);
                self.faults.pass(concat!($part, ".", stringify!($name)), call).await
            })*
        }
    };
}

pass!(PodStore for FaultyStore as "store" {
    fn insert(pod: &Pod) -> Pod;
    fn get(id: &PodId) -> Option<Pod>;
    fn list(options: &ListOptions) -> Page;
    fn count(owner: &UserId) -> u64;
    fn update(pod: &Pod) -> Pod;
    fn remove(id: &PodId, version: u64) -> ();
});

pass!(UserStore for FaultyStore as "store" {
    fn insert_user(user: &User) -> User;
    fn user(id: &UserId) -> Option<User>;
    fn user_by_email(email: &str) -> Option<User>;
    fn user_by_identity(identity: &Identity) -> Option<User>;
    fn users() -> Vec<User>;
    fn update_user(user: &User) -> User;
    fn remove_user(id: &UserId) -> ();
    fn was_removed(id: &UserId) -> bool;
});

pass!(TemplateStore for FaultyStore as "store" {
    fn insert_template(template: &Template) -> Template;
    fn template(id: &str) -> Option<Template>;
    fn templates() -> Vec<Template>;
    fn update_template(template: &Template) -> Template;
    fn remove_template(id: &str) -> ();
});

pass!(PriceStore for FaultyStore as "store" {
    fn prices(version: Option<u64>) -> Option<PriceList>;
    fn add_prices(prices: &PriceList) -> PriceList;
});

pass!(RequestStore for FaultyStore as "store" {
    fn keep_request(request: &PastRequest) -> ();
    fn past_request(id: &PodId) -> Option<PastRequest>;
    fn forget_requests(time: Timestamp) -> ();
});

pass!(Billing for FaultyBilling as "billing" {
    fn open(user: &UserId, kind: AccountKind) -> ();
    fn balance(user: &UserId) -> Balance;
    fn post(posting: &Posting) -> ();
    fn hold(hold: &Hold) -> ();
    fn draw(draw: &Draw) -> Drawn;
    fn release(key: &str) -> ();
    fn entries(user: &UserId, options: &EntryOptions) -> Vec<LedgerEntry>;
});

pass!(AuditLog for FaultyAudit as "audit" {
    fn record(entry: &AuditEntry) -> ();
    fn page(options: &AuditOptions) -> AuditPage;
    fn forget(time: Timestamp) -> ();
});
