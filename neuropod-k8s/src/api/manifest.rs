//! Objects as sent to the API server.

use std::fmt;

use serde_json::Value;

use crate::api::kinds::Kind;

/// An object as sent to the API server.
#[derive(Clone)]
pub(crate) struct Manifest {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// Equal digests mean that the object in the cluster needs no update, see [`DIGEST`](crate::labels::DIGEST).
    pub(crate) digest: String,
    /// The object as it is created.
    pub(crate) body: Value,
    /// The object as it is updated, if it differs: without what an existing object can't be given.
    pub(crate) update: Option<Value>,
}

/// Leaves out the body: it may be a Secret.
impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.kind, self.name, self.digest)
    }
}
