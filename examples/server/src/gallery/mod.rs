//! The gallery of `--scenario`: pods in every state and with every failure that the simulated cluster knows, to learn
//! what each means, to try a page on, and to look at.
//!
//! A scenario is data (`scenarios.rs`). Its pod is created as any other, before the driver starts; what stands in its
//! way is told to the cluster, and what only time would bring (a balance that ran out, a volume that nobody paid for) is
//! written into its record. From then on everything is the platform's own work. `director.rs` follows the cluster, and
//! does what has to wait until a pod got far enough.

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
