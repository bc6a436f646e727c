//! The calls of applications: the methods of [`Platform`](super::Platform), a file for each subject.
//!
//! Every call checks the permissions of its actor, writes the intention into the store, wakes the driver and
//! returns.

mod accept;
mod accounts;
mod audit;
mod cluster;
mod create;
mod credit;
mod health;
mod lifecycle;
mod plan;
mod prices;
mod query;
mod subscribe;
mod templates;
mod user_limits;
mod users;

pub use self::audit::AuditEvent;
pub use self::health::{Health, StoreHealth};
pub use self::plan::Plan;
pub use self::subscribe::Update;
