//! Accounts and their ledger.

use jiff::Timestamp;
use neuropod_core::money::billing::{Draw, Drawn, EntryOptions, Hold, Posting, Spent};
use neuropod_core::money::{AccountKind, Balance, LedgerEntry};
use neuropod_core::{Money, Result, UserId};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, SqliteExecutor};

use super::database::Database;
use super::failure as sqlite;
use crate::account::{self, Change, Known, Record};
use crate::input;
use crate::json;
use crate::sql::{self, kind_text, microseconds_from, stored_number, whole_microseconds};

pub(super) async fn open(database: &Database, user: &UserId, kind: AccountKind) -> Result<()> {
    let statement = sqlx::query(
        "INSERT INTO accounts (user, kind, available, held) VALUES (?, ?, 0, 0) \
         ON CONFLICT (user) DO UPDATE SET kind = excluded.kind",
    )
    .bind(user.to_string())
    .bind(kind_text(kind));
    database.write(statement).await.map(drop)
}

pub(super) async fn balance(database: &Database, user: &UserId) -> Result<Balance> {
    let balance = balance_of(database.readers(), user).await?;
    balance.ok_or_else(account::no_account)
}

pub(super) async fn post(database: &Database, posting: &Posting, now: Timestamp) -> Result<()> {
    let posting = posting.clone();
    let step = database.writer().step(move |step| {
        Box::pin(async move {
            let known = read_record(step, &posting.key).await?;
            let balance = balance_of(&mut *step, &posting.user).await?;
            let ((), change) = account::post(&posting, known.as_ref(), balance)?;
            write(step, &posting.user, change, now).await?;
            Ok(())
        })
    });
    step.await
}

pub(super) async fn hold(database: &Database, hold: &Hold, now: Timestamp) -> Result<()> {
    let hold = hold.clone();
    let step = database.writer().step(move |step| {
        Box::pin(async move {
            let known = read_record(step, &hold.key).await?;
            let balance = balance_of(&mut *step, &hold.user).await?;
            let ((), change) = account::hold(&hold, known.as_ref(), balance)?;
            write(step, &hold.user, change, now).await?;
            Ok(())
        })
    });
    step.await
}

pub(super) async fn draw(database: &Database, draw: &Draw, now: Timestamp) -> Result<Drawn> {
    let draw = draw.clone();
    let step = database.writer().step(move |step| {
        Box::pin(async move {
            let known = read_record(step, &draw.key).await?;
            let held = match &draw.hold {
                Some(hold) => read_record(step, hold).await?,
                None => None,
            };
            let folded = match Known::folded_key_of(&draw) {
                Some(key) if known.is_none() => read_record(step, &key).await?,
                _ => None,
            };
            let known = Known {
                key: known.as_ref(),
                hold: held.as_ref(),
                folded: folded.as_ref(),
                balance: balance_of(&mut *step, &draw.user).await?,
            };
            let (drawn, change) = account::draw(&draw, known)?;
            write(step, &draw.user, change, now).await?;
            Ok(drawn)
        })
    });
    step.await
}

pub(super) async fn release(database: &Database, key: &str, now: Timestamp) -> Result<()> {
    end_hold(database, key, now, account::release).await
}

/// Ends a hold as `decide` says. A key without a record is closed, if `decide` allows it.
async fn end_hold(
    database: &Database,
    key: &str,
    now: Timestamp,
    decide: impl FnOnce(&str, Option<&Record>, Option<Balance>) -> account::Decision<()> + Send + 'static,
) -> Result<()> {
    let key = key.to_owned();
    let step = database.writer().step(move |step| {
        Box::pin(async move {
            let known = read_record(step, &key).await?;
            let user = known.as_ref().and_then(Record::user);
            let balance = match user {
                Some(user) => balance_of(&mut *step, user).await?,
                None => None,
            };
            let ((), change) = decide(&key, known.as_ref(), balance)?;
            match (user, &known) {
                (Some(user), _) => write(step, user, change, now).await,
                (None, Some(_)) => Ok(()),
                (None, None) => write_record(step, &key, &Record::Closed).await,
            }
        })
    });
    step.await
}

pub(super) async fn entries(
    database: &Database,
    user: &UserId,
    options: &EntryOptions,
) -> Result<Vec<LedgerEntry>> {
    input::entries_limit(options.limit)?;
    let mut query = QueryBuilder::<Sqlite>::new("SELECT document FROM entries WHERE user = ");
    query.push_bind(user.as_str());
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
    let texts: Vec<String> = query
        .build_query_scalar()
        .fetch_all(database.readers())
        .await
        .map_err(sqlite::from_sqlx)?;
    if texts.is_empty() {
        // Fails if the user has no account.
        balance(database, user).await?;
    }
    let mut entries = texts
        .iter()
        .map(|text| json::read(text))
        .collect::<Result<Vec<_>>>()?;
    name_pods(database, &mut entries).await?;
    Ok(entries)
}

