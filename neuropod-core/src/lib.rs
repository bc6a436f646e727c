//! neuropod-core
pub mod naming;
pub mod secret;
pub mod token;
