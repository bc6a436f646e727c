//! Checks for every [`ClusterBackend`](crate::ClusterBackend).
//!
//! The scheduler and the kubelet of a cluster act on their own. The suite asks a [`Stage`] to direct them: with
//! a real API server it writes the status that a kubelet would write, with a simulated cluster it injects
//! events, and with a real node it causes them and waits.
//!
//! Every check creates workloads with unique names and removes them at the end, so the suite can run on a
//! shared cluster. [`run`] is the suite without the parts that not every stage supports: [`logs`](fn@logs)
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
