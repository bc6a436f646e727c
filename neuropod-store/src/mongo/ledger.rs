//! The ledger on a server without transactions of several documents.
//!
//! # Protocol of a change
//! 1. *Read* the account; flush its `pending` change if it has one, so that a crash in step 5 is repaired here.
//! 2. *Read* the record of the key (and that of the hold). The pure functions of [`account`] decide.
//! 3. *Claim* the key for the account, unless it is claimed already.
//! 4. *Write* the account: one update, only if `version` is still the one that was read. It sets the new balance and, as
//!    `pending`, the entries and records of the change. This is the commit; if the update matches nothing, start again.
//! 5. *Flush pending*: copy the entries and records to their collections, then clear `pending`. Any process may do this
//!    at any time, and again: an entry or record that is already there is left as it is.
//!
//! # A key belongs to one account
//! A process that fails between steps 3 and 4 leaves a claim without a record. Another account may *take over* such a
//! claim, but the first process may still be about to write. So the claim is taken over first (its old account becomes
//! `previous`), then the old account is *fenced*: its pending change is flushed and its `version` counted up. A write of
//! the first process either came before the fence, and its record is found, or it fails. Then `previous` is cleared.
//!
//! Invariants: the entries of an account, with those in `pending`, add up to its balance; a key has at most one record,
//! and once it has one it never moves to another account.

use std::time::Duration;

use jiff::Timestamp;
use neuropod_core::money::billing::{Draw, Drawn, EntryOptions, Hold, Posting};
use neuropod_core::money::{AccountKind, Balance, LedgerEntry};
use neuropod_core::{Result, UserId};

use super::accounts;
use super::failure as mongo;
use super::keys::{self, Key};
use super::server::Server;
use crate::account::{self, Decision, Record};
use crate::input;
use crate::locks::AccountLocks;

/// The longest time for a change, including all retries.
const DEADLINE: Duration = Duration::from_secs(20);
/// The delay before a retry, when another process has changed the account.
const RETRY_DELAY: Duration = Duration::from_millis(5);

/// The accounts on a server.
pub(super) struct Ledger {
    server: Server,
    locks: AccountLocks,
}

impl Ledger {
    pub(super) fn new(server: Server) -> Self {
        Self {
            server,
            locks: AccountLocks::default(),
        }
    }

    pub(super) async fn open(&self, user: &UserId, kind: AccountKind) -> Result<()> {
        accounts::open(&self.server, user, kind).await
    }

    pub(super) async fn balance(&self, user: &UserId) -> Result<Balance> {
        let account = accounts::get(&self.server, user).await?;
        Ok(account.ok_or_else(account::no_account)?.balance())
    }

    pub(super) async fn entries(&self, user: &UserId, options: &EntryOptions) -> Result<Vec<LedgerEntry>> {
        input::entries_limit(options.limit)?;
        let account = accounts::get_flushed(&self.server, user).await?;
        account.ok_or_else(account::no_account)?;
        accounts::entries(&self.server, user, options).await
    }

    pub(super) async fn post(&self, posting: &Posting, now: Timestamp) -> Result<()> {
        self.change(&posting.user, &posting.key, None, now, |known, _, balance| {
            account::post(posting, known, balance)
        })
        .await
    }

    pub(super) async fn hold(&self, hold: &Hold, now: Timestamp) -> Result<()> {
        self.change(&hold.user, &hold.key, None, now, |known, _, balance| {
            account::hold(hold, known, balance)
        })
        .await
    }

    pub(super) async fn draw(&self, draw: &Draw, now: Timestamp) -> Result<Drawn> {
        let hold = draw.hold.as_deref();
        self.change(&draw.user, &draw.key, hold, now, |known, hold_record, balance| {
            account::draw(draw, known, hold_record, balance)
        })
        .await
    }

    pub(super) async fn release(&self, key: &str, now: Timestamp) -> Result<()> {
        self.end_hold(key, now, |known, balance| account::release(key, known, balance))
            .await
    }

