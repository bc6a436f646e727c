//! What a page has to know of the configuration.

use neuropod::money::{Currency, PricePolicy};
use serde::Serialize;
use utoipa::ToSchema;

use crate::config::{ClusterKind, Config};

/// What a page has to know before anybody signs in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConfigView {
    /// The client id of this application at Google.
    pub(crate) google_client_id: Option<String>,
    /// Whether one can sign in by e-mail address alone.
    pub(crate) dev_login: bool,
    /// Whether the cluster is simulated: pods are pretended, and their links open pages of this server.
    pub(crate) simulated: bool,
    /// The version of the server.
    pub(crate) version: &'static str,
    /// The languages of messages.
    pub(crate) languages: [&'static str; 2],
    /// Where live updates are.
    pub(crate) ws_path: &'static str,
    /// What new prices mean for pods that run: they keep theirs (`quoted`), or not (`current`).
    #[schema(value_type = String)]
    pub(crate) price_policy: PricePolicy,
    /// The currency of all amounts, as an ISO 4217 code.
    pub(crate) currency: String,
    /// The only registries, or parts of registries, that images come from; empty: all public ones.
    pub(crate) image_registries: Vec<String>,
    /// Registries of the platform's own network that images may come from too; told to whoever is signed in.
    pub(crate) internal_registries: Vec<String>,
}

impl ConfigView {
    /// As everybody may see it. Names of hosts of a network are for nobody outside: `internal_registries` is empty.
    pub(crate) fn of(config: &Config, currency: &Currency) -> Self {
        Self {
            google_client_id: config.auth.google_client_id.clone(),
            dev_login: config.dev,
            simulated: config.cluster == ClusterKind::Sim,
            version: env!("CARGO_PKG_VERSION"),
            languages: ["es", "en"],
            ws_path: "/ws",
            price_policy: config.price_policy,
            currency: currency.code().to_owned(),
            image_registries: config.images.registries.clone(),
            // Names of hosts of a network are for nobody outside.
            internal_registries: Vec::new(),
        }
    }
}
