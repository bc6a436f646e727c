//! The secrets in the document of a pod.

use std::fmt;

use neuropod_core::AccessToken;
use neuropod_core::pod::Environment;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// The only field of a pod's document that contains secrets.
#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Secrets {
    /// The Jupyter token that the user chose.
    #[serde(with = "neuropod_core::token::secret::exposed")]
    pub(super) chosen_token: Option<AccessToken>,
    /// The Jupyter token that the platform injects into this run.
    #[serde(with = "neuropod_core::token::secret::exposed")]
    pub(super) injected_token: Option<AccessToken>,
    /// The Jupyter token found in the container's log.
    #[serde(with = "neuropod_core::token::secret::exposed")]
    pub(super) found_token: Option<AccessToken>,
    /// The environment variables of the user: any value may be a password.
    #[serde(deserialize_with = "variables")]
    pub(super) environment: Vec<Variable>,
}

/// An environment variable. Variables are a list, because their names may be invalid as field names in MongoDB.
#[derive(Serialize, Deserialize)]
pub(super) struct Variable {
    name: String,
    value: String,
}

/// Converts the variables for storing.
pub(super) fn from_environment(environment: Environment) -> Vec<Variable> {
    let Environment(variables) = environment;
    variables
        .into_iter()
        .map(|(name, value)| Variable { name, value })
        .collect()
}

/// Converts stored variables.
pub(super) fn to_environment(variables: Vec<Variable>) -> Environment {
    let pairs = variables
        .into_iter()
        .map(|Variable { name, value }| (name, value));
    Environment(pairs.collect())
}

/// Reads a list, or a map as layout 1 has it in SQLite.
fn variables<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Variable>, D::Error> {
    deserializer.deserialize_any(Variables)
}

struct Variables;

impl<'de> Visitor<'de> for Variables {
    type Value = Vec<Variable>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("environment variables")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut variables = Vec::new();
        while let Some(variable) = items.next_element()? {
            variables.push(variable);
        }
        Ok(variables)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut variables = Vec::new();
        while let Some((name, value)) = fields.next_entry()? {
            variables.push(Variable { name, value });
        }
        Ok(variables)
    }
}
