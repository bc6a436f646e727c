//! The platform: what an application calls, and the driver that makes it true.
//!
//! A call checks, writes what is wanted into the store and returns. [`Platform::run`] is the driver: it watches the
//! cluster and brings every pod to where its record says it should be, however often it is interrupted. Any number of
//! processes may call and drive on one store and one cluster.
//!
//! Two wings stand on common ground and do not know each other:
//!
//! - `calls`: the methods of [`Platform`], a file for each subject.
//! - `driver`: the controller loop, its work queue, one reconcile pass over one pod, and the resync.
//! - Below both are small structs with what they need: `Records` (the pods in the store), `Funds` (what is held and
//!   charged for them), `Admission` (whether their owners may have them), `Requests` (idempotency keys), `PriceBook`,
//!   `Departures` (users who are being deleted), `AuditTrail`, `Feed` (subscribers) and `Wakeups` (what calls tell the
//!   driver).

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
mod price_book;
mod records;
mod requests;
mod rules;
mod run;
mod wakeups;

pub use self::builder::PlatformBuilder;
pub use self::calls::{AccountChange, AuditEvent, Health, Plan, StoreHealth, Update};
pub use self::handle::Platform;
