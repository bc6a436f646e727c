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
//! # Folding
//! A step replaces some old entries by one, and forgets keys of charges. It is a change as above, but for its own field
//! `folding` of the account, which an earlier version of this library leaves alone. It is flushed in this order: the records
//! of folded pods, after which the keys are not needed; the keys; the entries that stand for others, each only if no later
//! fold has written it; the entries that go. Those lose their amounts and get the date `gone`, which hides them. A day
//! later they are deleted: as long as they are there, a process that is late with step 5 of an old change can't insert them
//! again, and one that has stood still does not insert (`accounts.rs`, `FLUSH`). A page of entries is read again if a step was
//! written meanwhile.
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

use async_trait::async_trait;
use jiff::Timestamp;
use neuropod_core::money::billing::{Draw, Drawn, EntryOptions, Hold, Posting};
use neuropod_core::money::{AccountKind, Balance, LedgerEntry};
use neuropod_core::{Result, UserId};

use super::accounts;
use super::failure as mongo;
use super::folding;
use super::keys::{self, Key};
use super::server::Server;
use crate::account::{self, Decision, Keys, Known, Record};
use crate::folding::{ACCOUNTS, FoldingStore, Range, Step};
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
        in_time(async {
            loop {
                let account = accounts::get_flushed(&self.server, user).await?;
                let account = account.ok_or_else(account::no_account)?;
                let entries = accounts::entries(&self.server, user, options).await?;
                // Entries may have become one while they were read.
                let after = accounts::get(&self.server, user).await?;
                if after.is_none_or(|after| after.folds() == account.folds()) {
                    return Ok(entries);
                }
            }
        })
        .await
    }

    pub(super) async fn post(&self, posting: &Posting, now: Timestamp) -> Result<()> {
        let keys = Keys::only(&posting.key);
        self.change(&posting.user, keys, now, |known| {
            account::post(posting, known.key, known.balance)
        })
        .await
    }

    pub(super) async fn hold(&self, hold: &Hold, now: Timestamp) -> Result<()> {
        let keys = Keys::only(&hold.key);
        self.change(&hold.user, keys, now, |known| {
            account::hold(hold, known.key, known.balance)
        })
        .await
    }

    pub(super) async fn draw(&self, draw: &Draw, now: Timestamp) -> Result<Drawn> {
        let folded = Known::folded_key_of(draw);
        let keys = Keys {
            hold: draw.hold.as_deref(),
            folded: folded.as_deref(),
            ..Keys::only(&draw.key)
        };
        self.change(&draw.user, keys, now, |known| account::draw(draw, known))
            .await
    }

    pub(super) async fn release(&self, key: &str, now: Timestamp) -> Result<()> {
        self.end_hold(key, now, |known, balance| account::release(key, known, balance))
            .await
    }

    /// Changes an account as `decide` says.
    async fn change<T>(
        &self,
        user: &UserId,
        Keys { key, hold, folded }: Keys<'_>,
        now: Timestamp,
        decide: impl Fn(Known<'_>) -> Decision<T>,
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
                // After the key: when that is forgotten, this is there.
                let of_folded = match folded {
                    Some(folded) if record(known.as_ref()).is_none() => {
                        keys::get(&self.server, folded).await?
                    }
                    _ => None,
                };
                let (value, change) = decide(Known {
                    key: record(known.as_ref()),
                    hold: record(of_hold.as_ref()),
                    folded: record(of_folded.as_ref()),
                    balance: account.as_ref().map(accounts::Account::balance),
                })?;
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
                let decide = |known: Known<'_>| decide(known.key, known.balance);
                self.change(&user, Keys::only(key), now, decide).await
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

    /// Folds a step of an account; see the protocol above.
    async fn fold(&self, user: &UserId, range: Range) -> Result<Step> {
        in_time(async {
            let _lock = self.locks.lock(user).await;
            loop {
                let Some(account) = accounts::get_flushed(&self.server, user).await? else {
                    return Ok(Step::default());
                };
                let old = folding::Old::find(&self.server, user, range).await?;
                let fold = account::fold(user, &old.entries, &old.markers);
                let step = Step::of(&old.entries, &fold);
                if fold.is_empty() {
                    return Ok(step);
                }
                let is_claimed = old.claim(&self.server, user, &fold).await?;
                if is_claimed && folding::write(&self.server, &account, &old, fold).await? {
                    return Ok(step);
                }
                tokio::time::sleep(RETRY_DELAY).await;
            }
        })
        .await
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

#[async_trait]
impl FoldingStore for Ledger {
    async fn owners(&self, after: Option<&UserId>) -> Result<Vec<UserId>> {
        accounts::owners(&self.server, after, ACCOUNTS).await
    }

    async fn fold_step(&self, user: &UserId, range: Range) -> Result<Step> {
        if range.after == 0 {
            accounts::delete_gone(&self.server, user).await?;
        }
        self.fold(user, range).await
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
