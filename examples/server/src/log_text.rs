//! Reads the log of a pod.

use std::time::Duration;

use futures::StreamExt;
use neuropod::cluster::{LogOptions, LogStream};
use neuropod::message::Language;
use neuropod::{Actor, ErrorKind, PodId};
use tokio::time::{Instant, timeout_at};

use crate::app::App;
use crate::contract::failure::Failure;

/// The default number of last lines, according to the plan.
pub(crate) const LINES: u32 = 500;
/// The maximum size of a reply in bytes, because a line can have any length.
const MAX_BYTES: usize = 4 << 20;
/// After this time, the reply contains the lines received so far.
const PATIENCE: Duration = Duration::from_secs(4);

/// The last lines of a log, or a sentence explaining why there is none.
///
/// # Errors
/// 404 and 403, as for the pod.
pub(crate) async fn read(
    app: &App,
    actor: &Actor,
    id: &PodId,
    tail: Option<u32>,
    previous: bool,
    language: Language,
) -> Result<String, Failure> {
    let mut options = LogOptions::default().with_tail(tail.unwrap_or(LINES));
    options.previous = previous;
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
            // The end is the interesting part.
            bytes.drain(..bytes.len() - MAX_BYTES);
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The log, or a sentence in its place.
pub(crate) async fn open(
    app: &App,
    actor: &Actor,
    id: &PodId,
    options: LogOptions,
    language: Language,
) -> Result<Result<LogStream, &'static str>, Failure> {
    let place = app.log_places.acquire(actor, options.follow)?;
    let gives_way = place.gives_way();
    let error = match app.platform.logs(actor, id, options).await {
        Ok(log) => {
            // The place is held as long as the log stream exists.
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
            "The pod is stopped. No logs are available.",
        ),
        ErrorKind::NotFound | ErrorKind::Forbidden => {
            return Err(Failure::from(error).forbidding(
                "No tienes permiso para acceder a los logs de este pod",
                "You do not have permission to read the logs of this pod",
            ));
        }
        _ => {
            tracing::debug!(%error, pod = %id, "there is no log");
            (
                "No se pudieron obtener los logs. El pod podría estar iniciándose.",
                "The logs could not be read. The pod may be starting.",
            )
        }
    };
    Ok(Err(language.pick(es, en)))
}
