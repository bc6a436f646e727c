//! Hides the values of Secrets.

use serde_json::Value;

use crate::api::kinds::Kind;

/// The replacement for a secret value.
const MASK: &str = "…";

/// Masks all values of a Secret. Other objects stay unchanged.
pub(super) fn mask(body: &mut Value) {
    if body["kind"] == Kind::Secret.name()
        && let Some(data) = body.get_mut("data").and_then(Value::as_object_mut)
    {
        for value in data.values_mut() {
            *value = MASK.into();
        }
    }
}
