//! Fields that this version does not know: a later one wrote them, and they stay when this one rewrites a document.

/// A document or a part of one: fields with names, a list, or a value.
pub(crate) trait Tree: Clone + PartialEq {
    /// The fields; none where it is no document.
    fn fields(&self) -> impl Iterator<Item = (&str, &Self)>;
    /// The field of this name.
    fn field(&self, name: &str) -> Option<&Self>;
    /// The place of the field of this name; `None` where it is no document.
    fn field_mut(&mut self, name: &str) -> Option<&mut Self>;
    /// Adds a field; nothing happens where it is no document.
    fn add_field(&mut self, name: &str, value: Self);
    /// The items of a list; none where it is none.
    fn items(&self) -> &[Self];
    /// The items of a list; none where it is none.
    fn items_mut(&mut self) -> &mut [Self];
}

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

#[cfg(feature = "sqlite")]
mod json {
    use serde_json::Value;

    use super::Tree;

    impl Tree for Value {
        fn fields(&self) -> impl Iterator<Item = (&str, &Self)> {
            let fields = self.as_object().into_iter().flatten();
            fields.map(|(name, value)| (name.as_str(), value))
        }

        fn field(&self, name: &str) -> Option<&Self> {
            self.as_object()?.get(name)
        }

        fn field_mut(&mut self, name: &str) -> Option<&mut Self> {
            self.as_object_mut()?.get_mut(name)
        }

        fn add_field(&mut self, name: &str, value: Self) {
            if let Some(fields) = self.as_object_mut() {
                fields.insert(name.to_owned(), value);
            }
        }

        fn items(&self) -> &[Self] {
            self.as_array().map_or(&[], Vec::as_slice)
        }

        fn items_mut(&mut self) -> &mut [Self] {
            self.as_array_mut().map_or(&mut [], Vec::as_mut_slice)
        }
    }
}

#[cfg(feature = "mongo")]
mod bson {
    use mongodb::bson::Bson;

    use super::Tree;

    impl Tree for Bson {
        fn fields(&self) -> impl Iterator<Item = (&str, &Self)> {
            let fields = self.as_document().into_iter().flatten();
            fields.map(|(name, value)| (name.as_str(), value))
        }

        fn field(&self, name: &str) -> Option<&Self> {
            self.as_document()?.get(name)
        }

        fn field_mut(&mut self, name: &str) -> Option<&mut Self> {
            self.as_document_mut()?.get_mut(name)
        }

        fn add_field(&mut self, name: &str, value: Self) {
            if let Some(fields) = self.as_document_mut() {
                fields.insert(name, value);
            }
        }

        fn items(&self) -> &[Self] {
            self.as_array().map_or(&[], Vec::as_slice)
        }

        fn items_mut(&mut self) -> &mut [Self] {
            self.as_array_mut().map_or(&mut [], Vec::as_mut_slice)
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
