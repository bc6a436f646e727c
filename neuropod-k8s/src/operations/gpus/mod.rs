//! The GPUs of a cluster: those of its nodes, minus those in use by pods.

pub(crate) mod fetch;
mod names;
mod node;
mod stock;
mod tenant;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trials;
pub(crate) mod watch;
