//! neuropod-core
pub mod naming;
