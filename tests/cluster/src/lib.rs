//! Starts a real Kubernetes control plane or node for the tests.
