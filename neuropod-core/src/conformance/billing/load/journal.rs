//! What was asked for, and what was answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::operation::Operation;
use crate::error::kind::{Error, Result};
use crate::money::billing::Drawn;

/// What happens to an operation. The order of events tells what was known when an operation began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Event {
    /// It is carried out from now on.
    Begun {
        /// The number of the operation.
        number: u64,
        /// What it is.
        operation: Operation,
    },
    /// It was answered.
    Ended {
        /// The number of the operation.
        number: u64,
        /// The answer.
        answer: Answer,
    },
}

/// The answer to an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// `Ok`.
    Done,
    /// `Ok`, and what came of a draw.
    Drawn(Drawn),
    /// An error.
    Refused {
        /// The [code](crate::ErrorKind::code) of its kind.
        code: String,
        /// Whether trying again can help.
        retryable: bool,
        /// All that it says.
        error: String,
    },
}

impl Answer {
    pub(super) fn refused(error: &Error) -> Self {
        Self::Refused {
            code: error.kind().code().to_owned(),
            retryable: error.is_retryable(),
            error: error.to_string(),
        }
    }

    /// The code of the error that it was refused with.
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            Self::Done | Self::Drawn(_) => None,
        }
    }
}

impl From<Result<Drawn>> for Answer {
    fn from(result: Result<Drawn>) -> Self {
        match result {
            Ok(drawn) => Self::Drawn(drawn),
            Err(error) => Self::refused(&error),
        }
    }
}

/// An operation, and what is known of it.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) operation: Operation,
    /// Its place among the events.
    pub(super) begun: usize,
    /// The answer and its place; `None`: whoever asked was killed before.
    pub(super) ended: Option<(usize, Answer)>,
}

impl Attempt {
    pub(super) fn answer(&self) -> Option<&Answer> {
        self.ended.as_ref().map(|(_, answer)| answer)
    }

    pub(super) fn is_accepted(&self) -> bool {
        self.answer().is_some_and(|answer| answer.code().is_none())
    }

    pub(super) fn is_refused(&self) -> bool {
        self.answer().is_some_and(|answer| answer.code().is_some())
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
    pub(super) fn of(events: &[Event]) -> Self {
        let mut this = Self::default();
        for (place, event) in events.iter().enumerate() {
            match event {
                Event::Begun { number, operation } => {
                    if let Some(key) = operation.key() {
                        this.by_key.entry(key.to_owned()).or_default().push(*number);
                    }
                    let attempt = Attempt {
                        operation: operation.clone(),
                        begun: place,
                        ended: None,
                    };
                    let before = this.by_number.insert(*number, attempt);
                    assert!(before.is_none(), "each operation has a number of its own");
                }
                Event::Ended { number, answer } => {
                    let attempt = this.by_number.get_mut(number).expect("what ends has begun");
                    attempt.ended = Some((place, answer.clone()));
                }
            }
        }
        this
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Attempt> {
        self.by_number.values()
    }

    /// Those with the same key, for every key.
    pub(super) fn by_key(&self) -> impl Iterator<Item = (&str, Vec<&Attempt>)> {
        self.by_key.keys().map(|key| (key.as_str(), self.with_key(key)))
    }

    /// Those with this key, in the order in which they began.
    pub(super) fn with_key(&self, key: &str) -> Vec<&Attempt> {
        let numbers = self.by_key.get(key).into_iter().flatten();
        numbers.map(|number| &self.by_number[number]).collect()
    }
}
