//! The secrets of the server, as configured.

use std::path::PathBuf;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};

/// Secrets, each as a file or as text. Missing ones are created and kept beside the SQLite file.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// Signs the tokens of this server (HS256); at least 32 bytes.
    #[serde(serialize_with = "hidden")]
    #[schemars(with = "Option<String>", extend("allowed" = "a text"))]
    pub jwt: Option<SecretString>,
    /// The file with `secrets.jwt`. A line break at its end is ignored.
    #[schemars(extend("allowed" = "the path of a file"))]
    pub jwt_file: Option<PathBuf>,
    /// The key of the hash in public names, for the life of the deployment; at least 16 bytes.
    #[serde(serialize_with = "hidden")]
    #[schemars(with = "Option<String>", extend("allowed" = "a text"))]
    pub naming: Option<SecretString>,
    /// The file with `secrets.naming`.
    #[schemars(extend("allowed" = "the path of a file"))]
    pub naming_file: Option<PathBuf>,
}

#[expect(clippy::ref_option, reason = "what serde calls it with")]
fn hidden<S: Serializer>(secret: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(|_| "…").serialize(serializer)
}
