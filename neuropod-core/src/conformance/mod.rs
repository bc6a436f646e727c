//! The behaviour suites that every implementation of the traits runs, ours and those of users (feature
//! `conformance`).
//!
//! A suite is a set of checks, each an async function that panics with a text that says what was expected.

pub mod cluster;
