//! The prerequisites of every namespace with pods, from before the first pod until after the last: the network
//! policy of all its pods, and in a namespace of a user the copies of the platform's Secrets.
//!
//! They are checked before a pod is created, at most every five minutes for each namespace, so that a pod is
//! one wave of creations; and with every inventory, in one request for all namespaces. If one is missing or
//! differs, it is written again. No pod is created in a namespace without them.

mod leftover;
pub(crate) mod namespace;
mod policy;
mod repairs;
pub(crate) mod secrets;
