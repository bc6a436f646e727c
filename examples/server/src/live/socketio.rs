//! Socket.IO (protocol 5, clients of version 4) at `/socket.io/`, for the frontend that exists.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use jiff::Timestamp;
use neuropod::PodId;
use serde::Deserialize;
use serde_json::{Value, json};
use socketioxide::extract::{Extension, SocketRef, State, TryData};
use socketioxide::handler::ConnectHandler;
use socketioxide::{SendError, SocketError, SocketIo};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::listener::{Listener, Refusal, Scope};
use super::message::{Event, refused};
use crate::app::{App, Shared};
use crate::auth::Caller;
use crate::failure::Failure;
use crate::language;
use crate::routes::log_text;

/// The biggest message that is read, in bytes.
const MAX_PAYLOAD: u64 = 64 * 1024;
/// How often a peer is asked whether it is there.
const PING: Duration = Duration::from_secs(30);
/// How long its answer may take: with this a peer that is gone is found as soon as on the plain WebSocket.
const PING_TIMEOUT: Duration = Duration::from_secs(30);
/// Messages that wait for a peer. What it is told is how a pod is then, so that more would only be older.
const MAX_WAITING: usize = 64;
/// How soon a peer that takes nothing is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(50);

/// For how long it is tried to find out who somebody is.
const SIGN_IN: Duration = Duration::from_secs(30);
/// How soon it is tried again.
const AGAIN: Duration = Duration::from_secs(1);

