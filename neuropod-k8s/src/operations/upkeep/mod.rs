//! What every namespace with pods has to have, from before the first pod until after the last: the network policy of
//! all its pods, and in a namespace of a user copies of the Secrets that the platform names.
//!
//! It is checked before a pod is created, at most every five minutes for each namespace, so that a pod is one wave of
//! creations; and with every inventory, in one request for all namespaces. Where it is missing or differs, it is written
//! again. No pod is created in a namespace that can't get it.

mod leftover;
pub(crate) mod namespace;
mod policy;
mod repairs;
pub(crate) mod secrets;
