//! Accounts with pods that run, for the checks.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::conformance::expect::unique;
use crate::id::{PodId, UserId};
use crate::money::amount::Money;
use crate::money::billing::{
    AccountKind, Balance, Billing, BillingExt, Details, Draw, Drawn, EntryKind, Hold, LedgerEntry, Period,
};
use crate::money::folding::LedgerFolding;
use crate::money::statement::{Statement, explain};

/// The accounts, and what folds them.
#[derive(Clone)]
pub struct Books {
    pub(super) billing: Arc<dyn Billing>,
    folding: Arc<dyn LedgerFolding>,
}

impl Books {
    /// The accounts of `billing`, which `folding` folds.
    pub fn new(billing: Arc<dyn Billing>, folding: Arc<dyn LedgerFolding>) -> Self {
        Self { billing, folding }
    }

    /// Folds every entry so far.
    pub(super) async fn fold(&self) {
        self.fold_before(Timestamp::MAX).await;
    }

    pub(super) async fn fold_before(&self, before: Timestamp) {
        self.folding.fold(before).await.expect("entries can be folded");
    }

    pub(super) async fn entries(&self, user: &UserId) -> Vec<LedgerEntry> {
        self.billing.all_entries(user).await.unwrap()
    }

    /// What must stay the same, after a check that the entries add up to the balance and each charge is explained.
    pub(super) async fn shown(&self, user: &UserId) -> (Balance, Statement) {
        let balance = self.billing.balance(user).await.unwrap();
        let entries = self.entries(user).await;
        let total: Money = entries.iter().map(|entry| entry.amount).sum();
        let held: Money = entries.iter().map(|entry| entry.held).sum();
        assert_eq!(
            (total, held),
            (balance.total(), balance.held),
            "the entries add up to the balance"
        );
        for entry in usage(&entries) {
            let charge = explain(entry);
            assert!(charge.is_some_and(|charge| charge.agrees), "explained: {entry:?}");
        }
        (balance, Statement::of(&entries))
    }
}

/// The entries that are charges.
pub(super) fn usage(entries: &[LedgerEntry]) -> Vec<&LedgerEntry> {
    let usage = entries.iter().filter(|entry| entry.kind == EntryKind::Usage);
    usage.collect()
}

/// The beginning of the first period of all pods, whenever the check runs.
pub(super) fn begin() -> Timestamp {
    Timestamp::from_second(1_767_571_200).unwrap() // 2026-01-05T00:00:00Z
}

/// A pod that runs, and the account that pays it.
#[derive(Debug, Clone)]
pub(super) struct Running {
    pub(super) user: UserId,
    pub(super) pod: PodId,
    pub(super) hourly: Money,
    pub(super) hold: String,
    /// The end of the last charge.
    pub(super) until: Timestamp,
    charges: u64,
}

impl Running {
    /// A pod of a new user who has paid in this much, of which a euro is held.
    pub(super) async fn start(books: &Books, euros: i64) -> Self {
        let user = UserId::new(unique("user"));
        let billing = &books.billing;
        billing.open(&user, AccountKind::Prepaid).await.unwrap();
        let paid = Money::from_cents(100 * euros);
        billing.deposit(&unique("key"), &user, paid).await.unwrap();
        Self::of(books, &user).await
    }

    /// Another pod of a user.
    pub(super) async fn of(books: &Books, user: &UserId) -> Self {
        let pod = PodId::random();
        let running = Self {
            user: user.clone(),
            hold: format!("{pod}:0"),
            pod,
            hourly: Money::from_micros(2_700_001),
            until: begin(),
            charges: 0,
        };
        let hold = Hold {
            details: running.details(None),
            ..Hold::new(&running.hold, user, Money::from_cents(100))
        };
        books.billing.hold(&hold).await.unwrap();
        running
    }

    fn details(&self, period: Option<Period>) -> Details {
        Details {
            pod: Some(self.pod.clone()),
            pod_name: Some("Training".into()),
            price_version: Some(3),
            hourly: Some(self.hourly),
            period,
            ..Details::default()
        }
    }

    /// The draw of the next seconds.
    pub(super) fn next(&mut self, seconds: i64) -> Draw {
        let from = self.until;
        self.until += SignedDuration::from_secs(seconds);
        let key = format!("{}:{}", self.hold, self.charges);
        self.charges += 1;
        Draw {
            key,
            user: self.user.clone(),
            hold: Some(self.hold.clone()),
            amount: self.hourly.for_seconds(seconds),
            top_up: Money::from_cents(100),
            at_most: None,
            daily_cap: None,
            details: self.details(Some(Period {
                from,
                until: self.until,
            })),
        }
    }

    /// Charges the next seconds.
    pub(super) async fn charge(&mut self, books: &Books, seconds: i64) -> (Draw, Drawn) {
        let draw = self.next(seconds);
        let drawn = books.billing.draw(&draw).await.unwrap();
        (draw, drawn)
    }

    /// Charges a day in this many periods, without a moment between them.
    pub(super) async fn charge_day(&mut self, books: &Books, periods: i64) -> Vec<(Draw, Drawn)> {
        let mut charged = Vec::new();
        let mut left = 24 * 3600;
        for number in 0..periods {
            let seconds = left / (periods - number);
            left -= seconds;
            charged.push(self.charge(books, seconds).await);
        }
        charged
    }
}
