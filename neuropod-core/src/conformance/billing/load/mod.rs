//! Money under load: many tasks change a few accounts at random, and the ledger must explain every result.
//!
//! [`random_operations`] is one of the checks of the suite, and [`run`] the same with as many operations as wanted. For
//! a process that is killed in the middle of it, there are the parts: that process writes each event of
//! [`Load::run`] where it survives, and another one passes all of them to [`Load::check`].

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
