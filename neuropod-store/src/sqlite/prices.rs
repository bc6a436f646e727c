//! Price lists.

use neuropod_core::{PriceList, Result};

use super::database::{Database, Written};
use super::failure as sqlite;
use crate::failure;
use crate::json;
use crate::sql::stored_number;

pub(super) async fn get(database: &Database, version: Option<u64>) -> Result<Option<PriceList>> {
    let query = match version {
        Some(version) => {
            sqlx::query_scalar("SELECT document FROM prices WHERE version = ?").bind(stored_number(version))
        }
        None => sqlx::query_scalar("SELECT document FROM prices ORDER BY version DESC LIMIT 1"),
    };
    let text: Option<String> = query
        .fetch_optional(database.readers())
        .await
        .map_err(sqlite::from_sqlx)?;
    text.as_deref().map(json::read).transpose()
}

pub(super) async fn add(database: &Database, prices: &PriceList) -> Result<PriceList> {
    let stored = PriceList {
        version: prices.version.saturating_add(1),
        ..prices.clone()
    };
    let statement = sqlx::query(
        "INSERT INTO prices (version, document) SELECT ?, ? \
         WHERE ? = (SELECT coalesce(max(version), 0) FROM prices)",
    )
    .bind(stored_number(stored.version))
    .bind(json::write(&stored)?)
    .bind(stored_number(prices.version));
    match database.write(statement).await? {
        Written::Rows(1) => Ok(stored),
        _ => Err(failure::changed("price list")),
    }
}
