//! Fields that this version does not know: a later one wrote them, and they stay when this one rewrites a document.

use super::tree::Tree;

/// Adds to `new` what `stored` has and `known` lacks, where `known` is `stored` as this version reads and writes it.
///
/// What `known` has is known: where `new` lacks it, it was taken away. An item of a list keeps its unknown fields as
/// long as its known ones stay the same, wherever it moves in the list.
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

#[cfg(all(test, feature = "sqlite"))]
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
    fn what_is_known_is_taken_away_or_changed_into_something_else() {
        check(
            &json!({"gone": 1, "variables": {"A": "1", "B": "2"}, "reason": {"code": 1, "later": 2}}),
            &json!({"gone": 1, "variables": {"A": "1", "B": "2"}, "reason": {"code": 1}}),
            &json!({"variables": {"B": "3"}, "reason": null}),
            &json!({"variables": {"B": "3"}, "reason": null}),
        );
    }

    #[test]
    fn items_that_stay_keep_what_they_have() {
        check(
            &json!([{"port": 1, "later": "a"}, {"port": 2, "later": "b"}]),
            &json!([{"port": 1}, {"port": 2}]),
            &json!([{"port": 2}, {"port": 3}]),
            &json!([{"port": 2, "later": "b"}, {"port": 3}]),
        );
    }

    #[test]
    fn what_this_version_can_not_write_back_as_it_was_is_written_anew() {
        // A field that is left out where it says nothing, and a list that is read as a shorter one.
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
