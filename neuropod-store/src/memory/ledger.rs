use std::collections::HashMap;

use jiff::Timestamp;
use neuropod_core::money::billing::{Draw, Drawn, EntryOptions, Hold, Posting};
use neuropod_core::money::{AccountKind, Balance, LedgerEntry};
use neuropod_core::{Money, Result, UserId};

use crate::account::{self, Change, Record};
use crate::input;

/// All accounts, and the record of each key.
#[derive(Default)]
pub(super) struct Ledger {
    accounts: HashMap<UserId, Account>,
    keys: HashMap<String, Record>,
}

/// An account. Entries are only ever added.
struct Account {
    balance: Balance,
    entries: Vec<LedgerEntry>,
}

impl Ledger {
    pub(super) fn open(&mut self, user: &UserId, kind: AccountKind) {
        let account = self.accounts.entry(user.clone()).or_insert_with(|| Account {
            balance: Balance {
                kind,
                available: Money::ZERO,
                held: Money::ZERO,
                spent: None,
            },
            entries: Vec::new(),
        });
        account.balance.kind = kind;
    }

    pub(super) fn balance(&self, user: &UserId) -> Result<Balance> {
        self.known_balance(user).ok_or_else(account::no_account)
    }

    pub(super) fn entries(&self, user: &UserId, options: &EntryOptions) -> Result<Vec<LedgerEntry>> {
        input::entries_limit(options.limit)?;
        let account = self.accounts.get(user).ok_or_else(account::no_account)?;
        let wanted = |entry: &&LedgerEntry| {
            options.from.is_none_or(|from| entry.at >= from)
                && options.until.is_none_or(|until| entry.at < until)
        };
        let limit = usize::try_from(options.limit).unwrap_or(usize::MAX);
        let seen = account
            .entries
            .partition_point(|entry| entry.number <= options.after);
        Ok(account.entries[seen..]
            .iter()
            .filter(wanted)
            .take(limit)
            .cloned()
            .collect())
    }

    pub(super) fn post(&mut self, posting: &Posting, now: Timestamp) -> Result<()> {
        let ((), change) = account::post(
            posting,
            self.keys.get(&posting.key),
            self.known_balance(&posting.user),
        )?;
        self.write(&posting.user, change, now);
        Ok(())
    }

    pub(super) fn hold(&mut self, hold: &Hold, now: Timestamp) -> Result<()> {
        let ((), change) = account::hold(hold, self.keys.get(&hold.key), self.known_balance(&hold.user))?;
        self.write(&hold.user, change, now);
        Ok(())
    }

    pub(super) fn draw(&mut self, draw: &Draw, now: Timestamp) -> Result<Drawn> {
        let held = draw.hold.as_ref().and_then(|hold| self.keys.get(hold));
        let (drawn, change) = account::draw(
            draw,
            self.keys.get(&draw.key),
            held,
            self.known_balance(&draw.user),
        )?;
        self.write(&draw.user, change, now);
        Ok(drawn)
    }

    pub(super) fn release(&mut self, key: &str, now: Timestamp) -> Result<()> {
        let known = self.keys.get(key);
        let user = known.and_then(Record::user).cloned();
        let balance = user.as_ref().and_then(|user| self.known_balance(user));
        let ((), change) = account::release(key, known, balance)?;
        match user {
            Some(user) => self.write(&user, change, now),
            None => {
                self.keys.insert(key.to_owned(), Record::Closed);
            }
        }
        Ok(())
    }

    fn known_balance(&self, user: &UserId) -> Option<Balance> {
        self.accounts.get(user).map(|account| account.balance)
    }

    fn write(&mut self, user: &UserId, change: Option<Change>, now: Timestamp) {
        // Changes are only made to accounts that exist.
        let (Some(change), Some(account)) = (change, self.accounts.get_mut(user)) else {
            return;
        };
        account.balance = change.balance;
        for new in change.entries {
            let number = account.entries.last().map_or(1, |entry| entry.number + 1);
            account.entries.push(new.into_entry(number, now));
        }
        self.keys.extend(change.records);
    }
}
