//! Folding of old entries: what a step reads, and what it writes. `ledger.rs` has the protocol.

use std::collections::HashMap;

use mongodb::bson::Document;
use neuropod_core::money::LedgerEntry;
use neuropod_core::money::billing::EntryOptions;
use neuropod_core::{Result, UserId};

use super::accounts::{self, Account, Folding, KeyRecord};
use super::codec::{Encoded, stored_number};
use super::keys::{self, Key};
use super::server::Server;
use crate::account::{self, Fold, Record};
use crate::folding::{Range, STEP};

/// Old entries of an account, and the keys of the pods that they charge.
pub(super) struct Old {
    documents: Vec<Document>,
    pub(super) entries: Vec<LedgerEntry>,
    keys: Vec<Key>,
    /// The records of those keys. One that another account has claimed counts as used by something else.
    pub(super) markers: HashMap<String, Record>,
}

impl Old {
    /// Reads the first entries of a range, of an account without a pending change.
    pub(super) async fn find(server: &Server, user: &UserId, range: Range) -> Result<Self> {
        let options = EntryOptions {
            after: range.after,
            from: Some(range.from),
            until: Some(range.before),
            limit: STEP,
        };
        let documents = accounts::entry_documents(server, user, &options).await?;
        let entries = documents
            .iter()
            .map(|document| LedgerEntry::read(document.clone()))
            .collect::<Result<Vec<_>>>()?;
        let (mut keys, mut markers) = (Vec::new(), HashMap::new());
        for pod in account::pods_of_charges(&entries) {
            let name = account::folded_key(&pod);
            let Some(key) = keys::get(server, &name).await? else {
                continue;
            };
            let record = match &key.record {
                None if !key.is_claimed_for(user) => Some(Record::Closed),
                record => record.clone(),
            };
            if let Some(record) = record {
                markers.insert(name, record);
            }
            keys.push(key);
        }
        Ok(Self {
            documents,
            entries,
            keys,
            markers,
        })
    }

    /// Claims the keys of new records. Returns `false` if another account has claimed one meanwhile.
    pub(super) async fn claim(&self, server: &Server, user: &UserId, fold: &Fold) -> Result<bool> {
        for (name, _) in &fold.records {
            let is_known = self.keys.iter().any(|key| key.has_name(name));
            if !is_known && !keys::claim(server, name, user).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The document of an entry that takes the place of a stored one.
    fn rewrite(&self, entry: &LedgerEntry) -> Result<Document> {
        let mut stored = self.entries.iter().zip(&self.documents);
        match stored.find(|(known, _)| known.number == entry.number) {
            Some((known, document)) => entry.rewrite(document.clone(), known),
            None => entry.write(),
        }
    }
}

/// Writes a step. Returns `false` if the account was changed since it was read; then nothing is written.
pub(super) async fn write(server: &Server, account: &Account, old: &Old, fold: Fold) -> Result<bool> {
    let Fold {
        replaced,
        removed,
        forgotten,
        records,
    } = fold;
    let read: Vec<_> = old.keys.iter().map(Some).collect();
    let folding = Folding {
        replaced: replaced
            .iter()
            .map(|entry| old.rewrite(entry))
            .collect::<Result<_>>()?,
        removed: removed.into_iter().map(stored_number).collect(),
        forgotten,
        records: records
            .into_iter()
            .map(|(key, record)| KeyRecord::new(key, &record, &read))
            .collect::<Result<_>>()?,
        ..Folding::default()
    };
    accounts::write_folding(server, account, folding).await
}
