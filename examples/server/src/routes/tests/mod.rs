//! The routes, each group once, in this process: on the simulated cluster and a store in memory, in paused time.

mod account;
mod admin_pods;
mod audit;
mod credit;
mod document;
mod inventory;
mod logs;
mod pods;
mod pricing;
mod sign_in;
mod statement;
mod status;
mod support;
mod templates;
mod users;
