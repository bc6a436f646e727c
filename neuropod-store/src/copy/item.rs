//! Records in the form that all stores have in common.

use neuropod_core::money::AccountKind;
use neuropod_core::money::billing::{Balance, Spent};
use neuropod_core::{Error, ErrorKind, Money, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::shape::stored::Stored;

/// A kind of record. Each store keeps each in a table or collection of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Users,
    RemovedUsers,
    Templates,
    Prices,
    Pods,
    PodNames,
    Requests,
    Accounts,
    Entries,
    Keys,
    Audit,
}

impl Kind {
    /// All kinds, accounts before their entries.
    pub(crate) const ALL: [Self; 11] = [
        Self::Users,
        Self::RemovedUsers,
        Self::Templates,
        Self::Prices,
        Self::Pods,
        Self::PodNames,
        Self::Requests,
        Self::Accounts,
        Self::Entries,
        Self::Keys,
        Self::Audit,
    ];

    /// The word for several records.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::RemovedUsers => "deleted users",
            Self::Templates => "templates",
            Self::Prices => "price lists",
            Self::Pods => "pods",
            Self::PodNames => "names of old pods",
            Self::Requests => "past requests",
            Self::Accounts => "accounts",
            Self::Entries => "ledger entries",
            Self::Keys => "keys of money",
            Self::Audit => "audit entries",
        }
    }

    /// The word for one record.
    pub(crate) fn singular(self) -> &'static str {
        match self {
            Self::Users => "user",
            Self::RemovedUsers => "deleted user",
            Self::Templates => "template",
            Self::Prices => "price list",
            Self::Pods => "pod",
            Self::PodNames => "name of the old pod",
            Self::Requests => "past request",
            Self::Accounts => "account",
            Self::Entries => "ledger entry",
            Self::Keys => "key of money",
            Self::Audit => "audit entry",
        }
    }

    /// Adds the name of a record to an error.
    pub(crate) fn failure(self, id: &Id, error: Error) -> Error {
        let Id { text, number } = id;
        let name = match self {
            Self::Prices => number.to_string(),
            Self::Entries => format!("{number} of {text}"),
            _ => text.clone(),
        };
        error.with_context(self.singular(), name)
    }
}

/// The identity of a record within its kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Id {
    /// The id, the key, or the user of an account and its entries; empty for price lists.
    pub(crate) text: String,
    /// The number of an entry or the version of a price list; otherwise 0.
    pub(crate) number: i64,
}

#[cfg(any(test, feature = "mongo"))]
impl Id {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            number: 0,
        }
    }
}

/// A record. It may contain secrets.
#[derive(Clone)]
pub(crate) struct Item {
    pub(crate) id: Id,
    /// The document in its present layout, with the fields that this version does not know: a shape of `shape/`, an
    /// [`AccountShape`], a record of `account/`, the name of an old pod, or null for a deleted user.
    pub(crate) document: Value,
}

impl Item {
    /// The value in the document.
    pub(crate) fn read<D: Stored>(&self) -> Result<D> {
        D::Shape::deserialize(&self.document)
            .map(D::from_shape)
            .map_err(unreadable)
    }

    /// The account in the document.
    pub(crate) fn account(&self) -> Result<AccountShape> {
        AccountShape::deserialize(&self.document).map_err(unreadable)
    }
}

/// An account, without what only one store needs.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AccountShape {
    kind: AccountKind,
    available: Money,
    held: Money,
    spent: Option<Spent>,
    /// The number of the last entry; 0: there is none.
    pub(crate) last_entry: u64,
}

impl AccountShape {
    #[cfg(feature = "mongo")]
    pub(crate) fn new(balance: Balance, last_entry: u64) -> Self {
        let Balance {
            kind,
            available,
            held,
            spent,
        } = balance;
        Self {
            kind,
            available,
            held,
            spent,
            last_entry,
        }
    }

    pub(crate) fn balance(&self) -> Balance {
        Balance {
            kind: self.kind,
            available: self.available,
            held: self.held,
            spent: self.spent,
        }
    }
}

/// The tree of a value.
pub(crate) fn to_tree(value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| {
        Error::new(ErrorKind::Unexpected, "the document can't be written as JSON").with_source(error)
    })
}

pub(crate) fn unreadable(error: serde_json::Error) -> Error {
    Error::new(
        ErrorKind::Unexpected,
        "a stored document can't be read by this version",
    )
    .with_source(error)
}
