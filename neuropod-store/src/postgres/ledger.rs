//! Accounts and their ledger.
//!
//! # A change is one transaction
//! 1. *Lock* the row of the account, and read it. From here on no other transaction changes the account, or the record of
//!    a key that belongs to it.
//! 2. *Read* the record of the key, and that of the hold. This is a statement of its own, so that it sees what others have
//!    committed while the first one waited. The pure functions of [`account`] decide.
//! 3. *Write* all of the result in one statement, and commit.
//!
//! A new key is inserted, never written over: if another account, or a release, has taken the key since step 2, the
//! transaction fails and begins again, and then finds its record. An account is locked before any row of another table,
//! and only one in each transaction. Old entries are folded in transactions that lock the account too (`folding.rs`).
//!
//! Invariant: the entries of an account add up to its balance; a key has one record, which never moves to another account.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use jiff::Timestamp;
use neuropod_core::money::billing::{Draw, Drawn, EntryOptions, Hold, Posting, Spent};
use neuropod_core::money::{AccountKind, Balance, LedgerEntry};
use neuropod_core::{Error, Money, Result, UserId};
use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, PgExecutor, Postgres, QueryBuilder, Row};
use tokio::time::sleep;

use super::database::{Database, Written, failed};
use super::failure as postgres;
use super::names;
use super::text::column;
use crate::account::{self, Change, Decision, Keys, Known, Record};
use crate::locks::AccountLocks;
use crate::sql::{self, kind_text, microseconds_from, stored_number, whole_microseconds};
use crate::{input, json};

/// The accounts in a database.
pub(super) struct Ledger {
    pub(super) database: Database,
    pub(super) locks: AccountLocks,
}

/// An account as it is stored.
pub(super) struct Account {
    balance: Balance,
    /// The number of its last entry.
    last_entry: u64,
}

/// The record of a key as it is stored.
pub(super) struct StoredRecord {
    pub(super) key: String,
    text: String,
    pub(super) record: Record,
}

impl Ledger {
    pub(super) fn new(database: Database) -> Self {
        Self {
            database,
            locks: AccountLocks::default(),
        }
    }

    pub(super) async fn open(&self, user: &UserId, kind: AccountKind) -> Result<()> {
        let statement = sqlx::query(
            "INSERT INTO accounts (user_id, kind, available, held, spent, spent_before, last_entry) \
             VALUES ($1, $2, 0, 0, 0, 0, 0) ON CONFLICT (user_id) DO UPDATE SET kind = excluded.kind",
        )
        .bind(column(user.as_str()))
        .bind(kind_text(kind));
        self.database.write(statement).await.map(drop)
    }

