//! The simulated cluster: what it does by itself, and what it does when it is told to fail.
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
