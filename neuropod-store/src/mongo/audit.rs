//! The audit log.

use jiff::Timestamp;
use mongodb::bson::{Document, doc};
use neuropod_core::Result;
use neuropod_core::store::audit::{AuditCursor, AuditEntry, AuditOptions, AuditPage};

use super::codec::{Encoded, moment, moment_from};
use super::failure as mongo;
use super::server::{Server, find, replace, within};
use crate::input::{self, folded};

impl Encoded for AuditEntry {
    const DATES: &'static [&'static str] = &["at"];

    fn search_fields(&self) -> Document {
        // The searchable texts, in lower case.
        doc! { "who": self.who_keys(), "whom": self.whom_keys() }
    }
}

pub(super) async fn record(server: &Server, entry: &AuditEntry) -> Result<()> {
    let document = entry.write()?;
    match within(server.audit.insert_one(&document)).await {
        Ok(_) => Ok(()),
        Err(error) if mongo::is_duplicate(&error) => {
            let open = doc! { "_id": entry.id.as_str(), "outcome.kind": { "$ne": "done" } };
            replace(&server.audit, open, document).await.map(drop)
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn page(server: &Server, options: &AuditOptions) -> Result<AuditPage> {
    input::audit_limit(options.limit)?;
    let mut filter = Document::new();
    if let Some(action) = options.action {
        filter.insert("action", action.as_str());
    }
    if let Some(who) = &options.who {
        filter.insert("who", folded(who));
    }
    if let Some(whom) = &options.whom {
        filter.insert("whom", folded(whom));
    }
    let mut time = Document::new();
    if let Some(from) = options.from {
        time.insert("$gte", moment_from(from));
    }
    if let Some(until) = options.until {
        time.insert("$lt", moment_from(until));
    }
    if !time.is_empty() {
        filter.insert("at", time);
    }
    if let Some(AuditCursor { at, id }) = &options.after {
        let at = moment(*at);
        let older = doc! { "at": { "$lt": at } };
        let as_old = doc! { "at": at, "_id": { "$lt": id.as_str() } };
        filter.insert("$or", [older, as_old]);
    }
    // One document more than the limit shows whether there is a next page.
    let sort = doc! { "at": -1, "_id": -1 };
    let documents = find(&server.audit, filter, sort, i64::from(options.limit) + 1).await?;

    let limit = options.limit as usize;
    let is_last = documents.len() <= limit;
    let page = documents.into_iter().take(limit).map(AuditEntry::read);
    let entries = page.collect::<Result<Vec<AuditEntry>>>()?;
    let last = entries.last().filter(|_| !is_last);
    let next = last.map(|entry| AuditCursor {
        at: entry.at,
        id: entry.id.clone(),
    });
    Ok(AuditPage::new(entries, next))
}

pub(super) async fn forget(server: &Server, time: Timestamp) -> Result<()> {
    let old = doc! { "at": { "$lt": moment_from(time) } };
    within(server.audit.delete_many(old)).await.map(drop)
}
