//! The server on a real node with the surroundings of a real cluster: enforced network policies, an ingress
//! controller with TLS, and metrics-server.
//!
//! The tests share one node and take turns on it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[path = "../common/chromium.rs"]
mod chromium;
mod jupyter;
mod network;
mod page;
#[path = "../common/server.rs"]
mod process;
#[path = "../common/program.rs"]
mod program;
mod site;
mod usage;

use std::time::Duration;

/// Long enough for a machine that compiles something else meanwhile.
const LIMIT: Duration = Duration::from_mins(3);
