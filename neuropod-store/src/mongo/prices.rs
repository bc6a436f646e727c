//! Price lists.

use mongodb::bson::{Document, doc};
use neuropod_core::{PriceList, Result};

use super::codec::{Encoded, stored_number};
use super::failure as mongo;
use super::server::{Server, find, find_one, within};
use crate::failure;

impl Encoded for PriceList {}

pub(super) async fn get(server: &Server, version: Option<u64>) -> Result<Option<PriceList>> {
    let document = if let Some(version) = version {
        find_one(&server.prices, doc! { "_id": stored_number(version) }).await?
    } else {
        let newest = find(&server.prices, Document::new(), doc! { "_id": -1 }, 1).await?;
        newest.into_iter().next()
    };
    document.map(PriceList::read).transpose()
}

pub(super) async fn add(server: &Server, prices: &PriceList) -> Result<PriceList> {
    let newest = get(server, None).await?.map_or(0, |newest| newest.version);
    if newest != prices.version {
        return Err(failure::changed("price list"));
    }
    let stored = PriceList {
        version: newest + 1,
        ..prices.clone()
    };
    // The version is the id, so of two processes that add the same version only one succeeds.
    match within(server.prices.insert_one(stored.write()?)).await {
        Ok(_) => Ok(stored),
        Err(error) if mongo::is_duplicate(&error) => Err(failure::changed("price list")),
        Err(error) => Err(error),
    }
}
