//! Reads bodies field by field, and lists all mistakes at once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use axum::extract::{FromRequest, Request};
use neuropod::Error;
use neuropod::error::{Problem, ValidationErrors, Violation};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::contract::failure::Failure;
use crate::contract::reply::{Raw, json};

/// A type that is read field by field from a body.
pub(crate) trait FromFields {
    /// Reads its fields. The value is discarded if any field has a problem.
    fn read(fields: &mut Fields) -> Self;
}

/// A JSON object, whatever its content type says.
pub(crate) struct Body<T>(pub T);

impl<T: FromFields, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let bytes = Raw::from_request(request, state).await?.0;
        let mut fields: Fields = json(&bytes)?;
        let body = T::read(&mut fields);
        ValidationErrors::check(fields.problems).map_err(Error::from)?;
        Ok(Self(body))
    }
}

/// The fields of an object; `None` marks a field that occurs twice. Fields that are not read are ignored.
pub(crate) struct Fields {
    values: HashMap<String, Option<Value>>,
    problems: Vec<Problem>,
}

impl Fields {
    /// A field that may be missing, or `null`.
    pub(crate) fn optional<T: DeserializeOwned>(&mut self, field: &'static str) -> Option<T> {
        let violation = match self.values.remove(field) {
            None | Some(Some(Value::Null)) => return None,
            Some(None) => Violation::Duplicate,
            Some(Some(value)) => match serde_json::from_value(value) {
                Ok(value) => return Some(value),
                Err(_) => Violation::WrongType,
            },
        };
        self.problems.push(Problem::new(field, violation));
        None
    }

    /// The problems of the fields that were read.
    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// A required field.
    pub(crate) fn required<T: DeserializeOwned + Default>(&mut self, field: &'static str) -> T {
        let before = self.problems.len();
        self.optional(field).unwrap_or_else(|| {
            if self.problems.len() == before {
                self.problems.push(Problem::new(field, Violation::Required));
            }
            T::default()
        })
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = HashMap<String, Option<Value>>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut values = HashMap::new();
                while let Some((field, value)) = map.next_entry()? {
                    match values.entry(field) {
                        Entry::Vacant(free) => {
                            free.insert(Some(value));
                        }
                        Entry::Occupied(mut taken) => {
                            taken.insert(None);
                        }
                    }
                }
                Ok(values)
            }
        }

        Ok(Self {
            values: deserializer.deserialize_map(Object)?,
            problems: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> (Option<f64>, String, Vec<Problem>) {
        let mut fields: Fields = serde_json::from_str(body).unwrap();
        (fields.optional("cap"), fields.required("user"), fields.problems)
    }

    #[test]
    fn valid_fields_are_read_and_others_ignored() {
        let (cap, user, problems) = read(r#"{ "user": "ana", "cap": 5, "more": { "user": 7 } }"#);
        assert_eq!((cap, user.as_str(), problems), (Some(5.0), "ana", vec![]));
        let (cap, _, problems) = read(r#"{ "user": "ana", "cap": null }"#);
        assert_eq!((cap, problems), (None, vec![]));
    }

    #[test]
    fn every_mistake_is_reported_with_its_field() {
        use Violation::{Duplicate, Required, WrongType};
        let cases = [
            (
                r#"{ "user": 7, "cap": "5" }"#,
                vec![("cap", WrongType), ("user", WrongType)],
            ),
            (r#"{ "cap": [] }"#, vec![("cap", WrongType), ("user", Required)]),
            (r#"{ "user": null }"#, vec![("user", Required)]),
            (r#"{ "user": "ana", "user": "ana" }"#, vec![("user", Duplicate)]),
        ];
        for (body, expected) in cases {
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(field, violation)| Problem::new(field, violation))
                .collect();
            assert_eq!(read(body).2, expected, "{body}");
        }
    }
}
