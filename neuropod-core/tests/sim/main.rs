//! The simulated cluster: its own behaviour, and its injected failures.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[cfg(feature = "mock")]
mod faults;
mod fixture;
mod life;
mod logs;
mod objects;
mod property;
mod refusals;
mod scheduling;
mod watch;
