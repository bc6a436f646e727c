//! What suites need besides Cargo.

use serde::Deserialize;

/// What must be there for a suite's tests to run; the dearest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Needs {
    /// Node.js with the modules of `examples/server/tests/npm`.
    Npm,
    /// Python with the packages of `examples/server/tests/python`.
    Python,
    Chromium,
    Mongo,
    ControlPlane,
    Node,
    /// A node, with what enforces network policies, an ingress controller and metrics-server.
    Edge,
}
