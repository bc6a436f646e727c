//! Past requests.

use jiff::Timestamp;
use mongodb::bson::doc;
use neuropod_core::store::PastRequest;
use neuropod_core::{PodId, Result};

use super::codec::{Encoded, moment_from};
use super::failure as mongo;
use super::server::{Server, find_one, within};

impl Encoded for PastRequest {
    const DATES: &'static [&'static str] = &["createdAt"];
}

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
