//! The platform: the calls of applications, and the driver that carries out the stored intentions.
//!
//! A call checks the request, writes the intention into the store and returns. [`Platform::run`] is the driver:
//! it watches the cluster and brings every pod to the state in its record, however often it is interrupted. Any
//! number of processes may call and drive on one store and one cluster.
//!
//! Two independent parts use common structs:
//!
//! - `calls`: the methods of [`Platform`], a file for each subject.
//! - `driver`: the controller loop, its work queue, one reconcile pass over one pod, and the resync.
//! - Common to both are small structs: `Records` (the pods in the store), `Funds` (their holds and charges),
//!   `Admission` (checks of their owners), `Requests` (idempotency keys), `PriceBook`, `Departures` (users who
//!   are being deleted), `AuditTrail`, `FoldingSchedule` (old entries of the ledger), `Feed` (subscribers, each with a
//!   mailbox) and `Wakeups` (signals from calls to the driver).

mod absent;
mod admission;
mod assembly;
mod audit_trail;
mod builder;
mod calls;
mod departures;
mod driver;
mod feed;
mod funds;
mod handle;
mod ledger_folding;
mod mailbox;
mod price_book;
mod records;
mod requests;
mod rules;
mod run;
mod wakeups;

pub use self::builder::PlatformBuilder;
pub use self::calls::{AuditEvent, Health, Plan, StoreHealth, Update};
pub use self::handle::Platform;
