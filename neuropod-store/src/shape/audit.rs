//! Entries of the audit log.

use jiff::Timestamp;
use neuropod_core::store::audit::{
    AuditAction, AuditChange, AuditEntry, AuditId, AuditOutcome, AuditPerson, AuditTarget,
};
use serde::{Deserialize, Serialize};

use super::layout::Layout;
use super::stored::Stored;
use super::tree::{Tree, move_field};

#[derive(Serialize, Deserialize)]
pub(crate) struct AuditShape {
    #[serde(default)]
    layout: Layout<2>,
    #[serde(rename = "_id")]
    id: AuditId,
    at: Timestamp,
    actor: AuditPerson,
    /// As text, because BSON would store a list of numbers.
    #[serde(default)]
    address: Option<String>,
    action: AuditAction,
    #[serde(default)]
    target: AuditTarget,
    #[serde(default)]
    change: Option<AuditChange>,
    outcome: AuditOutcome,
}

impl Stored for AuditEntry {
    type Shape = AuditShape;

    fn to_shape(&self) -> AuditShape {
        let Self {
            id,
            at,
            actor,
            address,
            action,
            target,
            change,
            outcome,
        } = self.clone();
        AuditShape {
            layout: Layout,
            id,
            at,
            actor,
            address: address.map(|address| address.to_string()),
            action,
            target,
            change,
            outcome,
        }
    }

    fn from_shape(shape: AuditShape) -> Self {
        let AuditShape {
            layout: _,
            id,
            at,
            actor,
            address,
            action,
            target,
            change,
            outcome,
        } = shape;
        Self {
            id,
            at,
            actor,
            address: address.and_then(|address| address.parse().ok()),
            action,
            target,
            change,
            outcome,
        }
    }

    fn upgrade<T: Tree>(document: &mut T) {
        move_field(document, "id", "_id");
    }
}
