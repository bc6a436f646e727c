//! Logs of pods.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{StreamExt, stream};
use neuropod::cluster::{LogOptions, LogStream};
use neuropod::message::Language;
use neuropod::{Actor, ErrorKind, PodId};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};
use utoipa::{IntoParams, ToSchema};

use super::pods::parse;
use crate::app::{App, Shared};
use crate::auth::Caller;
use crate::contract::failure::{Failure, FailureBody};
use crate::contract::reply::{self, Answer, Parameters, data};
use crate::language::Asked;

/// The last lines that are shown unless more are asked for, as the plan has it.
const LINES: u32 = 500;
/// Most lines.
const MAX_LINES: u32 = 10_000;
/// Most bytes of an answer: a line can be of any length.
const MAX_BYTES: usize = 4 << 20;
/// Within this time what is there is answered.
const PATIENCE: Duration = Duration::from_secs(4);

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
    /// Go on with what is written from now on, as plain text, until the connection is closed. Where too many follow
    /// logs at a time, those with most of them lose their oldest: its text ends, and may be asked for anew.
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
        let logs = text(&app, &caller.actor(), &id, Some(tail), query.previous, language).await?;
        return Ok(data(Logs { logs }).into_response());
    }
    let options = LogOptions {
        follow: true,
        tail: Some(tail),
        previous: query.previous,
        ..LogOptions::default()
    };
    let body = match open(&app, &caller.actor(), &id, options, language).await? {
        // A stream that breaks off ends: whoever follows begins anew.
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

/// The last lines of a log, or a sentence why there is none.
///
/// # Errors
/// 404 and 403, as for the pod.
pub(crate) async fn text(
    app: &App,
    actor: &Actor,
    id: &PodId,
    tail: Option<u32>,
    previous: bool,
    language: Language,
) -> Result<String, Failure> {
    let options = LogOptions {
        tail: Some(tail.unwrap_or(LINES)),
        previous,
        ..LogOptions::default()
    };
    let deadline = Instant::now() + PATIENCE;
    let mut log = match open(app, actor, id, options, language).await? {
        Ok(log) => log,
        Err(sentence) => return Ok(sentence.to_owned()),
    };
    let mut bytes: Vec<u8> = Vec::new();
    while let Ok(Some(chunk)) = timeout_at(deadline, log.next()).await {
        match chunk {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(error) => {
                tracing::warn!(%error, pod = %id, "a log broke off");
                break;
            }
        }
        if bytes.len() > MAX_BYTES {
            // The end is what one looks for.
            bytes.drain(..bytes.len() - MAX_BYTES);
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The log, or a sentence in its place.
async fn open(
    app: &App,
    actor: &Actor,
    id: &PodId,
    options: LogOptions,
    language: Language,
) -> Result<Result<LogStream, &'static str>, Failure> {
    let place = app.log_places.take(actor, options.follow)?;
    let gives_way = place.gives_way();
    let error = match app.platform.logs(actor, id, options).await {
        Ok(log) => {
            // The place is taken for as long as the log is.
            let log = log.map(move |chunk| {
                let _place = &place;
                chunk
            });
            return Ok(Ok(log.take_until(gives_way.cancelled_owned()).boxed()));
        }
        Err(error) => error,
    };
    let (es, en) = match error.kind() {
        ErrorKind::InvalidState if error.context("state") == Some("stopped") => (
            "El pod está detenido. No hay logs disponibles.",
            "The pod is stopped. There are no logs.",
        ),
        ErrorKind::NotFound | ErrorKind::Forbidden => {
            return Err(Failure::from(error).forbidding(
                "No tienes permiso para acceder a los logs de este pod",
                "You may not access the logs of this pod",
            ));
        }
        _ => {
            tracing::debug!(%error, pod = %id, "there is no log");
            (
                "No se pudieron obtener los logs. El pod podría estar iniciándose.",
                "The logs are not there. The pod may be starting.",
            )
        }
    };
    Ok(Err(language.pick(es, en)))
}
