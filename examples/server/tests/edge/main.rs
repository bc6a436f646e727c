//! The server on a real node with all that stands around pods in a real cluster: network policies that are enforced.
//!
//! The tests share one node and take turns on it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod network;
#[path = "../common/server.rs"]
mod process;
#[path = "../common/program.rs"]
mod program;
mod site;

use std::time::Duration;

/// Long enough for a machine that compiles something else meanwhile.
const LIMIT: Duration = Duration::from_mins(3);
