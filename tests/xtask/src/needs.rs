//! The requirements of suites besides Cargo.

use serde::Deserialize;

/// A requirement of a suite's tests; the most expensive last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Needs {
    /// Node.js with the modules of `examples/server/tests/npm`.
    Npm,
    /// Python with the packages of `examples/server/tests/python`.
    Python,
    Chromium,
    Mongo,
    Postgres,
    ControlPlane,
    Node,
    /// A node with enforced network policies, an ingress controller and metrics-server.
    Edge,
}
