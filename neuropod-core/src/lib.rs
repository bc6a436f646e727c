//! neuropod-core
pub mod image;
pub mod naming;
pub mod secret;
pub mod token;
