//! Fields that this version does not know: a later version wrote them, and they are kept when this version
//! rewrites a document.

use super::tree::Tree;

/// Adds to `new` the fields of `stored` that `known` lacks. `known` is `stored` as this version reads and
/// writes it.
///
/// A field in `known` that `new` lacks was removed on purpose. An item of a list keeps its unknown fields as
/// long as its known fields stay the same, wherever it moves in the list.
pub(crate) fn keep<T: Tree>(stored: &T, known: &T, new: &mut T) {
    for (name, value) in stored.fields() {
        match (known.field(name), new.field_mut(name)) {
            (None, None) => new.add_field(name, value.clone()),
            (Some(known), Some(new)) => keep(value, known, new),
            (None, Some(_)) | (Some(_), None) => {}
        }
    }
    let (stored, known) = (stored.items(), known.items());
    if stored.len() == known.len() {
        for item in new.items_mut() {
            if let Some(place) = known.iter().position(|known| known == item) {
                keep(&stored[place], &known[place], item);
            }
        }
    }
}

#[cfg(all(test, any(feature = "postgres", feature = "sqlite")))]
mod tests {
    use serde_json::{Value, json};

    #[track_caller]
    fn check(stored: &Value, known: &Value, new: &Value, expected: &Value) {
        let mut kept = new.clone();
        super::keep(stored, known, &mut kept);
        assert_eq!(kept, *expected);
    }

    #[test]
    fn unknown_fields_stay_at_every_depth() {
        check(
            &json!({"a": 1, "later": {"b": 2}, "in": {"c": 3, "later": 4}}),
            &json!({"a": 1, "in": {"c": 3}}),
            &json!({"a": 5, "in": {"c": 6}}),
            &json!({"a": 5, "later": {"b": 2}, "in": {"c": 6, "later": 4}}),
        );
    }

    #[test]
    fn known_fields_can_be_removed_or_change_type() {
        check(
            &json!({"gone": 1, "variables": {"A": "1", "B": "2"}, "reason": {"code": 1, "later": 2}}),
            &json!({"gone": 1, "variables": {"A": "1", "B": "2"}, "reason": {"code": 1}}),
            &json!({"variables": {"B": "3"}, "reason": null}),
            &json!({"variables": {"B": "3"}, "reason": null}),
        );
    }

    #[test]
    fn unchanged_items_keep_their_unknown_fields() {
        check(
            &json!([{"port": 1, "later": "a"}, {"port": 2, "later": "b"}]),
            &json!([{"port": 1}, {"port": 2}]),
            &json!([{"port": 2}, {"port": 3}]),
            &json!([{"port": 2, "later": "b"}, {"port": 3}]),
        );
    }

    #[test]
    fn values_that_do_not_round_trip_are_replaced() {
        // A null that is written as an absent field, and a list that is read as a shorter one.
        check(
            &json!({"a": null}),
            &json!({}),
            &json!({"a": 1}),
            &json!({"a": 1}),
        );
        check(
            &json!({"a": [1, 2]}),
            &json!({"a": [1]}),
            &json!({"a": [1]}),
            &json!({"a": [1]}),
        );
    }
}
