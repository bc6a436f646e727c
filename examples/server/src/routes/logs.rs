//! Logs of pods.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{StreamExt, stream};
use neuropod::cluster::LogOptions;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::pods::parse;
use crate::app::Shared;
use crate::auth::Caller;
use crate::contract::failure::{Failure, FailureBody};
use crate::contract::reply::{self, Answer, Parameters, data};
use crate::language::Asked;
use crate::log_text::{self, LINES};

/// Most lines.
const MAX_LINES: u32 = 10_000;

/// Which part of a log.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// The last so many lines, 1 to 10,000; 500 unless given.
    #[param(minimum = 1, maximum = 10_000)]
    tail: Option<u32>,
    /// The log of the container before the last restart.
    #[serde(default)]
    previous: bool,
    /// Continue with new lines, as plain text, until the connection is closed. If too many logs are followed at a time, the
    /// user who follows most loses the oldest one: its text ends, and may be requested again.
    #[serde(default)]
    follow: bool,
}

/// A log.
#[derive(Serialize, ToSchema)]
pub(crate) struct Logs {
    /// Its lines.
    logs: String,
}

/// The log of a pod.
#[utoipa::path(get, path = "/api/pods/{podId}/logs", tag = "Pods", params(("podId" = String, Path), Query),
    security(("bearer" = [])), responses(
    (status = 200, description = "The log; with `follow=true` as plain text that goes on", content(
        (Answer<Logs> = "application/json"), (String = "text/plain"),
    )),
    (status = 400, body = FailureBody), (status = 401, body = FailureBody),
    (status = 403, body = FailureBody), (status = 404, body = FailureBody),
    (status = 429, description = "Eight logs are read for the same user", body = FailureBody),
))]
pub(crate) async fn get(
    State(app): State<Shared>,
    Asked(language): Asked,
    caller: Caller,
    Path(id): Path<String>,
    Parameters(query): Parameters<Query>,
) -> Result<Response, Failure> {
    let id = parse(&id)?;
    let tail = query.tail.unwrap_or(LINES);
    if !(1..=MAX_LINES).contains(&tail) {
        let range = neuropod::error::Violation::OutOfRange {
            min: 1,
            max: MAX_LINES,
        };
        return Err(Failure::field("tail", range));
    }
    if !query.follow {
        let logs = log_text::read(&app, &caller.actor(), &id, Some(tail), query.previous, language).await?;
        return Ok(data(Logs { logs }).into_response());
    }
    let mut options = LogOptions::default().with_follow().with_tail(tail);
    options.previous = query.previous;
    let body = match log_text::open(&app, &caller.actor(), &id, options, language).await? {
        // A broken stream ends; the client follows again.
        Ok(log) => {
            let ended = async move {
                tokio::select! {
                    () = app.stopping.cancelled() => {}
                    () = app.session_ends(&caller) => {}
                }
            };
            Body::from_stream(log.take_until(Box::pin(ended)))
        }
        Err(sentence) => Body::from_stream(stream::iter([Ok::<_, neuropod::Error>(Bytes::from(sentence))])),
    };
    Ok(reply::text(body).into_response())
}
