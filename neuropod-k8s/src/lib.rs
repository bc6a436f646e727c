//! neuropod-k8s
