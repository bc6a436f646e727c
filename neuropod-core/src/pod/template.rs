//! Templates: pods prepared by an administrator, of which a user picks one.

use jiff::Timestamp;

use crate::pod::options::PodOptions;

/// A prepared pod. Stores convert it field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its id.
    pub id: String,
    /// Its name; unique, whatever its case.
    pub name: String,
    /// Markdown, shown to users; the code that shows it removes scripts.
    pub description: String,
    /// The choices of a pod made from it where its owner chooses nothing. Its image and the place of the volume
    /// apply in any case; its ports name the requested ones.
    pub options: PodOptions,
    /// Since when it is here.
    pub created_at: Timestamp,
    /// Counted up at every change, for compare-and-swap.
    pub version: u64,
}

impl Template {
    /// A template that is stored for the first time.
    pub fn new(
        id: impl Into<String>,
        name: impl Into<String>,
        options: PodOptions,
        created_at: Timestamp,
    ) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            description: String::new(),
            options,
            created_at,
            version: 0,
        }
    }

    /// With a description in Markdown.
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }
}
