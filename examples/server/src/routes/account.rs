//! Money.

use std::collections::{HashMap, VecDeque};

use axum::Json;
use axum::extract::State;
use futures::TryStreamExt;
use neuropod::PodId;
use neuropod::money::LedgerEntry;
use neuropod::money::statement::Statement;
use serde::Deserialize;
use utoipa::IntoParams;

use super::account_range::{Range, no_account, whose};
use crate::app::Shared;
use crate::auth::Caller;
use crate::contract::failure::{Failure, FailureBody};
use crate::contract::money::{BalanceView, EntryView, StatementView};
use crate::contract::reply::{Answer, Parameters, data};
use crate::language::Asked;

/// Entries of a statement unless more or fewer are asked for.
const ENTRIES: u32 = 100;
/// Most entries of a statement: all of them are in its CSV.
const MOST_ENTRIES: u32 = 1000;

/// Whose account.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct Whose {
    /// The user; for administrators.
    user_id: Option<String>,
}

/// How many entries of a statement are listed.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Detail {
    /// So many of the newest entries, 0 to 1,000; 100 unless given.
    #[param(minimum = 0, maximum = 1000)]
    entries: Option<u32>,
}

/// How the account stands: what is in it, what its pods cost, and what runs out.
#[utoipa::path(get, path = "/api/account/balance", tag = "Account", params(Whose), security(("bearer" = [])), responses(
    (status = 200, body = Answer<BalanceView>),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody), (status = 404, body = FailureBody),
))]
pub(crate) async fn balance(
    State(app): State<Shared>,
    Asked(language): Asked,
    caller: Caller,
    Parameters(query): Parameters<Whose>,
) -> Result<Json<Answer<BalanceView>>, Failure> {
    let user = whose(&app, &caller, query.user_id).await?;
    let standing = app.platform.standing(&caller.actor(), &user).await;
    Ok(data(BalanceView::of(
        &standing.map_err(no_account)?,
        app.platform.currency(),
        language,
    )))
}

/// The statement of the account, by day (UTC) and pod.
#[utoipa::path(get, path = "/api/account/statement", tag = "Account", params(Range, Detail),
    security(("bearer" = [])), responses(
    (status = 200, body = Answer<StatementView>), (status = 400, body = FailureBody),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody), (status = 404, body = FailureBody),
))]
pub(crate) async fn statement(
    State(app): State<Shared>,
    Asked(language): Asked,
    caller: Caller,
    Parameters(query): Parameters<Range>,
    Parameters(detail): Parameters<Detail>,
) -> Result<Json<Answer<StatementView>>, Failure> {
    let most = detail.entries.unwrap_or(ENTRIES);
    if most > MOST_ENTRIES {
        let range = neuropod::error::Violation::OutOfRange {
            min: 0,
            max: MOST_ENTRIES,
        };
        return Err(Failure::field("entries", range));
    }
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let ledger = query.ledger(&app, &caller).await?;
    let mut statement = Statement::default();
    let mut newest: VecDeque<LedgerEntry> = VecDeque::new();
    let mut omitted = 0;
    let mut pages = std::pin::pin!(ledger.pages());
    while let Some(page) = pages.try_next().await.map_err(no_account)? {
        for entry in page {
            statement.add(&entry);
            newest.push_back(entry);
            if newest.len() > most {
                newest.pop_front();
                omitted += 1;
            }
        }
    }
    // Old entries don't say how their pods are called; some of those are there.
    let names = if statement.by_pod.values().all(|pod| pod.name.is_some()) {
        HashMap::new()
    } else {
        ledger.names_of_pods().await?
    };
    let name = |pod: &PodId| {
        let known = statement.pod_name(pod).map(str::to_owned);
        known.or_else(|| names.get(pod).cloned())
    };
    let entries = newest.into_iter();
    let entries: Vec<_> = entries
        .map(|entry| EntryView::of(entry, &name, app.platform.currency(), language))
        .collect();
    Ok(data(StatementView::of(
        &statement,
        entries,
        omitted,
        app.platform.currency(),
        &name,
    )))
}
