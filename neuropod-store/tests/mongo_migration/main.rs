//! Migrates a database of the existing Node backend.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod in_place;
#[path = "../mongo_server/mod.rs"]
mod mongo_server;
mod odd;
mod old_backend;
mod other_store;
