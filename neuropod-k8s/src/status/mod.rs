//! Interprets the status of a pod and the warnings about it: plain functions.

mod cause;
mod conditions;
mod container;
mod disruption;
mod ended;
mod observed;
mod pull;
mod reason;
mod runtime;
mod schedule;
#[cfg(test)]
pub(crate) mod tests;
mod warnings;

pub(crate) use self::container::was_started;
pub(crate) use self::observed::{is_unready, observed};
pub(crate) use self::warnings::{ABOUT_CLAIMS, ABOUT_NODES, ABOUT_PODS, Warnings, adds_to_status};
