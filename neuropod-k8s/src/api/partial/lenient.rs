//! Lenient decoding: a value that is `null`, or of an unexpected kind, counts as absent.
//!
//! Virtual and aggregated API servers write `null` for texts, and any client may write an event with a negative
//! count. Such a field should cost only its own detail. If the list or the watch failed because of it, the
//! platform would lose sight of every pod.

use std::fmt;
use std::iter::empty;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

/// Makes a type with the attribute `#[serde(remote = "Self")]` one that is decoded leniently.
macro_rules! lenient {
    ($kind:ty) => {
        impl<'de> serde::Deserialize<'de> for $kind {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                // Calls the derived function, not this one: `remote = "Self"`.
                Self::deserialize($crate::api::partial::lenient::Lenient(deserializer))
            }
        }
    };
}
pub(super) use lenient;

/// Decodes its content leniently, at every depth. Only broken JSON is still an error.
pub(crate) struct Lenient<T>(pub(crate) T);

/// The kind of value that a type expects.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    Text,
    /// A whole number; numbers outside of the range become its nearest end.
    Number {
        min: i64,
        max: i64,
    },
    Flag,
    List,
    Fields,
}

struct Forgiving<V> {
    visitor: V,
    wanted: Wanted,
}

macro_rules! wanting {
    ($($method:ident => $wanted:expr),* $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.0.deserialize_any(Forgiving { visitor, wanted: $wanted })
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Lenient<D> {
    type Error = D::Error;

    wanting! {
        deserialize_str => Wanted::Text,
        deserialize_string => Wanted::Text,
        deserialize_bool => Wanted::Flag,
        deserialize_u32 => Wanted::Number { min: 0, max: i64::from(u32::MAX) },
        deserialize_i32 => Wanted::Number { min: i64::from(i32::MIN), max: i64::from(i32::MAX) },
        deserialize_i64 => Wanted::Number { min: i64::MIN, max: i64::MAX },
        deserialize_seq => Wanted::List,
        deserialize_map => Wanted::Fields,
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_option(Lenient(visitor))
    }

    /// Skips a value without storing it. Most of an object is skipped.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_ignored_any(visitor)
    }

    forward_to_deserialize_any! {
        i8 i16 i128 u8 u16 u64 u128 f32 f64 char bytes byte_buf unit unit_struct newtype_struct tuple tuple_struct enum
        identifier
    }
}

/// A value that may be absent.
impl<'de, V: Visitor<'de>> Visitor<'de> for Lenient<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(Lenient(deserializer))
    }
}

impl<'de, V: Visitor<'de>> Forgiving<V> {
    fn absent<E: Error>(self) -> Result<V::Value, E> {
        match self.wanted {
            Wanted::Text => self.visitor.visit_str(""),
            Wanted::Number { .. } => self.visitor.visit_i64(0),
            Wanted::Flag => self.visitor.visit_bool(false),
            Wanted::List => self
                .visitor
                .visit_seq(SeqDeserializer::<_, E>::new(empty::<()>())),
            Wanted::Fields => self
                .visitor
                .visit_map(MapDeserializer::<_, E>::new(empty::<((), ())>())),
        }
    }

