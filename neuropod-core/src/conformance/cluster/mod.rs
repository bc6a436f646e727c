//! What a [`ClusterBackend`](crate::ClusterBackend) must do.
//!
//! A backend talks to a cluster whose scheduler and kubelet do things on their own. The suite asks a [`Stage`] to make
//! them do it: one for a real API server writes the status that a kubelet would write, one for a simulated cluster
//! scripts it, one for a real node does it and waits.
//!
//! Every check makes workloads of its own with names that nobody else has, and removes them at the end, so that the
//! suite runs on a shared cluster. [`run`] is the whole suite but for what not every stage can do: [`logs`](fn@logs)
//! needs containers that print, [`quota`](fn@quota) a namespace per user.

mod details;
mod fixture;
mod logs;
mod objects;
mod quota;
mod reasons;
mod removal;
mod stage;
mod suite;
mod watch;

pub use self::{
    logs::logs,
    quota::quota,
    stage::{Milestone, Stage},
    suite::{CHECKS, Check, run},
};
