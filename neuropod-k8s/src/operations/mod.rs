//! The operations on a cluster, one file for each. Each gets the [`Context`](crate::context::Context); none
//! calls back into the backend.

pub(crate) mod apply;
pub(crate) mod gpus;
pub(crate) mod inventory;
pub(crate) mod leases;
pub(crate) mod logs;
pub(crate) mod observe;
pub(crate) mod ownership;
pub(crate) mod prerequisites;
pub(crate) mod remove;
pub(crate) mod upkeep;
pub(crate) mod usage;
