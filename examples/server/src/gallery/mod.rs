//! The gallery of `--scenario`: pods in every state and with every failure of the simulated cluster, for
//! learning, testing pages, and demonstrations.
//!
//! A scenario is data (`scenarios.rs`). Its pod is created like any other, before the driver starts. Its
//! mishaps are injected into the cluster, and effects of time (an empty balance, an unpaid volume) are written
//! into its record. Everything after that is the platform's own work. `director.rs` follows the cluster and
//! causes events once a pod has got far enough.

mod choice;
mod director;
mod past;
mod scenarios;
mod stage;
#[cfg(test)]
mod tests;

pub use self::choice::{check, list, who};
pub(crate) use self::{
    choice::{max_pods, settings},
    stage::open,
};
