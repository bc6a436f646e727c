//! Hides the values of Secrets.

use serde_json::Value;

use crate::api::kinds::Kind;

/// Replaces a value that people may not see.
const MASK: &str = "…";

/// Masks all values of a Secret. Other objects stay as they are.
pub(super) fn mask(body: &mut Value) {
    if body["kind"] == Kind::Secret.name()
        && let Some(data) = body.get_mut("data").and_then(Value::as_object_mut)
    {
        for value in data.values_mut() {
            *value = MASK.into();
        }
    }
}
