//! Values that are one of a few words.

use neuropod::message::Language;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where pods run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ClusterKind {
    /// On a simulated cluster.
    Sim,
    /// On the cluster of the current kubeconfig, or the one that the server runs in.
    Kube,
}

/// The language of texts for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LanguageChoice {
    /// Spanish.
    Es,
    /// English.
    En,
    /// The language that each client prefers.
    Auto,
}

impl LanguageChoice {
    /// The language, if it does not depend on the client.
    pub fn fixed(self) -> Option<Language> {
        match self {
            Self::Es => Some(Language::Es),
            Self::En => Some(Language::En),
            Self::Auto => None,
        }
    }
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
}
