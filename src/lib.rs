//! Neuropod
