//! The common interface of users and templates.

use neuropod_core::user::Identity;
use neuropod_core::{Template, User};

/// A document with an id, a name that is unique regardless of case, and a version.
pub(crate) trait Document: Clone {
    /// The word for it in error messages.
    const KIND: &'static str;
    /// The name's field, for errors.
    const NAME: &'static str;
    /// The second name's field, for errors.
    const SECOND_NAME: &'static str = "";

    fn id(&self) -> &str;
    fn unique_name(&self) -> &str;
    /// Another unique text, compared exactly; `None` if the document has none.
    fn second_name(&self) -> Option<String> {
        None
    }
    fn version(&self) -> u64;
    fn with_version(self, version: u64) -> Self;
}

impl Document for User {
    const KIND: &'static str = "user";
    const NAME: &'static str = "email";
    const SECOND_NAME: &'static str = "identity";

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn unique_name(&self) -> &str {
        &self.email
    }

    fn second_name(&self) -> Option<String> {
        self.identity.as_ref().map(Identity::key)
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
