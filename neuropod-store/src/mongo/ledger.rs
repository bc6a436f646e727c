//! Changes of accounts, without transactions of several documents.
//!
//! # How a change is made
//! An account is one document, and a change of it is one write: the new balance, and beside it, as `pending`, the
//! entries and the records of keys that belong to the change. The write compares the account's `version`, so that no
//! other change comes in between. Then the entries and records are spread over their collections and `pending` is taken
//! away. Whoever comes across a pending change, be it after a crash, spreads it first: to spread it again changes
//! nothing.
//!
//! # How a key stays with one account
//! Before a change is written, its key is claimed for the account. A change that failed after that, or whose process
//! died, leaves a claim without a record, which somebody else may take over. A write of the first one could still be
//! under way; so whoever takes a claim over counts up the version of the account that had it before, and only then goes
//! on. Either that write was first, and its record is found, or it fails, and the one who wrote finds the claim gone.

use std::time::Duration;

use jiff::Timestamp;
use neuropod_core::money::billing::{Draw, Drawn, EntryOptions, Hold, Posting};
use neuropod_core::money::{AccountKind, Balance, Entry};
use neuropod_core::{Result, UserId};

use super::accounts;
use super::failure as mongo;
use super::keys::{self, Key};
use super::server::Server;
use super::turns::Turns;
use crate::account::{self, Decision, Record};
use crate::input;

/// How long a change may take, with all that it waits for.
const DEADLINE: Duration = Duration::from_secs(20);
/// How long to wait when another process has changed the account.
const PAUSE: Duration = Duration::from_millis(5);

/// Accounts on a server.
pub(super) struct Ledger {
    server: Server,
    turns: Turns,
}

impl Ledger {
    pub(super) fn new(server: Server) -> Self {
        Self {
            server,
            turns: Turns::default(),
        }
    }

    pub(super) async fn open(&self, user: &UserId, kind: AccountKind) -> Result<()> {
        accounts::open(&self.server, user, kind).await
    }

    pub(super) async fn balance(&self, user: &UserId) -> Result<Balance> {
        let account = accounts::get(&self.server, user).await?;
        Ok(account.ok_or_else(account::no_account)?.balance())
    }

    pub(super) async fn entries(&self, user: &UserId, options: &EntryOptions) -> Result<Vec<Entry>> {
        input::entries_limit(options.limit)?;
        let account = accounts::get_spread(&self.server, user).await?;
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
        self.change(&draw.user, &draw.key, hold, now, |known, reserved, balance| {
            account::draw(draw, known, reserved, balance)
        })
        .await
    }

    pub(super) async fn release(&self, key: &str, now: Timestamp) -> Result<()> {
        self.end(key, now, |known, balance| account::release(key, known, balance))
            .await
    }

    /// Changes an account as `decide` says, of what is known under `key` and `hold` and of the balance.
    async fn change<T>(
        &self,
        user: &UserId,
        key: &str,
        hold: Option<&str>,
        now: Timestamp,
        decide: impl Fn(Option<&Record>, Option<&Record>, Option<Balance>) -> Decision<T>,
    ) -> Result<T> {
        in_time(async {
            let _turn = self.turns.wait(user).await;
            loop {
                // The account first: if a key changes after it, so has the account.
                let account = accounts::get_spread(&self.server, user).await?;
                let known = keys::get(&self.server, key).await?;
                let reserved = match hold {
                    Some(hold) => keys::get(&self.server, hold).await?,
                    None => None,
                };
                let (answer, change) = decide(
                    record(known.as_ref()),
                    record(reserved.as_ref()),
                    account.as_ref().map(accounts::Account::balance),
                )?;
                let (Some(change), Some(account)) = (change, account) else {
                    return Ok(answer);
                };
                let claimed = match &known {
                    None => keys::claim(&self.server, key, user).await?,
                    Some(key) if key.is_claimed_for(user) => true,
                    Some(key) => {
                        self.take_over(key, Some(user)).await?;
                        // Perhaps a record has turned up, and the account was read before.
                        false
                    }
                };
                let keys = [known.as_ref(), reserved.as_ref()];
                if claimed && accounts::write(&self.server, &account, &keys, change, now).await? {
                    return Ok(answer);
                }
                tokio::time::sleep(PAUSE).await;
            }
        })
        .await
    }

    /// Ends a reservation as `decide` says. A key under which nothing has happened, and which may end, is closed.
    async fn end(
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
                // What is only pending would be overlooked.
                if let Some(user) = found.as_ref().and_then(|key| key.account.as_ref()) {
                    accounts::get_spread(&self.server, user).await?;
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

    /// Closes a key. Answers whether it is closed.
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

    /// Takes over a claim without a record. Whoever calls this looks at the key again.
    async fn take_over(&self, key: &Key, account: Option<&UserId>) -> Result<()> {
        if let Some(previous) = &key.previous {
            // Somebody has begun to take it over and has not finished.
            accounts::fence(&self.server, previous).await?;
            keys::forget_previous(&self.server, key).await?;
            return Ok(());
        }
        if let Some(taken) = keys::take(&self.server, key, account).await?
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
