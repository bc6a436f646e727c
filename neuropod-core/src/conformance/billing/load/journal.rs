//! The journal of a load: the operations that began and their results.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::call_result::CallResult;
use super::operation::Operation;

/// The beginning or the end of an operation. The order of events shows which results were known when an
/// operation began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LoadEvent {
    /// The operation began.
    Begun {
        /// The number of the operation.
        number: u64,
        /// The operation.
        operation: Operation,
    },
    /// The operation returned.
    Ended {
        /// The number of the operation.
        number: u64,
        /// The result.
        result: CallResult,
    },
}

/// An operation, with its result if it returned.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) operation: Operation,
    /// The index of its beginning among the events.
    pub(super) begun: usize,
    /// The index of its end, and its result; `None`: the process was killed before.
    pub(super) ended: Option<(usize, CallResult)>,
}

impl Attempt {
    pub(super) fn result(&self) -> Option<&CallResult> {
        self.ended.as_ref().map(|(_, result)| result)
    }

    pub(super) fn is_accepted(&self) -> bool {
        self.result().is_some_and(|result| result.code().is_none())
    }

    pub(super) fn is_refused(&self) -> bool {
        self.result().is_some_and(|result| result.code().is_some())
    }

    /// Whether it was accepted before `other` began.
    pub(super) fn is_accepted_before(&self, other: &Self) -> bool {
        let before = self.ended.as_ref().is_some_and(|(at, _)| *at < other.begun);
        before && self.is_accepted()
    }
}

/// All operations.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    by_number: BTreeMap<u64, Attempt>,
    by_key: BTreeMap<String, Vec<u64>>,
}

impl Attempts {
    pub(super) fn from_events(events: &[LoadEvent]) -> Self {
        let mut attempts = Self::default();
        for (place, event) in events.iter().enumerate() {
            match event {
                LoadEvent::Begun { number, operation } => {
                    if let Some(key) = operation.key() {
                        attempts.by_key.entry(key.to_owned()).or_default().push(*number);
                    }
                    let attempt = Attempt {
                        operation: operation.clone(),
                        begun: place,
                        ended: None,
                    };
                    let before = attempts.by_number.insert(*number, attempt);
                    assert!(before.is_none(), "each operation has a number of its own");
                }
                LoadEvent::Ended { number, result } => {
                    let attempt = attempts.by_number.get_mut(number).expect("each end has a begin");
                    attempt.ended = Some((place, result.clone()));
                }
            }
        }
        attempts
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Attempt> {
        self.by_number.values()
    }

    /// Each key, with its attempts.
    pub(super) fn by_key(&self) -> impl Iterator<Item = (&str, Vec<&Attempt>)> {
        self.by_key.keys().map(|key| (key.as_str(), self.with_key(key)))
    }

    /// The attempts with this key, in the order of their beginning.
    pub(super) fn with_key(&self, key: &str) -> Vec<&Attempt> {
        let numbers = self.by_key.get(key).into_iter().flatten();
        numbers.map(|number| &self.by_number[number]).collect()
    }
}
