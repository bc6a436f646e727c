//! Environment variables of a pod.

use std::collections::BTreeMap;
use std::fmt;

/// Environment variables, by name. Their values may be secret: Debug shows the names only, and there is no Serialize.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Environment(pub BTreeMap<String, String>);

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
