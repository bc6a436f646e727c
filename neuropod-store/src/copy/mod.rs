//! Moves everything from one store to another.
//!
//! Stop every platform on the source first, and keep a backup. The target has to be empty.
//!
//! ```no_run
//! use neuropod_store::PostgresOptions;
//! use neuropod_store::copy::{Address, copy};
//!
//! # async fn example() -> neuropod_core::Result<()> {
//! let from = Address::sqlite("neuropod.db");
//! let to = Address::postgres(PostgresOptions::new("postgres://neuropod@db.example.com/neuropod"));
//! let report = copy(&from, &to).await?;
//! for kind in &report.kinds {
//!     println!("{}: {}", kind.name, kind.compared);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What is copied are documents, so that fields of later versions stay; those of earlier layouts come in the present one. The
//! keys of money go with them: a change that is repeated after the move counts once. Records are read and written by the
//! hundred, in transactions where a store has them.
//!
//! At the end every record is read from both stores again and compared, and so are the sums of each account, which the target
//! is asked for as a platform asks.
//!
//! # Invariants
//!
//! - Half a copy can't be used: the target is marked before the first record and until all are compared. No store opens it
//!   meanwhile; [`copy`] empties it and begins anew.
//! - The source does not change: a SQLite file and a PostgreSQL database are locked. A change of MongoDB is found at the end.
//!
//! # What differs
//!
//! MongoDB has dates of documents to the millisecond, so what is copied into it loses what is finer. Fields of later versions
//! that are dates or ids in MongoDB are texts after a copy. The collection `unmigrated`, which is for people, is not copied.

mod address;
mod books;
pub(crate) mod ends;
pub(crate) mod item;
mod report;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) mod rows;
#[cfg(test)]
mod tests;
mod transfer;

use neuropod_core::Result;

pub use self::address::Address;
use self::ends::{Source, Target};
pub use self::report::{CopiedKind, CopyReport};

/// Copies everything from one store to another, and compares both at the end.
///
/// # Errors
/// `AlreadyExists`: the target is not empty. `NotFound`: the source is. `Conflict`: the source was changed during the copy.
/// `Unexpected`: a record can't be read by this version, or differs at the end; the error names it. `NotConfigured`: a store
/// can't be opened, or the source is itself a copy that is not finished. Others are those of the stores.
///
/// After any error but the first two, the target can't be used until the copy is repeated and done.
pub async fn copy(from: &Address, to: &Address) -> Result<CopyReport> {
    let target = open_target(to).await?;
    let result = copy_into(target.as_ref(), from).await;
    target.close().await;
    result
}

async fn copy_into(target: &dyn Target, from: &Address) -> Result<CopyReport> {
    transfer::check_free(target).await?;
    let mut source = open_source(from).await?;
    let result = transfer::copy(source.as_mut(), target).await;
    source.close().await;
    result
}

/// Compares two stores as [`copy`] does at its end, and changes neither.
///
/// # Errors
/// `Unexpected`: a record or the sum of an account differs, or can't be read by this version. Others are those of the stores.
pub async fn compare(from: &Address, to: &Address) -> Result<CopyReport> {
    let target = open_target(to).await?;
    let result = compare_with(target.as_ref(), from).await;
    target.close().await;
    result
}

async fn compare_with(target: &dyn Target, from: &Address) -> Result<CopyReport> {
    let mut source = open_source(from).await?;
    let result = transfer::compare(source.as_mut(), target, None).await;
    source.close().await;
    result
}

async fn open_source(address: &Address) -> Result<Box<dyn Source>> {
    let source = address.open_source().await;
    source.map_err(|error| error.with_context("store", "source"))
}

async fn open_target(address: &Address) -> Result<Box<dyn Target>> {
    let target = address.open_target().await;
    target.map_err(|error| error.with_context("store", "target"))
}