    /// Changes an account as `decide` says. `decide` gets the record of `key`, that of `hold`, and the balance.
    async fn change<T>(
        &self,
        user: &UserId,
        key: &str,
        hold: Option<&str>,
        now: Timestamp,
        decide: impl Fn(Option<&Record>, Option<&Record>, Option<Balance>) -> Decision<T>,
    ) -> Result<T> {
        in_time(async {
            let _lock = self.locks.lock(user).await;
            loop {
                // Read the account before the keys: a key that changes later means that the account has changed too, and the
                // write fails.
                let account = accounts::get_flushed(&self.server, user).await?;
                let known = keys::get(&self.server, key).await?;
                let of_hold = match hold {
                    Some(hold) => keys::get(&self.server, hold).await?,
                    None => None,
                };
                let (value, change) = decide(
                    record(known.as_ref()),
                    record(of_hold.as_ref()),
                    account.as_ref().map(accounts::Account::balance),
                )?;
                let (Some(change), Some(account)) = (change, account) else {
                    return Ok(value);
                };
                let claimed = match &known {
                    None => keys::claim(&self.server, key, user).await?,
                    Some(key) if key.is_claimed_for(user) => true,
                    Some(key) => {
                        self.take_over(key, Some(user)).await?;
                        // The fence may have flushed a record: read everything again.
                        false
                    }
                };
                let keys = [known.as_ref(), of_hold.as_ref()];
                if claimed && accounts::write(&self.server, &account, &keys, change, now).await? {
                    return Ok(value);
                }
                tokio::time::sleep(RETRY_DELAY).await;
            }
        })
        .await
    }

    /// Ends a hold as `decide` says. A key without a record is closed, if `decide` allows it.
    async fn end_hold(
        &self,
        key: &str,
        now: Timestamp,
        decide: impl Fn(Option<&Record>, Option<Balance>) -> Decision<()>,
    ) -> Result<()> {
        let user = in_time(async {
            loop {
                let found = keys::get(&self.server, key).await?;
                if let Some(user) = record(found.as_ref()).and_then(Record::user) {
                    return Ok(Some(user.clone()));
                }
                // The record may still be pending.
                if let Some(user) = found.as_ref().and_then(|key| key.account.as_ref()) {
                    accounts::get_flushed(&self.server, user).await?;
                }
                let found = keys::get(&self.server, key).await?;
                if record(found.as_ref()).is_some_and(|record| record.user().is_some()) {
                    continue;
                }
                decide(record(found.as_ref()), None)?;
                if self.close(key, found.as_ref()).await? {
                    return Ok(None);
                }
            }
        })
        .await?;
        match user {
            Some(user) => {
                self.change(&user, key, None, now, |known, _, balance| decide(known, balance))
                    .await
            }
            None => Ok(()),
        }
    }

    /// Closes a key. Returns `true` if it is closed now.
    async fn close(&self, key: &str, found: Option<&Key>) -> Result<bool> {
        match found {
            None => keys::close_new(&self.server, key).await,
            Some(found) if found.record.is_some() => Ok(found.record == Some(Record::Closed)),
            Some(found) if found.account.is_none() && found.previous.is_none() => {
                keys::close(&self.server, found).await
            }
            Some(found) => {
                self.take_over(found, None).await?;
                Ok(false)
            }
        }
    }

    /// Takes over a claim without a record. The caller must read the key again.
    async fn take_over(&self, key: &Key, account: Option<&UserId>) -> Result<()> {
        if let Some(previous) = &key.previous {
            // Another process began to take it over and has not finished.
            accounts::fence(&self.server, previous).await?;
            keys::forget_previous(&self.server, key).await?;
            return Ok(());
        }
        if let Some(taken) = keys::take_over(&self.server, key, account).await?
            && let Some(previous) = &taken.previous
        {
            accounts::fence(&self.server, previous).await?;
            keys::forget_previous(&self.server, &taken).await?;
        }
        Ok(())
    }
}

fn record(key: Option<&Key>) -> Option<&Record> {
    key.and_then(|key| key.record.as_ref())
}

async fn in_time<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout(DEADLINE, work).await {
        Ok(result) => result,
        Err(_) => Err(mongo::no_answer()),
    }
}
