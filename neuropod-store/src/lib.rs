//! neuropod-store
