//! The WebSocket of a simulated pod: it echoes every message.

use std::time::Duration;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use http::uri::Authority;
use http::{HeaderMap, Uri, header};
use tokio::time::timeout;

use super::found::Found;
use crate::app::{App, Shared};

/// The biggest message, in bytes.
const MAX_MESSAGE: usize = 64 * 1024;
/// The time limit for silence.
const SILENCE: Duration = Duration::from_mins(10);

/// Whether the requesting page has the same host and port, according to the browser; programs send no such
/// header.
pub(super) fn is_from_here(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let origin: Option<Uri> = origin.to_str().ok().and_then(|origin| origin.parse().ok());
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host: Option<Authority> = host.and_then(|host| host.parse().ok());
    let origin = origin.as_ref().and_then(Uri::authority);
    origin.is_some() && origin == host.as_ref()
}

/// Echoes messages as long as the pod runs.
pub(super) fn serve(upgrade: WebSocketUpgrade, app: Shared, host: String) -> Response {
    upgrade
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE)
        .on_upgrade(move |mut socket| async move {
            let stopping = app.stopping.clone();
            stopping.run_until_cancelled(echo(&app, &host, &mut socket)).await;
        })
}

async fn echo(app: &App, host: &str, socket: &mut WebSocket) {
    while let Ok(Some(Ok(message))) = timeout(SILENCE, socket.recv()).await {
        // The echo ends once the pod has stopped.
        if !Found::at(app, host).is_some_and(|found| found.connection.is_ready()) {
            return;
        }
        if matches!(message, Message::Text(_) | Message::Binary(_)) && socket.send(message).await.is_err() {
            return;
        }
    }
}
