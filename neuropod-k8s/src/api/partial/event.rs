//! Events, which explain why a pod or a claim makes no progress.

use jiff::Timestamp;
use serde::Deserialize;

use super::fields::time;
use super::lenient::lenient;
use super::metadata::Meta;
use super::object::Partial;

/// An event about a pod or a claim (`v1`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, remote = "Self")]
pub(crate) struct PartialEvent {
    pub(crate) metadata: Meta,
    pub(crate) involved_object: Involved,
    /// `Normal` or `Warning`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) reason: String,
    pub(crate) message: String,
    #[serde(deserialize_with = "time")]
    pub(crate) first_timestamp: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    pub(crate) last_timestamp: Option<Timestamp>,
    /// When it first happened, for events of the newer kind, which are counted in `series`.
    #[serde(deserialize_with = "time")]
    pub(crate) event_time: Option<Timestamp>,
    pub(crate) series: Series,
    /// How often it happened. Negative only in events that Kubernetes itself did not write.
    pub(crate) count: i64,
}

/// The repetitions of an event of the newer kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Series {
    #[serde(deserialize_with = "time")]
    pub(crate) last_observed_time: Option<Timestamp>,
}

impl PartialEvent {
    /// When it last happened.
    pub(crate) fn last_at(&self) -> Option<Timestamp> {
        let last = self.last_timestamp.max(self.series.last_observed_time);
        last.or(self.event_time).or(self.metadata.creation_timestamp)
    }

    /// When it first happened.
    pub(crate) fn first_at(&self) -> Option<Timestamp> {
        let first = self.first_timestamp.or(self.event_time);
        first.or(self.metadata.creation_timestamp).or(self.last_at())
    }
}

/// The object of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Involved {
    pub(crate) kind: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
    /// The part of the object, such as `spec.containers{main}`; empty for all of it.
    pub(crate) field_path: String,
}

impl Partial for PartialEvent {
    fn meta(&self) -> &Meta {
        &self.metadata
    }
}

lenient!(PartialEvent);
