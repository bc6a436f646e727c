//! Compares the money of both stores. The target is asked as a platform asks it, account by account.

use neuropod_core::money::billing::EntryOptions;
use neuropod_core::money::{Balance, LedgerEntry};
use neuropod_core::{Billing, Error, ErrorKind, Money, Result, UserId};

use super::item::{Item, Kind};
use super::report::CopyReport;

/// The sums of accounts and their entries.
pub(super) struct Books<'a> {
    target: &'a dyn Billing,
    /// The account whose entries come at present, with the sums of those so far.
    account: Option<(UserId, Sums)>,
    all: Sums,
    available: Money,
    held: Money,
    unbalanced: u64,
}

/// The sums of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Sums {
    entries: u64,
    amount: Money,
    held: Money,
}

impl Sums {
    fn add(&mut self, entry: &LedgerEntry) {
        self.entries += 1;
        self.amount += entry.amount;
        self.held += entry.held;
    }

    fn is_of(&self, balance: &Balance) -> bool {
        self.amount == balance.total() && self.held == balance.held
    }
}

impl<'a> Books<'a> {
    pub(super) fn new(target: &'a dyn Billing) -> Self {
        Self {
            target,
            account: None,
            all: Sums::default(),
            available: Money::ZERO,
            held: Money::ZERO,
            unbalanced: 0,
        }
    }

    /// Counts a record of the source, if there is money in it.
    pub(super) async fn add(&mut self, kind: Kind, item: &Item) -> Result<()> {
        match kind {
            Kind::Accounts => self.add_account(item).await,
            Kind::Entries => self.add_entry(item).await,
            _ => Ok(()),
        }
    }

    async fn add_account(&mut self, item: &Item) -> Result<()> {
        let account = item
            .account()
            .map_err(|error| Kind::Accounts.failure(&item.id, error))?;
        let balance = account.balance();
        let user = UserId::new(&item.id.text);
        if self.target.balance(&user).await? != balance {
            return Err(differs(&user));
        }
        self.available += balance.available;
        self.held += balance.held;
        // One without entries does not come again.
        if account.last_entry == 0 && !Sums::default().is_of(&balance) {
            self.unbalanced += 1;
        }
        Ok(())
    }

    async fn add_entry(&mut self, item: &Item) -> Result<()> {
        if self
            .account
            .as_ref()
            .is_none_or(|(user, _)| user.as_str() != item.id.text)
        {
            self.end_account().await?;
            self.account = Some((UserId::new(&item.id.text), Sums::default()));
        }
        let entry: LedgerEntry = item
            .read()
            .map_err(|error| Kind::Entries.failure(&item.id, error))?;
        self.all.add(&entry);
        if let Some((_, sums)) = &mut self.account {
            sums.add(&entry);
        }
        Ok(())
    }

    /// Compares the sums of the account whose last entry was added.
    pub(super) async fn end_account(&mut self) -> Result<()> {
        let Some((user, sums)) = self.account.take() else {
            return Ok(());
        };
        if sums_of(self.target, &user).await? != sums {
            return Err(differs(&user));
        }
        if !sums.is_of(&self.target.balance(&user).await?) {
            self.unbalanced += 1;
        }
        Ok(())
    }

    pub(super) fn finish(self, report: &mut CopyReport) {
        report.available = self.available;
        report.held = self.held;
        report.booked = self.all.amount;
        report.unbalanced = self.unbalanced;
    }
}

/// The sums of an account, page by page.
async fn sums_of(billing: &dyn Billing, user: &UserId) -> Result<Sums> {
    let mut sums = Sums::default();
    let mut options = EntryOptions::default();
    loop {
        let page = billing.entries(user, &options).await?;
        let Some(last) = page.last() else {
            return Ok(sums);
        };
        options.after = last.number;
        for entry in &page {
            sums.add(entry);
        }
    }
}

fn differs(user: &UserId) -> Error {
    Error::new(
        ErrorKind::Unexpected,
        "the sums of an account are not the same in both stores",
    )
    .with_context("account", user.to_string())
}
