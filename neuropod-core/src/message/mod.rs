//! Every text for people, in Spanish and English, in one place.

mod failure;
mod language;
mod money;
mod problem;
mod quota;
mod reason;
mod remedy;
mod setup;
mod step;

pub use self::{
    failure::error,
    language::Language,
    money::{charge, low_balance, volume_at_risk},
    problem::problem,
    reason::{reason, reason_of},
    remedy::{remedy, remedy_of},
    setup::unmatched_gpu,
    step::step,
};
