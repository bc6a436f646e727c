//! The contract with the frontend, on a real server and over real connections: every address, who may use it,
//! its replies, and attempted abuse.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by it")]

#[path = "../common/mod.rs"]
mod common;

mod bodies;
mod dashboard;
mod doors;
mod frontend;
mod identities;
mod ids;
mod images;
mod money;
mod openapi;
mod operators;
mod pod_hosts;
mod privacy;
mod repetition;
mod routes;
mod shape;
mod shapes;
mod signing_out;
mod socketio;
mod tokens;
mod websocket;
