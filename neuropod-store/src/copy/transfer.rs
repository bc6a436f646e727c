//! Copies all records, batch by batch, and compares them at the end.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use futures::TryStreamExt;
use futures::stream::BoxStream;
use neuropod_core::{Error, ErrorKind, Result};
use serde_json::Value;
use tokio::time::timeout;

use super::books::Books;
use super::ends::{Source, Target};
use super::item::{Id, Item, Kind};
use super::report::{CopiedKind, CopyReport};

/// The most records in memory at a time.
const BATCH: usize = 500;
/// How long a step may take. Sorting a large collection for the first batch may take long, and nobody waits.
const PATIENCE: Duration = Duration::from_mins(2);

/// Fails if the store has records that no unfinished copy has written.
pub(super) async fn check_free(to: &dyn Target) -> Result<()> {
    if to.is_unfinished().await? {
        return Ok(());
    }
    let mut found = Vec::new();
    for kind in Kind::ALL {
        match to.count(kind).await? {
            0 => {}
            1 => found.push(format!("1 {}", kind.singular())),
            count => found.push(format!("{count} {}", kind.plural())),
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    let error = Error::new(ErrorKind::AlreadyExists, "the target of a copy has to be empty");
    Err(error.with_context("found", found.join(", ")))
}

/// Copies everything, and compares it.
pub(super) async fn copy(from: &mut dyn Source, to: &dyn Target) -> Result<CopyReport> {
    if is_empty(from).await? {
        return Err(Error::new(
            ErrorKind::NotFound,
            "there is nothing to copy: the source is empty",
        ));
    }
    within(to.begin()).await?;
    let mut copied = Vec::new();
    for kind in Kind::ALL {
        let mut seen = Seen::default();
        let mut records = from.records(kind);
        while let Some(items) = next_batch(&mut records).await? {
            for item in &items {
                seen.add(item);
            }
            within(to.write(kind, items)).await?;
        }
        copied.push(seen);
    }
    let report = compare(from, to, Some(&copied)).await?;
    within(to.finish()).await?;
    Ok(report)
}

async fn is_empty(from: &mut dyn Source) -> Result<bool> {
    for kind in Kind::ALL {
        if within(from.records(kind).try_next()).await?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Compares all records of both stores. `copied` is what was read while they were copied, by kind.
pub(super) async fn compare(
    from: &mut dyn Source,
    to: &dyn Target,
    copied: Option<&[Seen]>,
) -> Result<CopyReport> {
    let mut report = CopyReport::default();
    let mut books = Books::new(to.billing());
    for (place, kind) in Kind::ALL.into_iter().enumerate() {
        let copied = copied.and_then(|copied| copied.get(place));
        let compared = compare_kind(from, to, kind, copied, &mut books).await?;
        report.kinds.push(CopiedKind {
            name: kind.plural(),
            copied: copied.map_or(0, |copied| copied.count),
            compared,
        });
    }
    books.finish(&mut report);
    Ok(report)
}

/// Compares the records of a kind. Returns their number.
async fn compare_kind(
    from: &mut dyn Source,
    to: &dyn Target,
    kind: Kind,
    copied: Option<&Seen>,
    books: &mut Books<'_>,
) -> Result<u64> {
    let mut seen = Seen::default();
    let mut difference = None;
    let mut records = from.records(kind);
    while let Some(items) = next_batch(&mut records).await? {
        let ids = items.iter().map(|item| item.id.clone()).collect();
        let found = within(to.find(kind, ids)).await?;
        let found: HashMap<_, _> = found.into_iter().map(|item| (item.id, item.document)).collect();
        for item in items {
            seen.add(&item);
            if difference.is_none() {
                difference = check(to, kind, item, &found, books).await.err();
            }
        }
    }
    drop(records);
    if kind == Kind::Entries && difference.is_none() {
        difference = within(books.end_account()).await.err();
    }
    if copied.is_some_and(|copied| *copied != seen) {
        // A change of the source is why there are differences, and has to be told instead of them.
        let error = Error::new(
            ErrorKind::Conflict,
            "the source was changed during the copy: stop everything that uses it",
        );
        return Err(error.with_retryable(false).with_context("kind", kind.plural()));
    }
    if let Some(difference) = difference {
        return Err(difference);
    }
    let count = to.count(kind).await?;
    if count != seen.count {
        let message = format!(
            "the source has {} {}, the target {count}",
            seen.count,
            kind.plural()
        );
        return Err(Error::new(ErrorKind::Unexpected, message));
    }
    Ok(seen.count)
}

/// Compares a record with the one that was found in the target.
async fn check(
    to: &dyn Target,
    kind: Kind,
    item: Item,
    found: &HashMap<Id, Value>,
    books: &mut Books<'_>,
) -> Result<()> {
    let message = match found.get(&item.id) {
        Some(kept) if *kept == to.as_kept(kind, item.document.clone()) => {
            return within(books.add(kind, &item)).await;
        }
        Some(_) => "a record is not the same in both stores",
        None => "a record is missing in the target",
    };
    Err(kind.failure(&item.id, Error::new(ErrorKind::Unexpected, message)))
}

/// The next records; `None` at the end.
async fn next_batch(records: &mut BoxStream<'_, Result<Item>>) -> Result<Option<Vec<Item>>> {
    within(async {
        let mut batch = Vec::new();
        while batch.len() < BATCH
            && let Some(item) = records.try_next().await?
        {
            batch.push(item);
        }
        Ok((!batch.is_empty()).then_some(batch))
    })
    .await
}

async fn within<T>(step: impl Future<Output = Result<T>>) -> Result<T> {
    match timeout(PATIENCE, step).await {
        Ok(result) => result,
        Err(elapsed) => {
            let error = Error::new(ErrorKind::Timeout, "a store did not answer in time");
            Err(error.with_source(elapsed))
        }
    }
}

/// The number and a digest of records, whatever their order.
#[derive(Default, PartialEq, Eq)]
pub(super) struct Seen {
    count: u64,
    digest: u64,
}

impl Seen {
    fn add(&mut self, item: &Item) {
        let mut hasher = DefaultHasher::new();
        item.id.hash(&mut hasher);
        item.document.to_string().hash(&mut hasher);
        self.count += 1;
        self.digest = self.digest.wrapping_add(hasher.finish());
    }
}
