//! What users and templates have in common.

use neuropod_core::{Template, User};

/// A document with an id, a name that is unique whatever its case, and a version.
pub(crate) trait Document: Clone {
    /// What it is, in errors.
    const KIND: &'static str;
    /// The field of the name.
    const NAME: &'static str;

    fn id(&self) -> &str;
    fn unique_name(&self) -> &str;
    fn version(&self) -> u64;
    fn with_version(self, version: u64) -> Self;
}

impl Document for User {
    const KIND: &'static str = "user";
    const NAME: &'static str = "email";

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn unique_name(&self) -> &str {
        &self.email
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn with_version(self, version: u64) -> Self {
        Self { version, ..self }
    }
}

impl Document for Template {
    const KIND: &'static str = "template";
    const NAME: &'static str = "name";

    fn id(&self) -> &str {
        &self.id
    }

    fn unique_name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn with_version(self, version: u64) -> Self {
        Self { version, ..self }
    }
}
