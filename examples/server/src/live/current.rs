//! The current state of a pod, with the updates written for it.

use std::sync::{Arc, OnceLock};

use neuropod::Pod;
use neuropod::message::Language;

/// The current state of a pod. Its update is written once for all listeners of a language.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) pod: Arc<Pod>,
    updates: [OnceLock<Written>; 2],
}

/// A digest that is equal for two updates that differ only in times: of writing, of measuring, of running.
pub(super) type Digest = u64;

/// An update as sent.
#[derive(Debug, Clone)]
pub(super) struct Written {
    /// The JSON.
    pub(super) text: String,
    /// The digest of the whole update.
    pub(super) whole: Digest,
    /// The digest of the update's own fields, without the details in its `pod`.
    pub(super) brief: Digest,
}

impl Current {
    pub(super) fn new(pod: Arc<Pod>) -> Arc<Self> {
        Arc::new(Self {
            pod,
            updates: [const { OnceLock::new() }; 2],
        })
    }

    /// The update in a language, as `write` makes it.
    pub(super) fn update(&self, language: Language, write: impl FnOnce(&Pod) -> Written) -> &Written {
        let place = match language {
            Language::Es => 0,
            Language::En => 1,
        };
        self.updates[place].get_or_init(|| write(&self.pod))
    }
}