#[derive(Debug, Default, Deserialize)]
struct Handshake {
    token: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfPod {
    pod_id: String,
}

/// What one connection has.
#[derive(Clone)]
struct Connection {
    listener: Arc<Listener>,
    ended: CancellationToken,
}

/// Adds Socket.IO to the routes, as one service: a layer would be made anew for each route, and none would know the
/// sessions of another.
pub(crate) fn serve(routes: Router<Shared>, app: &Shared) -> Router<Shared> {
    let (service, io) = SocketIo::builder()
        .max_payload(MAX_PAYLOAD)
        .ws_max_message_size(64 * 1024)
        .ws_max_frame_size(64 * 1024)
        .ping_interval(PING)
        .ping_timeout(PING_TIMEOUT)
        .max_buffer_size(MAX_WAITING)
        .with_state(Arc::clone(app))
        .build_svc();
    io.ns("/", connected.with(sign_in));
    routes.route_service("/socket.io/", service)
}

async fn sign_in(
    socket: SocketRef,
    TryData(handshake): TryData<Handshake>,
    State(app): State<Shared>,
) -> Result<(), String> {
    let language = language::of(&socket.req_parts().headers);
    let token = handshake.map(|handshake| handshake.token).unwrap_or_default();
    let begun = Instant::now();
    let caller = loop {
        match app.caller(&token).await {
            // While the store does not answer nobody knows who they are, and a client that is refused does not come
            // back by itself.
            Err(failure) if failure.is_of_server() && begun.elapsed() < SIGN_IN => sleep(AGAIN).await,
            found => break found.map_err(|failure| failure.message(language))?,
        }
    };
    socket.extensions.insert(caller);
    Ok(())
}

async fn connected(socket: SocketRef, State(app): State<Shared>, Extension(caller): Extension<Caller>) {
    let language = language::of(&socket.req_parts().headers);
    let connection = Connection {
        listener: app.live.join(caller.actor(), language),
        ended: app.stopping.child_token(),
    };
    connection.listener.subscribe_all(Scope::Announcements);
    app.tell_account(&connection.listener);
    socket.extensions.insert(connection.clone());
    socket.on("subscribe", subscribe);
    socket.on("unsubscribe", unsubscribe);
    socket.on("requestLogs", request_logs);
    socket.on("ping", ping);
    let disconnecting = connection.clone();
    socket.on_disconnect(async move || {
        disconnecting.ended.cancel();
        disconnecting.listener.leave();
    });
    let greeting = json!({
        "message": language.pick("Conectado a las actualizaciones en tiempo real", "Connected to live updates"),
        "userId": caller.user.id,
        "role": caller.user.role,
        "timestamp": Timestamp::now(),
    });
    emit(&socket, &connection, "connected", &greeting);
    tokio::spawn(async move {
        tokio::select! {
            // Whoever has signed out hears nothing more.
            biased;
            () = connection.ended.cancelled() => {}
            () = app.session_ends(&caller) => {}
            () = tell(&app, &connection, &socket) => {}
        }
        connection.ended.cancel();
        connection.listener.leave();
        // A peer that takes nothing is told so when it does, or is given up with its missing pongs.
        while let Err(SocketError::InternalChannelFull) = socket.clone().disconnect() {
            sleep(TRY_AGAIN).await;
        }
    });
}

/// Tells a connection what changes, until it is gone.
async fn tell(app: &App, connection: &Connection, socket: &SocketRef) {
    loop {
        let outgoing = connection.listener.next().await;
        let event = Event::of(app, &outgoing, connection.listener.language());
        let data: Value = serde_json::from_str(&event.text).unwrap_or_default();
        // As soon as the peer takes it.
        while let Err(error) = socket.emit(event.name, &data) {
            let SendError::Socket(SocketError::InternalChannelFull) = error else {
                return;
            };
            sleep(TRY_AGAIN).await;
        }
    }
}

/// Sends an answer, where the session still holds. A peer that does not read its answers loses them, and not the state
/// of its pods.
fn emit(socket: &SocketRef, connection: &Connection, event: &str, data: &Value) {
    if connection.ended.is_cancelled() {
        return;
    }
    if let Err(error) = socket.emit(event, data) {
        tracing::debug!(%error, event, "an answer is lost");
    }
}

fn fail(socket: &SocketRef, connection: &Connection, failure: &Failure, pod_id: Option<&str>) {
    let language = connection.listener.language();
    let mut data = json!({ "type": failure.code(), "message": failure.message(language) });
    if let Some(pod_id) = pod_id {
        data["podId"] = pod_id.into();
    }
    emit(socket, connection, "error", &data);
}

fn malformed() -> Failure {
    Failure::field("podId", neuropod::Violation::Required)
}

async fn subscribe(
    socket: SocketRef,
    TryData(data): TryData<OfPod>,
    State(app): State<Shared>,
    Extension(connection): Extension<Connection>,
) {
    let Ok(OfPod { pod_id }) = data else {
        return fail(&socket, &connection, &malformed(), None);
    };
    match app.listen_to(&connection.listener, &pod_id).await {
        Ok(()) => emit(&socket, &connection, "subscribed", &json!({ "podId": pod_id })),
        Err(failure) => fail(&socket, &connection, &failure, Some(&pod_id)),
    }
}

async fn unsubscribe(
    socket: SocketRef,
    TryData(data): TryData<OfPod>,
    Extension(connection): Extension<Connection>,
) {
    let Ok(OfPod { pod_id }) = data else {
        return fail(&socket, &connection, &malformed(), None);
    };
    if let Ok(id) = pod_id.parse() {
        connection.listener.unsubscribe(&id);
    }
    emit(&socket, &connection, "unsubscribed", &json!({ "podId": pod_id }));
}

async fn request_logs(
    socket: SocketRef,
    TryData(data): TryData<OfPod>,
    State(app): State<Shared>,
    Extension(connection): Extension<Connection>,
) {
    let Ok(OfPod { pod_id }) = data else {
        return fail(&socket, &connection, &malformed(), None);
    };
    let language = connection.listener.language();
    let actor = connection.listener.actor();
    let logs = match (app.limiter.check_user(&actor.id), pod_id.parse::<PodId>()) {
        (Err(failure), _) => Err(failure),
        (Ok(()), Ok(id)) => log_text(&app, actor, &id, None, false, language).await,
        (Ok(()), Err(error)) => Err(error.into()),
    };
    match logs {
        Ok(logs) => {
            let data = json!({ "podId": pod_id, "logs": logs, "timestamp": Timestamp::now() });
            emit(&socket, &connection, "podLogs", &data);
        }
        // Whether there is a pod that one may not see is nothing to be learned here.
        Err(failure) if failure.code() == "forbidden" => {
            fail(&socket, &connection, &refused(Refusal::NoPod), Some(&pod_id));
        }
        Err(failure) => fail(&socket, &connection, &failure, Some(&pod_id)),
    }
}

async fn ping(socket: SocketRef, Extension(connection): Extension<Connection>) {
    emit(
        &socket,
        &connection,
        "pong",
        &json!({ "timestamp": Timestamp::now() }),
    );
}
