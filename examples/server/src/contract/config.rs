//! The part of the configuration that pages need.

use neuropod::money::{Currency, PricePolicy};
use serde::Serialize;
use utoipa::ToSchema;

use crate::config::{ClusterKind, Config};

/// The configuration that a page needs before anybody signs in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConfigView {
    /// The client id of this application at Google.
    pub(crate) google_client_id: Option<String>,
    /// Whether people can sign in by e-mail address alone.
    pub(crate) dev_login: bool,
    /// Whether the cluster is simulated, so that links of pods open pages of this server.
    pub(crate) simulated: bool,
    /// The version of the server.
    pub(crate) version: &'static str,
    /// The languages of messages.
    pub(crate) languages: [&'static str; 2],
    /// The path of live updates.
    pub(crate) ws_path: &'static str,
    /// The effect of new prices on running pods: they keep theirs (`quoted`), or not (`current`).
    #[schema(value_type = String)]
    pub(crate) price_policy: PricePolicy,
    /// The currency of all amounts, as an ISO 4217 code.
    pub(crate) currency: String,
    /// The only registries, or parts of registries, that images come from; empty: all public ones.
    pub(crate) image_registries: Vec<String>,
    /// Additional registries of the platform's own network; shown to signed-in users only.
    pub(crate) internal_registries: Vec<String>,
}

impl ConfigView {
    /// The public part. Host names of a network are not shown to strangers: `internal_registries` is empty.
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
            // Host names of a network are not shown to strangers.
            internal_registries: Vec::new(),
        }
    }
}
