//! Past requests.

use jiff::Timestamp;
use neuropod_core::PodId;
use neuropod_core::store::{Outcome, PastRequest};
use serde::{Deserialize, Serialize};

use super::layout::Layout;
use super::stored::Stored;
use super::tree::{Tree, move_field};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestShape {
    #[serde(default)]
    layout: Layout<2>,
    #[serde(rename = "_id")]
    id: PodId,
    digest: String,
    outcome: Outcome,
    created_at: Timestamp,
}

impl Stored for PastRequest {
    type Shape = RequestShape;

    fn to_shape(&self) -> RequestShape {
        let Self {
            id,
            digest,
            outcome,
            created_at,
        } = self.clone();
        RequestShape {
            layout: Layout,
            id,
            digest,
            outcome,
            created_at,
        }
    }

    fn from_shape(shape: RequestShape) -> Self {
        let RequestShape {
            layout: _,
            id,
            digest,
            outcome,
            created_at,
        } = shape;
        Self {
            id,
            digest,
            outcome,
            created_at,
        }
    }

    fn upgrade<T: Tree>(document: &mut T) {
        move_field(document, "id", "_id");
    }
}
