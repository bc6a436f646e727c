//! Checks for every [`LedgerFolding`](crate::money::LedgerFolding).
//!
//! Folding concerns all accounts, so no other suite may run on the same store meanwhile. The store has to be on a clock that
//! goes on by itself.

mod fixture;
pub mod keys;
mod suite;
pub mod sums;
pub mod together;

pub use self::fixture::Books;
pub use self::suite::{run, run_long};
