//! Past requests.

use jiff::Timestamp;
use mongodb::bson::doc;
use neuropod_core::store::{Outcome, PastRequest};
use neuropod_core::{PodId, Result};
use serde::{Deserialize, Serialize};

use super::codec::{Moment, Stored, moment_from};
use super::failure as mongo;
use super::server::{Server, find_one, within};

pub(super) async fn keep(server: &Server, request: &PastRequest) -> Result<()> {
    match within(server.requests.insert_one(request.write()?)).await {
        Err(error) if !mongo::is_duplicate(&error) => Err(error),
        _ => Ok(()),
    }
}

pub(super) async fn get(server: &Server, id: &PodId) -> Result<Option<PastRequest>> {
    let document = find_one(&server.requests, doc! { "_id": id.as_str() }).await?;
    document.map(PastRequest::read).transpose()
}

pub(super) async fn forget(server: &Server, time: Timestamp) -> Result<()> {
    let old = doc! { "createdAt": { "$lt": moment_from(time) } };
    within(server.requests.delete_many(old)).await.map(drop)
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestShape {
    #[serde(rename = "_id")]
    id: PodId,
    digest: String,
    outcome: Outcome,
    created_at: Moment,
}

impl Stored for PastRequest {
    type Shape = RequestShape;

    fn shape(&self) -> RequestShape {
        RequestShape {
            id: self.id.clone(),
            digest: self.digest.clone(),
            outcome: self.outcome,
            created_at: Moment(self.created_at),
        }
    }

    fn from_shape(shape: RequestShape) -> Self {
        Self {
            id: shape.id,
            digest: shape.digest,
            outcome: shape.outcome,
            created_at: shape.created_at.0,
        }
    }
}
