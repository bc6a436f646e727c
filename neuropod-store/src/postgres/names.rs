//! The names of pods for entries of earlier versions, which lack them. Only a copy from another store brings such entries.

use neuropod_core::money::LedgerEntry;
use neuropod_core::{PodId, Result};

use super::database::Database;
use super::failure as postgres;
use super::text::{column, text};
use crate::account;

/// Fills in the pod names of entries that lack them.
pub(super) async fn add(database: &Database, entries: &mut [LedgerEntry]) -> Result<()> {
    let nameless = account::pods_without_name(entries);
    if nameless.is_empty() {
        return Ok(());
    }
    let pods: Vec<_> = nameless.iter().map(PodId::as_str).map(column).collect();
    let found = database.within(async {
        let mut connection = database.connection().await?;
        let names =
            sqlx::query_as::<_, (String, String)>("SELECT pod, name FROM pod_names WHERE pod = ANY ($1)");
        let found = names.bind(pods).fetch_all(&mut *connection);
        found.await.map_err(postgres::from_sqlx)
    });
    let names = found.await?;
    let names = names
        .iter()
        .map(|(pod, name)| (text(pod).into_owned(), text(name).into_owned()));
    account::name_pods(entries, &names.collect());
    Ok(())
}
