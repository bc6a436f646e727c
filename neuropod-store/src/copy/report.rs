//! What was copied.

use neuropod_core::Money;

/// The records that were copied and compared, and the sums of the money in them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CopyReport {
    /// All kinds of records, in the order in which they are copied.
    pub kinds: Vec<CopiedKind>,
    /// The sum that is available in all accounts, equal in both stores.
    pub available: Money,
    /// The sum that is held in all accounts, equal in both stores.
    pub held: Money,
    /// The sum of the amounts of all ledger entries, equal in both stores.
    pub booked: Money,
    /// The accounts whose entries do not add up to their balance, in both stores alike. A sound ledger has none.
    pub unbalanced: u64,
}

/// The records of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopiedKind {
    /// The English name, such as `pods`.
    pub name: &'static str,
    /// The number of records that were written; 0 if the stores were only compared.
    pub copied: u64,
    /// The number of records that were read from both stores and were equal.
    pub compared: u64,
}
