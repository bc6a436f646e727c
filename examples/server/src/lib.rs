//! An example server on Neuropod: a REST API, live updates by WebSocket and Socket.IO, and a dashboard.
//!
//! `cargo run --example server -- --dev` runs it on the simulated cluster, with a SQLite file, at
//! <http://localhost:3000>. The same program on Kubernetes and MongoDB is a production backend, see
//! `examples/deploy/`.
//!
//! | question | place |
//! |---|---|
//! | What can be configured? | [`config`] |
//! | Who is the caller? | `auth` |
//! | What does an address do? | `routes` |
//! | What do requests and replies look like? | `contract`: the HTTP contract of the frontend, field by field |
//! | How do changes reach pages? | `live` |
//! | What is at the address of a simulated pod? | `pods` |
//! | How to learn and test without a cluster? | [`gallery`] |
//! | How does it start and stop? | [`server`]; its texts are in [`greeting`] |

mod accept_language;
mod actor;
mod app;
mod auth;
mod backends;
pub mod config;
mod connection;
mod contract;
pub mod copy;
mod csv;
mod dashboard;
mod directory;
mod door;
mod encoding;
#[doc(hidden)]
pub mod fuzzing;
pub mod gallery;
pub mod greeting;
mod headers;
mod host;
mod kept_types;
mod language;
mod limit_requests;
mod limits;
mod listen;
mod live;
mod localize;
mod log_places;
mod log_text;
mod metrics;
pub mod migrate;
mod overview;
mod pods;
mod readiness;
mod refusals;
mod router;
mod routes;
mod secrets;
pub mod server;
mod start;
pub mod start_error;
mod stock;
pub mod telemetry;
#[cfg(test)]
mod test_api;
mod tls;
mod trace;
mod usage;
mod waiting;
