//! The platform on the simulated cluster, from its callers' view.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../scale/mod.rs"]
mod scale;

mod audit;
mod caps;
mod clocks;
mod create;
mod driver;
mod folding;
mod growth;
mod hanging;
mod health;
mod images;
mod leaving;
mod leftovers;
mod life;
mod limits;
mod lookups;
mod measures;
mod mishaps;
mod money;
mod orphans;
mod parts;
mod races;
mod recovery;
mod replicas;
mod rest;
mod servers;
mod stillness;
mod tokens;
mod updates;
mod users;
