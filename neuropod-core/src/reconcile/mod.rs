//! The next actions for a pod: plain functions of its record, the observation of the cluster, and the time.
//!
//! [`reconcile`](fn@reconcile) returns the next actions. While the record differs from the observation or the
//! intent, that is a single [`Action::Save`]: every effect is recorded before it is carried out, so after a
//! crash at any point the next pass continues from the record. [`done`], [`drawn`] and [`failed`] record the
//! result of an action.

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
