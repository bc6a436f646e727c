use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use neuropod_core::money::billing::{Draw, Drawn, EntryOptions, Hold, Posting};
use neuropod_core::money::{AccountKind, Balance, Folded, LedgerEntry};
use neuropod_core::{Money, Result, UserId};

use crate::account::{self, Change, Fold, Known, Record};
use crate::input;

/// All accounts, and the record of each key.
#[derive(Default)]
pub(super) struct Ledger {
    accounts: HashMap<UserId, Account>,
    keys: HashMap<String, Record>,
}

/// An account. Entries are added, and old ones folded.
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
        let folded = Known::folded_key_of(draw);
        let known = Known {
            key: self.keys.get(&draw.key),
            hold: draw.hold.as_ref().and_then(|hold| self.keys.get(hold)),
            folded: folded.and_then(|key| self.keys.get(&key)),
            balance: self.known_balance(&draw.user),
        };
        let (drawn, change) = account::draw(draw, known)?;
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

    /// Folds the entries that were booked before `before`.
    pub(super) fn fold(&mut self, before: Timestamp) -> Folded {
        let mut folded = Folded::default();
        for (user, account) in &mut self.accounts {
            let old = account.entries.iter().filter(|entry| entry.at < before);
            let old: Vec<LedgerEntry> = old.cloned().collect();
            let keys = account::pods_of_charges(&old)
                .into_iter()
                .map(|pod| account::folded_key(&pod));
            let markers = keys.filter_map(|key| Some((self.keys.get(&key)?.clone(), key)));
            let markers = markers.map(|(record, key)| (key, record)).collect();
            let fold = account::fold(user, &old, &markers);
            if fold.is_empty() {
                continue;
            }
            let Fold {
                replaced,
                removed,
                forgotten,
                records,
            } = fold;
            folded.accounts += 1;
            folded.entries_removed += removed.len() as u64;
            folded.keys_removed += forgotten.len() as u64;
            let mut replaced: HashMap<_, _> =
                replaced.into_iter().map(|entry| (entry.number, entry)).collect();
            let removed: HashSet<_> = removed.into_iter().collect();
            account.entries.retain_mut(|entry| {
                if let Some(new) = replaced.remove(&entry.number) {
                    *entry = new;
                }
                !removed.contains(&entry.number)
            });
            for key in forgotten {
                self.keys.remove(&key);
            }
            self.keys.extend(records);
        }
        folded
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