    pub(super) async fn balance(&self, user: &UserId) -> Result<Balance> {
        let found = self.database.within(async {
            let mut connection = self.database.connection().await?;
            find_account(&mut *connection, user, false).await
        });
        let account = found.await?.ok_or_else(account::no_account)?;
        Ok(account.balance)
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

    /// Ends a hold. A key without a record is closed.
    pub(super) async fn release(&self, key: &str, now: Timestamp) -> Result<()> {
        loop {
            let found = self.record(key).await?;
            if let Some(user) = found.as_ref().and_then(Record::user) {
                let release = |known: Known<'_>| account::release(key, known.key, known.balance);
                return self.change(user, Keys::only(key), now, release).await;
            }
            account::release(key, found.as_ref(), None)?;
            if found.is_some() || self.close(key).await? {
                return Ok(());
            }
        }
    }

    async fn record(&self, key: &str) -> Result<Option<Record>> {
        let query = sqlx::query_scalar("SELECT record FROM keys WHERE key = $1");
        let text: Option<String> = self.database.value(query.bind(column(key))).await?;
        text.as_deref().map(json::parse).transpose()
    }

    /// Closes a key without a record. Returns `false` if it has got one meanwhile.
    async fn close(&self, key: &str) -> Result<bool> {
        let statement = sqlx::query("INSERT INTO keys (key, record) VALUES ($1, $2)")
            .bind(column(key))
            .bind(json::to_text(&Record::Closed)?);
        Ok(self.database.write(statement).await? == Written::Rows(1))
    }

    pub(super) async fn entries(&self, user: &UserId, options: &EntryOptions) -> Result<Vec<LedgerEntry>> {
        input::entries_limit(options.limit)?;
        let mut query = QueryBuilder::<Postgres>::new("SELECT document FROM entries WHERE user_id = ");
        query.push_bind(column(user.as_str()));
        query
            .push(" AND number > ")
            .push_bind(stored_number(options.after));
        if let Some(from) = options.from {
            query.push(" AND at >= ").push_bind(microseconds_from(from));
        }
        if let Some(until) = options.until {
            query.push(" AND at < ").push_bind(microseconds_from(until));
        }
        query
            .push(" ORDER BY number LIMIT ")
            .push_bind(i64::from(options.limit));
        let mut entries: Vec<LedgerEntry> = self.database.documents(query.build_query_scalar()).await?;
        if entries.is_empty() {
            // Fails if the user has no account.
            self.balance(user).await?;
        }
        names::add(&self.database, &mut entries).await?;
        Ok(entries)
    }

    /// Changes an account as `decide` says.
    async fn change<T>(
        &self,
        user: &UserId,
        keys: Keys<'_>,
        now: Timestamp,
        decide: impl Fn(Known<'_>) -> Decision<T>,
    ) -> Result<T> {
        self.database
            .within(async {
                let _lock = self.locks.lock(user).await;
                let mut pauses = pauses().build();
                loop {
                    let mut connection = self.database.connection().await?;
                    match transact(&mut connection, user, keys, now, &decide).await {
                        Ok(value) => return Ok(value),
                        Err(error) => sleep(pause_after(failed(connection, error), &mut pauses)?).await,
                    }
                }
            })
            .await
    }
}

/// The pauses before a transaction that lost a race begins again. Each time another one has got ahead, so few are enough.
pub(super) fn pauses() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(1))
        .with_max_delay(Duration::from_millis(100))
        .with_max_times(8)
        .with_jitter()
}

/// The pause before a transaction that failed with `error` begins again; the error, if it should not.
pub(super) fn pause_after(error: Error, pauses: &mut impl Iterator<Item = Duration>) -> Result<Duration> {
    if postgres::lost_race(&error) {
        pauses.next().ok_or(error)
    } else {
        Err(error)
    }
}

