//! The peers in Rust, and what each of them can do.

use anyhow::Result;
use clap::ValueEnum;

/// The peers in Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Rust {
    /// `KubeCluster::apply`
    Ours,
    /// One wave of creations with kube alone
    Raw,
}

impl Rust {
    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Raw => "raw",
        }
    }
}

/// What creates bundles.
pub(super) trait Client {
    /// A bundle that is thought out.
    type Bundle;

    /// Thinks out a bundle.
    fn plan(&self, ports: u16) -> Result<Self::Bundle>;

    /// Creates it, and returns once everything is accepted.
    async fn create(&self, bundle: Self::Bundle) -> Result<()>;
}
