//! Price lists.

use neuropod_core::{PriceList, Result};

use super::database::{Database, Written};
use crate::sql::stored_number;
use crate::{failure, json};

pub(super) async fn get(database: &Database, version: Option<u64>) -> Result<Option<PriceList>> {
    let query = match version {
        Some(version) => {
            sqlx::query_scalar("SELECT document FROM prices WHERE version = $1").bind(stored_number(version))
        }
        None => sqlx::query_scalar("SELECT document FROM prices ORDER BY version DESC LIMIT 1"),
    };
    database.document(query).await
}

pub(super) async fn add(database: &Database, prices: &PriceList) -> Result<PriceList> {
    let stored = PriceList {
        version: prices.version.saturating_add(1),
        ..prices.clone()
    };
    let statement = sqlx::query(
        "INSERT INTO prices (version, document) SELECT $1, $2 \
         WHERE $3 = (SELECT coalesce(max(version), 0) FROM prices)",
    )
    .bind(stored_number(stored.version))
    .bind(json::write(&stored)?)
    .bind(stored_number(prices.version));
    match database.write(statement).await? {
        Written::Rows(1) => Ok(stored),
        _ => Err(failure::changed("price list")),
    }
}