async fn transact<T>(
    connection: &mut PgConnection,
    user: &UserId,
    keys: Keys<'_>,
    now: Timestamp,
    decide: impl Fn(Known<'_>) -> Decision<T>,
) -> Result<T> {
    let mut transaction = connection.begin().await.map_err(postgres::from_sqlx)?;
    let account = find_account(&mut *transaction, user, true).await?;
    let Keys { key, hold, folded } = keys;
    let searched = [Some(key), hold, folded].into_iter().flatten();
    let records = find_records(&mut *transaction, searched).await?;
    let record = |key: &str| {
        let key = column(key);
        let found = records.iter().find(|stored| stored.key == key);
        found.map(|stored| &stored.record)
    };
    let (value, change) = decide(Known {
        key: record(key),
        hold: hold.and_then(record),
        folded: folded.and_then(record),
        balance: account.as_ref().map(|account| account.balance),
    })?;
    if let (Some(change), Some(account)) = (change, account) {
        write(&mut transaction, user, account.last_entry, &records, change, now).await?;
        transaction.commit().await.map_err(postgres::from_sqlx)?;
    }
    Ok(value)
}

/// Reads an account; with `lock`, nobody else changes it until the end of the transaction.
pub(super) async fn find_account(
    connection: impl PgExecutor<'_>,
    user: &UserId,
    lock: bool,
) -> Result<Option<Account>> {
    const ACCOUNT: &str = "SELECT kind, available, held, spent_on, spent, spent_before, last_entry \
        FROM accounts WHERE user_id = $1";
    const LOCKED: &str = "SELECT kind, available, held, spent_on, spent, spent_before, last_entry \
        FROM accounts WHERE user_id = $1 FOR NO KEY UPDATE";
    let row = sqlx::query(if lock { LOCKED } else { ACCOUNT })
        .bind(column(user.as_str()))
        .fetch_optional(connection)
        .await
        .map_err(postgres::from_sqlx)?;
    row.as_ref().map(read_account).transpose()
}

fn read_account(row: &PgRow) -> Result<Account> {
    let number = |name| row.try_get::<i64, _>(name).map_err(postgres::from_sqlx);
    let money = |name| number(name).map(Money::from_micros);
    let kind: String = row.try_get("kind").map_err(postgres::from_sqlx)?;
    let spent_on: Option<String> = row.try_get("spent_on").map_err(postgres::from_sqlx)?;
    let spent = match spent_on {
        Some(day) => Some(Spent {
            day: sql::day(&day)?,
            amount: money("spent")?,
            before: money("spent_before")?,
        }),
        None => None,
    };
    Ok(Account {
        balance: Balance {
            kind: sql::account_kind(&kind)?,
            available: money("available")?,
            held: money("held")?,
            spent,
        },
        last_entry: number("last_entry")?.unsigned_abs(),
    })
}

/// The records of these keys that are there.
pub(super) async fn find_records(
    connection: impl PgExecutor<'_>,
    keys: impl Iterator<Item = &str> + Send,
) -> Result<Vec<StoredRecord>> {
    let keys: Vec<_> = keys.map(column).collect();
    let rows: Vec<(String, String)> = sqlx::query_as("SELECT key, record FROM keys WHERE key = ANY ($1)")
        .bind(keys)
        .fetch_all(connection)
        .await
        .map_err(postgres::from_sqlx)?;
    let records = rows.into_iter().map(|(key, text)| {
        Ok(StoredRecord {
            record: json::parse(&text)?,
            key,
            text,
        })
    });
    records.collect()
}

/// Writes a change: the balance, the new entries, the records of keys. `known` are the records that were found.
async fn write(
    connection: &mut PgConnection,
    user: &UserId,
    last_entry: u64,
    known: &[StoredRecord],
    change: Change,
    now: Timestamp,
) -> Result<()> {
    const WRITE: &str = "WITH changed AS ( \
            UPDATE accounts SET available = $2, held = $3, spent_on = $4, spent = $5, spent_before = $6, last_entry = $7 \
            WHERE user_id = $1 \
        ), added AS ( \
            INSERT INTO entries (user_id, number, at, document) \
            SELECT $1, new.number, $8, new.document FROM unnest($9::bigint[], $10::text[]) AS new (number, document) \
        ), rewritten AS ( \
            UPDATE keys SET record = new.record FROM unnest($11::text[], $12::text[]) AS new (key, record) \
            WHERE keys.key = new.key \
        ) \
        INSERT INTO keys (key, record) SELECT * FROM unnest($13::text[], $14::text[])";
    let Change {
        balance,
        entries,
        records,
    } = change;
    let at = whole_microseconds(now);
    let mut numbers = Vec::new();
    let mut documents = Vec::new();
    for (number, new) in (last_entry + 1..).zip(entries) {
        numbers.push(stored_number(number));
        documents.push(json::write(&new.into_entry(number, at))?);
    }
    let (changed, new) = columns(known, &records)?;
    let last_entry = numbers.last().copied().unwrap_or(stored_number(last_entry));
    sqlx::query(WRITE)
        .bind(column(user.as_str()))
        .bind(balance.available.micros())
        .bind(balance.held.micros())
        .bind(balance.spent.map(|spent| spent.day.to_string()))
        .bind(balance.spent.map_or(0, |spent| spent.amount.micros()))
        .bind(balance.spent.map_or(0, |spent| spent.before.micros()))
        .bind(last_entry)
        .bind(at.as_microsecond())
        .bind(numbers)
        .bind(documents)
        .bind(changed.keys)
        .bind(changed.texts)
        .bind(new.keys)
        .bind(new.texts)
        .execute(connection)
        .await
        .map(drop)
        .map_err(postgres::from_sqlx)
}

/// The records that replace known ones, and those that are new.
pub(super) fn columns(known: &[StoredRecord], records: &[(String, Record)]) -> Result<(Records, Records)> {
    let (mut changed, mut new) = (Records::default(), Records::default());
    for (key, record) in records {
        let key = column(key);
        match known.iter().find(|stored| stored.key == key) {
            Some(stored) => changed.push(&key, json::rewrite_record(&stored.text, &stored.record, record)?),
            None => new.push(&key, json::to_text(record)?),
        }
    }
    Ok((changed, new))
}

/// Columns of the table of keys.
#[derive(Default)]
pub(super) struct Records {
    pub(super) keys: Vec<String>,
    pub(super) texts: Vec<String>,
}

impl Records {
    fn push(&mut self, key: &str, text: String) {
        self.keys.push(key.to_owned());
        self.texts.push(text);
    }
}