/// Adds the names of pods to entries of earlier versions, if the migration of the tables recorded them.
async fn name_pods(database: &Database, entries: &mut [LedgerEntry]) -> Result<()> {
    let nameless = account::pods_without_name(entries);
    if nameless.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::<Sqlite>::new("SELECT pod, name FROM pod_names WHERE pod IN (");
    let mut ids = query.separated(", ");
    for pod in &nameless {
        ids.push_bind(pod.as_str());
    }
    query.push(")");
    let rows: Vec<(String, String)> = query
        .build_query_as()
        .fetch_all(database.readers())
        .await
        .map_err(sqlite::from_sqlx)?;
    account::name_pods(entries, &rows.into_iter().collect());
    Ok(())
}

async fn balance_of(connection: impl SqliteExecutor<'_>, user: &UserId) -> Result<Option<Balance>> {
    const ACCOUNT: &str =
        "SELECT kind, available, held, spent_on, spent, spent_before FROM accounts WHERE user = ?";
    let row = sqlx::query(ACCOUNT)
        .bind(user.as_str())
        .fetch_optional(connection)
        .await
        .map_err(sqlite::from_sqlx)?;
    row.as_ref().map(read_balance).transpose()
}

fn read_balance(row: &SqliteRow) -> Result<Balance> {
    let money = |column| row.try_get(column).map(Money::from_micros);
    let kind: String = row.try_get("kind").map_err(sqlite::from_sqlx)?;
    let spent_on: Option<String> = row.try_get("spent_on").map_err(sqlite::from_sqlx)?;
    let spent = match spent_on {
        Some(day) => Some(Spent {
            day: sql::day(&day)?,
            amount: money("spent").map_err(sqlite::from_sqlx)?,
            before: money("spent_before").map_err(sqlite::from_sqlx)?,
        }),
        None => None,
    };
    Ok(Balance {
        kind: sql::account_kind(&kind)?,
        available: money("available").map_err(sqlite::from_sqlx)?,
        held: money("held").map_err(sqlite::from_sqlx)?,
        spent,
    })
}

/// The record of this key.
pub(super) async fn read_record(step: &mut SqliteConnection, key: &str) -> Result<Option<Record>> {
    let text: Option<String> = sqlx::query_scalar("SELECT record FROM keys WHERE key = ?")
        .bind(key)
        .fetch_optional(&mut *step)
        .await
        .map_err(sqlite::from_sqlx)?;
    text.as_deref().map(json::parse).transpose()
}

/// Stores the record of a key.
pub(super) async fn write_record(step: &mut SqliteConnection, key: &str, record: &Record) -> Result<()> {
    // Keeps fields that a later version added to the record.
    let statement = sqlx::query(
        "INSERT INTO keys (key, record) VALUES (?, ?) \
         ON CONFLICT (key) DO UPDATE SET record = json_patch(record, excluded.record)",
    );
    run(step, statement.bind(key.to_owned()).bind(json::to_text(record)?)).await
}

/// Writes a change: the balance, the new entries, the records of keys.
async fn write(
    step: &mut SqliteConnection,
    user: &UserId,
    change: Option<Change>,
    now: Timestamp,
) -> Result<()> {
    let Some(Change {
        balance,
        entries,
        records,
    }) = change
    else {
        return Ok(());
    };
    let statement = sqlx::query(
        "UPDATE accounts SET available = ?, held = ?, spent_on = ?, spent = ?, spent_before = ? WHERE user = ?",
    )
    .bind(balance.available.micros())
    .bind(balance.held.micros())
    .bind(balance.spent.map(|spent| spent.day.to_string()))
    .bind(balance.spent.map_or(0, |spent| spent.amount.micros()))
    .bind(balance.spent.map_or(0, |spent| spent.before.micros()))
    .bind(user.to_string());
    run(step, statement).await?;

    let last: i64 = sqlx::query_scalar("SELECT coalesce(max(number), 0) FROM entries WHERE user = ?")
        .bind(user.as_str())
        .fetch_one(&mut *step)
        .await
        .map_err(sqlite::from_sqlx)?;
    // Rounded like the column that is searched.
    let at = whole_microseconds(now);
    for (number, new) in (last.unsigned_abs() + 1..).zip(entries) {
        let entry = new.into_entry(number, at);
        run(step, entry_row(user.as_str(), &entry, json::write(&entry)?)).await?;
    }
    for (key, record) in &records {
        write_record(step, key, record).await?;
    }
    Ok(())
}

/// The statement that adds an entry with this document.
pub(super) fn entry_row(
    user: &str,
    entry: &LedgerEntry,
    document: String,
) -> Query<'static, Sqlite, SqliteArguments> {
    sqlx::query("INSERT INTO entries (user, number, at, document) VALUES (?, ?, ?, ?)")
        .bind(user.to_owned())
        .bind(stored_number(entry.number))
        .bind(entry.at.as_microsecond())
        .bind(document)
}

pub(super) async fn run(
    step: &mut SqliteConnection,
    statement: Query<'_, Sqlite, SqliteArguments>,
) -> Result<()> {
    let done = statement.execute(step).await;
    done.map(drop).map_err(sqlite::from_sqlx)
}
