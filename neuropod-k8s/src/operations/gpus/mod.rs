//! The GPUs of a cluster: what its nodes have, less what the pods on them have asked for.

pub(crate) mod fetch;
mod names;
mod node;
mod stock;
mod tenant;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trials;
