//! A volume claim.

use serde::Deserialize;

use super::lenient::lenient;
use super::metadata::Meta;
use super::object::Partial;

/// A volume claim.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, remote = "Self")]
pub(crate) struct PartialClaim {
    pub(crate) metadata: Meta,
    pub(crate) spec: ClaimSpec,
    pub(crate) status: ClaimStatus,
}

/// `spec` of a claim.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct ClaimSpec {
    pub(crate) resources: ClaimResources,
}

/// The resources that a claim asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct ClaimResources {
    pub(crate) requests: Space,
}

/// `status` of a claim.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct ClaimStatus {
    pub(crate) phase: String,
    pub(crate) capacity: Space,
}

/// A size, as a quantity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Space {
    pub(crate) storage: String,
}

impl Partial for PartialClaim {
    fn meta(&self) -> &Meta {
        &self.metadata
    }
}

lenient!(PartialClaim);
