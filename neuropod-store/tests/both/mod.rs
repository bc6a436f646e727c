//! Billing through two stores in turn, like platforms on two machines: they only share the database.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use jiff::Timestamp;
use neuropod_core::money::billing::{Draw, Drawn, EntryOptions, Hold, Posting};
use neuropod_core::money::{AccountKind, Balance, Folded, LedgerEntry, LedgerFolding};
use neuropod_core::{Billing, Result, UserId};

pub(crate) struct Both<B> {
    stores: [B; 2],
    next: AtomicUsize,
}

impl<B> Both<B> {
    pub(crate) fn new(stores: [B; 2]) -> Self {
        Self {
            stores,
            next: AtomicUsize::new(0),
        }
    }

    fn one(&self) -> &B {
        &self.stores[self.next.fetch_add(1, Ordering::Relaxed) % 2]
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<B: Billing> Billing for Both<B> {
    async fn open(&self, user: &UserId, kind: AccountKind) -> Result<()> {
        self.one().open(user, kind).await
    }

    async fn balance(&self, user: &UserId) -> Result<Balance> {
        self.one().balance(user).await
    }

    async fn post(&self, posting: &Posting) -> Result<()> {
        self.one().post(posting).await
    }

    async fn hold(&self, hold: &Hold) -> Result<()> {
        self.one().hold(hold).await
    }

    async fn draw(&self, draw: &Draw) -> Result<Drawn> {
        self.one().draw(draw).await
    }

    async fn release(&self, key: &str) -> Result<()> {
        self.one().release(key).await
    }

    async fn entries(&self, user: &UserId, options: &EntryOptions) -> Result<Vec<LedgerEntry>> {
        self.one().entries(user, options).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<B: LedgerFolding> LedgerFolding for Both<B> {
    async fn fold(&self, before: Timestamp) -> Result<Folded> {
        self.one().fold(before).await
    }
}
