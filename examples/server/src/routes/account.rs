//! Money.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use neuropod::{ErrorKind, UserId};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::{App, Shared};
use crate::auth::Caller;
use crate::failure::{Failure, FailureBody};
use crate::language::Asked;
use crate::reply::{Answer, Parameters, data};
use crate::view::money::{BalanceView, EntryView, KindAmount, PodAmount, StatementView};

/// Most entries of an answer, the newest: a pod that runs for a month makes 86,000. The sums are of all.
const MOST_ENTRIES: usize = 10_000;

/// Whose account.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct Whose {
    /// The user; for administrators.
    user_id: Option<String>,
}

/// Whose account, and which time.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct Range {
    /// From this time (RFC 3339) or day on.
    from: Option<String>,
    /// Before this time, or up to the end of this day.
    until: Option<String>,
    /// The user; for administrators.
    user_id: Option<String>,
}

/// What is in the account.
#[utoipa::path(get, path = "/api/account/balance", tag = "Account", params(Whose), security(("bearer" = [])), responses(
    (status = 200, body = Answer<BalanceView>),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody), (status = 404, body = FailureBody),
))]
pub(crate) async fn balance(
    State(app): State<Shared>,
    caller: Caller,
    Parameters(query): Parameters<Whose>,
) -> Result<Json<Answer<BalanceView>>, Failure> {
    let user = whose(&app, &caller, query.user_id).await?;
    let balance = app
        .platform
        .balance(&caller.actor(), &user)
        .await
        .map_err(no_account)?;
    Ok(data(balance.into()))
}

/// What happened in the account.
#[utoipa::path(get, path = "/api/account/statement", tag = "Account", params(Range), security(("bearer" = [])), responses(
    (status = 200, body = Answer<StatementView>), (status = 400, body = FailureBody),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody), (status = 404, body = FailureBody),
))]
pub(crate) async fn statement(
    State(app): State<Shared>,
    Asked(language): Asked,
    caller: Caller,
    Parameters(query): Parameters<Range>,
) -> Result<Json<Answer<StatementView>>, Failure> {
    let from = query.from.as_deref().map(|text| time(text, false)).transpose()?;
    let until = query.until.as_deref().map(|text| time(text, true)).transpose()?;
    let user = whose(&app, &caller, query.user_id).await?;
    let actor = caller.actor();
    let statement = app
        .platform
        .statement(&actor, &user, from, until)
        .await
        .map_err(no_account)?;
    let mut entries = statement.entries;
    let omitted = entries.len().saturating_sub(MOST_ENTRIES);
    entries.drain(..omitted);
    let pods = app.platform.list_all(&actor, Some(&user)).await?;
    let names: HashMap<_, _> = pods.into_iter().map(|pod| (pod.id, pod.name)).collect();
    let pod = |(id, amount): (neuropod::PodId, neuropod::Money)| PodAmount {
        pod_name: names.get(&id).cloned(),
        pod_id: id.to_string(),
        amount: amount.as_euros(),
    };
    let kinds = statement.by_kind.into_iter().map(|(kind, amount)| KindAmount {
        kind,
        amount: amount.as_euros(),
    });
    Ok(data(StatementView {
        currency: "EUR",
        pods: statement.by_pod.into_iter().map(pod).collect(),
        kinds: kinds.collect(),
        omitted,
        entries: entries
            .into_iter()
            .map(|entry| EntryView::of(entry, &names, language))
            .collect(),
        total: statement.total.as_euros(),
    }))
}

/// Whose account is asked for: one's own, or that of a user an administrator names.
async fn whose(app: &App, caller: &Caller, named: Option<String>) -> Result<UserId, Failure> {
    match named {
        Some(id) if id != caller.user.id.as_str() => {
            if !caller.actor().is_admin() {
                return Err(Failure::admins_only());
            }
            Ok(app.known_user(&id).await?.id)
        }
        _ => Ok(caller.user.id.clone()),
    }
}

fn no_account(error: neuropod::Error) -> Failure {
    if *error.kind() == ErrorKind::NotFound {
        Failure::no_user()
    } else {
        error.into()
    }
}

/// A time, or a day: its beginning, or its end.
fn time(text: &str, end: bool) -> Result<Timestamp, Failure> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let day = text
        .parse::<Date>()
        .and_then(|day| if end { day.tomorrow() } else { Ok(day) });
    let midnight = day.and_then(|day| TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)));
    midnight.map_err(|_| {
        Failure::new(
            http::StatusCode::BAD_REQUEST,
            "invalid",
            "Una fecha se escribe 2026-01-31 o 2026-01-31T08:00:00Z",
            "A date is written 2026-01-31 or 2026-01-31T08:00:00Z",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_taken_whole() {
        let at = |text: &str, end| time(text, end).unwrap().to_string();
        assert_eq!(at("2026-01-31", false), "2026-01-31T00:00:00Z");
        assert_eq!(at("2026-01-31", true), "2026-02-01T00:00:00Z");
        assert_eq!(at("2026-01-31T08:00:00+01:00", true), "2026-01-31T07:00:00Z");
        for wrong in ["", "yesterday", "2026-02-30", "31/01/2026"] {
            assert!(time(wrong, false).is_err(), "{wrong}");
        }
    }
}
