//! Money under load: many tasks change a few accounts at random, and the ledger must explain every result.
//!
//! [`random_operations`] is one of the checks of the suite; [`run`] does the same with any number of
//! operations. To test a process that is killed in the middle, that process writes each event of [`Load::run`]
//! to a file, and another process passes them all to [`Load::check`].

mod call_result;
mod consistency;
mod journal;
mod ledger;
mod operation;
mod runner;

pub use self::{
    call_result::CallResult,
    journal::LoadEvent,
    operation::Operation,
    runner::{Load, random_operations, run},
};
