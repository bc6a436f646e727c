//! The next actions for a pod: plain functions of its record, the observation of the cluster, and the time.
//!
//! [`reconcile`](fn@reconcile) returns the next actions. While the record does not yet say what is seen or intended, that
//! is one [`Action::Save`] and nothing else: an effect is always recorded before it is asked for, so that a crash at any
//! point leaves a record from which the next pass goes on. The result of an action is recorded by [`done`], [`drawn`] and
//! [`failed`].

mod action;
mod charges;
mod deadlines;
mod decide;
mod outcome;
mod record;
mod seen;
#[cfg(test)]
mod tests;
mod wait;

pub use self::{
    action::Action,
    deadlines::{ANSWER_SECONDS, Deadlines, GIVE_UP_SECONDS, STABLE_SECONDS, START_SECONDS, STOP_SECONDS},
    decide::reconcile,
    outcome::{done, drawn, failed},
};
pub(crate) use self::{charges::next_charge, outcome::unmade};
