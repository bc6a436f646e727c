//! The languages of texts.

use serde::{Deserialize, Serialize};

/// The language of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Spanish, the default of the HTTP contract.
    #[default]
    Es,
    /// English.
    En,
}

impl Language {
    /// Chooses between two texts.
    pub fn pick<T>(self, spanish: T, english: T) -> T {
        match self {
            Self::Es => spanish,
            Self::En => english,
        }
    }
}
