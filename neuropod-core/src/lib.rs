//! neuropod-core
