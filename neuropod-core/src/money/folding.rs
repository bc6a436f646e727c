//! Folding of old ledger entries: an optional power of a [`Billing`](crate::Billing).

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::kind::Result;

/// Folds old entries of a ledger, so that it does not grow by dozens of entries for each pod and day for ever.
///
/// Entries of the kinds `Usage`, `WriteOff`, `Hold` and `Release` that name a pod and have no note are folded: those of
/// one kind, pod, day (UTC, [`LedgerEntry::day`](crate::money::LedgerEntry::day)), price and version of the price list
/// become one entry. It has the number, key and time of its last one, the sums of both amounts, the period from the first
/// beginning to the last end, and [`FoldedCharges`] in its details. Other entries stay as they are: deposits, corrections,
/// refunds and charges, usage without a period, and usage that
/// [`explain`](fn@crate::money::statement::explain) can't confirm. So balances,
/// [statements](crate::money::Statement) and explanations stay the same. To fold twice is to fold once.
///
/// The key of a charge is forgotten when the charge is folded. A process that repeats such a draw weeks later is refused
/// with `InvalidState`: the periods of a pod only go forward, and the ledger keeps the end of the last one that was
/// folded. The newest charge of each pod is never folded, because a record may still have it as its pending charge, and
/// its repetition must succeed.
///
/// A call may be dropped or fail half-way: accounts that were folded stay so, and the next call does the rest. Several
/// processes may fold at once, and while money is drawn. Someone who reads pages of entries meanwhile may see folded
/// entries once more on a later page. The suite `conformance::folding` (feature `conformance`) checks implementations.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> neuropod_core::Result<()> {
/// use jiff::Timestamp;
/// use neuropod_core::Result;
/// use neuropod_core::money::{Folded, LedgerFolding};
///
/// /// A ledger that is folded elsewhere, by a job of its database.
/// struct FoldedElsewhere;
///
/// #[async_trait::async_trait]
/// impl LedgerFolding for FoldedElsewhere {
///     async fn fold(&self, _before: Timestamp) -> Result<Folded> {
///         Ok(Folded::default())
///     }
/// }
///
/// let folded = FoldedElsewhere.fold(Timestamp::UNIX_EPOCH).await?;
/// assert_eq!((folded.accounts, folded.entries_removed), (0, 0));
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait LedgerFolding: Send + Sync + 'static {
    /// Folds the entries of all accounts that were booked before `before`. A day of which a part is later is folded in
    /// part, and goes on with the next call; a midnight (UTC) avoids that.
    ///
    /// # Errors
    /// Those of the store.
    async fn fold(&self, before: Timestamp) -> Result<Folded>;
}

/// The result of [`LedgerFolding::fold`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Folded {
    /// The number of accounts that have fewer entries now.
    pub accounts: u64,
    /// The number of entries that are gone, because others stand for them.
    pub entries_removed: u64,
    /// The number of keys that were forgotten.
    pub keys_removed: u64,
}

impl Folded {
    /// A result with these numbers.
    pub fn new(accounts: u64, entries_removed: u64, keys_removed: u64) -> Self {
        Self {
            accounts,
            entries_removed,
            keys_removed,
        }
    }
}

/// The entries that a folded entry stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FoldedCharges {
    /// Their number.
    pub entries: u64,
    /// The sum of the whole seconds of their periods, which may have gaps between them.
    pub seconds: i64,
}
