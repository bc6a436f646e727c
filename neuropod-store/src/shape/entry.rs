//! Entries of the ledger. The user is stored beside the document.

use jiff::Timestamp;
use neuropod_core::Money;
use neuropod_core::money::LedgerEntry;
use neuropod_core::money::billing::{Details, EntryKind};
use serde::{Deserialize, Serialize};

use super::layout::Layout;
use super::stored::Stored;

/// The document of an entry. Amounts are in micro-euros.
#[derive(Serialize, Deserialize)]
pub(crate) struct EntryShape {
    #[serde(default)]
    layout: Layout<2>,
    number: u64,
    key: String,
    kind: EntryKind,
    amount: Money,
    held: Money,
    at: Timestamp,
    details: Details,
}

impl Stored for LedgerEntry {
    type Shape = EntryShape;

    fn to_shape(&self) -> EntryShape {
        let Self {
            number,
            key,
            kind,
            amount,
            held,
            at,
            details,
        } = self.clone();
        EntryShape {
            layout: Layout,
            number,
            key,
            kind,
            amount,
            held,
            at,
            details,
        }
    }

    fn from_shape(shape: EntryShape) -> Self {
        let EntryShape {
            layout: _,
            number,
            key,
            kind,
            amount,
            held,
            at,
            details,
        } = shape;
        Self {
            number,
            key,
            kind,
            amount,
            held,
            at,
            details,
        }
    }
}