    fn number<E: Error>(self, number: i64) -> Result<V::Value, E> {
        match self.wanted {
            Wanted::Number { min, max } => self.visitor.visit_i64(number.clamp(min, max)),
            // A quantity may be written as a number.
            Wanted::Text => self.visitor.visit_string(number.to_string()),
            _ => self.absent(),
        }
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Forgiving<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.absent()
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.absent()
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<V::Value, E> {
        match self.wanted {
            Wanted::Flag => self.visitor.visit_bool(flag),
            _ => self.absent(),
        }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<V::Value, E> {
        self.number(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<V::Value, E> {
        self.number(i64::try_from(number).unwrap_or(i64::MAX))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<V::Value, E> {
        self.absent()
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        match self.wanted {
            Wanted::Text => self.visitor.visit_str(text),
            _ => self.absent(),
        }
    }

    fn visit_string<E: Error>(self, text: String) -> Result<V::Value, E> {
        match self.wanted {
            Wanted::Text => self.visitor.visit_string(text),
            _ => self.absent(),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<V::Value, A::Error> {
        if matches!(self.wanted, Wanted::List) {
            return self.visitor.visit_seq(Lenient(list));
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        self.absent()
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<V::Value, A::Error> {
        if matches!(self.wanted, Wanted::Fields) {
            return self.visitor.visit_map(Lenient(fields));
        }
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.absent()
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Lenient<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Lenient(seed))
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Lenient<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Lenient(seed))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Lenient<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Lenient(deserializer))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_str, from_value, json};

    use crate::api::partial::{List, PartialClaim, PartialEvent, PartialPod};

    /// Every value inside `value`, replaced by each of these in turn.
    fn with_each_value_broken(value: &Value, check: &mut impl FnMut(Value)) {
        fn places(value: &Value, place: &str, all: &mut Vec<String>) {
            all.push(place.to_owned());
            if let Value::Object(fields) = value {
                for (key, value) in fields {
                    places(value, &format!("{place}/{}", key.replace('/', "~1")), all);
                }
            }
            for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                places(value, &format!("{place}/{index}"), all);
            }
        }
        let mut all = Vec::new();
        places(value, "", &mut all);
        for place in all {
            for broken in [
                json!(null),
                json!(-1),
                json!("x"),
                json!(1.5),
                json!([]),
                json!({}),
                json!(true),
            ] {
                let mut value = value.clone();
                *value.pointer_mut(&place).unwrap() = broken;
                check(value);
            }
        }
    }

    #[test]
    fn no_invalid_value_anywhere_fails_the_list() {
        let container = json!({
            "name": "main", "ready": false, "restartCount": 1, "containerID": "c", "image": "a",
            "state": { "waiting": { "reason": "ErrImagePull", "message": "no" } },
            "lastState": { "terminated": { "exitCode": 1, "reason": "Error", "message": "m",
                "startedAt": "2026-01-02T03:04:05Z", "finishedAt": "2026-01-02T03:04:05Z", "containerID": "d" } },
        });
        let pod = json!({
            "metadata": { "name": "lab", "uid": "u", "labels": { "neuropod.io/run": "1" }, "finalizers": ["f"],
                "deletionTimestamp": "2026-01-02T03:04:05Z", "deletionGracePeriodSeconds": 30,
                "annotations": { "neuropod.io/volume": "v" } },
            "spec": { "nodeName": "n", "schedulingGates": [{ "name": "g" }] },
            "status": { "phase": "Running", "startTime": "2026-01-02T03:04:05Z",
                "conditions": [{ "type": "Ready", "status": "False", "lastTransitionTime": "2026-01-02T03:04:05Z" }],
                "containerStatuses": [container], "initContainerStatuses": [container] },
        });
        let healthy = json!({ "metadata": { "uid": "healthy" }, "status": { "phase": "Running" } });
        with_each_value_broken(&pod, &mut |broken| {
            let list = json!({ "metadata": { "resourceVersion": "7" }, "items": [broken, healthy] });
            let list: List<PartialPod> =
                from_str(&list.to_string()).unwrap_or_else(|error| panic!("{error}: {list}"));
            assert_eq!(list.items.len(), 2);
            assert_eq!(
                list.items[1].metadata.uid, "healthy",
                "the others keep their detail"
            );
        });
        let event = json!({
            "metadata": { "uid": "e" }, "type": "Warning", "reason": "FailedMount", "message": "m", "count": 3,
            "firstTimestamp": "2026-01-02T03:04:05Z", "lastTimestamp": "2026-01-02T03:04:05Z", "eventTime": null,
            "series": { "count": 2, "lastObservedTime": "2026-01-02T03:04:05.000000Z" },
            "involvedObject": { "kind": "Pod", "name": "n", "namespace": "s", "uid": "u", "fieldPath": "p" },
        });
        with_each_value_broken(&event, &mut |broken| {
            from_str::<PartialEvent>(&broken.to_string()).unwrap_or_else(|error| panic!("{error}: {broken}"));
        });
        let claim = json!({ "metadata": { "name": "c" }, "status": { "phase": "Bound", "capacity": { "storage": "1G" } },
            "spec": { "resources": { "requests": { "storage": "1G" } } } });
        with_each_value_broken(&claim, &mut |broken| {
            from_str::<PartialClaim>(&broken.to_string()).unwrap_or_else(|error| panic!("{error}: {broken}"));
        });
    }

    #[test]
    fn an_invalid_value_is_absent_and_its_siblings_are_kept() {
        let pod: PartialPod = from_value(json!({
            "metadata": { "uid": "u", "name": null },
            "status": { "phase": "Pending", "reason": null, "startTime": "no time",
                "conditions": [null, { "type": "Ready", "status": "True" }],
                "containerStatuses": [{ "name": "main", "restartCount": -3, "state": null,
                    "lastState": { "terminated": { "exitCode": 99_999_999_999_i64, "reason": 7 } } }] },
        }))
        .unwrap();
        assert_eq!((pod.metadata.uid.as_str(), pod.metadata.name.as_str()), ("u", ""));
        assert_eq!(
            (pod.status.phase.as_str(), pod.status.start_time),
            ("Pending", None)
        );
        assert!(
            pod.status
                .condition("Ready")
                .is_some_and(crate::api::partial::Condition::is_true)
        );
        let container = pod.status.container().unwrap();
        assert_eq!(container.restart_count, 0);
        let ended = container.last_state.terminated.as_ref().unwrap();
        assert_eq!((ended.exit_code, ended.reason.as_str()), (i32::MAX, "7"));
        let claim: PartialClaim =
            from_value(json!({ "status": { "capacity": { "storage": 1_000_000 } } })).unwrap();
        assert_eq!(
            claim.status.capacity.storage, "1000000",
            "a quantity without quotes"
        );
    }

    #[test]
    fn broken_json_is_still_an_error() {
        assert!(from_str::<PartialPod>(r#"{ "metadata": { "uid": "u" "#).is_err());
    }

    #[test]
    fn the_time_of_a_container_that_never_started_is_none() {
        for zero in ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z"] {
            let pod: PartialPod = from_value(json!({ "status": { "startTime": zero } })).unwrap();
            assert_eq!(pod.status.start_time, None, "{zero}");
        }
    }
}
