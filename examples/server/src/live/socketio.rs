//! Socket.IO (protocol 5, clients of version 4) at `/socket.io/`, for the existing frontend.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use jiff::Timestamp;
use neuropod::PodId;
use serde::Deserialize;
use serde_json::{Value, json};
use socketioxide::adapter::LocalAdapter;
use socketioxide::extract::{Extension, SocketRef, State, TryData};
use socketioxide::handler::{ConnectHandler, FromMessageParts, Value as Packet};
use socketioxide::socket::Socket;
use socketioxide::{SendError, SocketError, SocketIo};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::ack::{Ack, TRY_AGAIN};
use super::listener::{Listener, Refusal};
use super::mailbox::Scope;
use super::message::{Event, not_understood, refused};
use crate::app::{App, Shared};
use crate::auth::Caller;
use crate::contract::failure::Failure;
use crate::limits::ClientAddress;
use crate::log_text;

/// The maximum size of a message, in bytes.
const MAX_PAYLOAD: u64 = 64 * 1024;
/// The interval between pings.
const PING: Duration = Duration::from_secs(30);
/// The time limit of a pong. With it a dead peer is found as soon as on the plain WebSocket.
const PING_TIMEOUT: Duration = Duration::from_secs(30);
/// The maximum number of messages queued for a peer. Each has the current state of a pod, so more of them would
/// only be older.
const MAX_WAITING: usize = 64;
/// The time limit for the answer to an event.
const ANSWERED: Duration = Duration::from_millis(4500);

/// How long the server tries to identify a client.
const SIGN_IN: Duration = Duration::from_secs(30);
/// The delay between attempts.
const AGAIN: Duration = Duration::from_secs(1);

#[derive(Debug, Default, Deserialize)]
struct Handshake {
    token: String,
}

/// The pod of an event: `{podId}`, or the id alone.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OfPod {
    Object {
        #[serde(rename = "podId")]
        pod_id: String,
    },
    Id(String),
}

/// The data of a connection.
#[derive(Clone)]
struct Connection {
    app: Shared,
    listener: Arc<Listener>,
    ended: CancellationToken,
}

/// Adds Socket.IO to the routes, as one service: a layer would be created for each route, and none would know
/// the sessions of another.
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
    let language = app.language(&socket.req_parts().headers);
    let token = handshake.map(|handshake| handshake.token).unwrap_or_default();
    let begun = Instant::now();
    let caller = loop {
        match app.caller(&token).await {
            // While the store does not respond the client can't be identified, and a client that is refused
            // does not reconnect by itself.
            Err(failure) if failure.is_of_server() && begun.elapsed() < SIGN_IN => sleep(AGAIN).await,
            Ok(caller) => break caller,
            Err(failure) if failure.is_of_server() => {
                return Err(failure.message(language, app.platform.currency()));
            }
            Err(failure) => {
                let address = socket.req_parts().extensions.get::<ClientAddress>().copied();
                let too_many = app.limiter.wrong_token(address.unwrap_or_default()).err();
                if too_many.is_some() {
                    // The same connection may ask again at once.
                    sleep(AGAIN).await;
                }
                return Err(too_many
                    .unwrap_or(failure)
                    .message(language, app.platform.currency()));
            }
        }
    };
    socket.extensions.insert(caller);
    Ok(())
}

/// Registers all handlers before it returns, because a client may send events as soon as it is connected.
fn connected(
    socket: SocketRef,
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
) -> impl Future<Output = ()> + Send {
    let language = app.language(&socket.req_parts().headers);
    let connection = Connection {
        app: Arc::clone(&app),
        listener: Listener::join(&app.live, caller.actor(), caller.user.email.clone(), language),
        ended: app.stopping.child_token(),
    };
    connection.listener.subscribe_all(Scope::Announcements);
    socket.extensions.insert(connection.clone());
    socket.on("subscribe", subscribe);
    socket.on("unsubscribe", unsubscribe);
    socket.on("requestLogs", request_logs);
    socket.on("subscribeAccount", subscribe_account);
    socket.on("ping", ping);
    socket.on_fallback(unknown);
    let disconnecting = connection.clone();
    socket.on_disconnect(async move || {
        disconnecting.ended.cancel();
        disconnecting.listener.leave();
    });
    serve_connection(socket, app, caller, connection)
}

async fn serve_connection(socket: SocketRef, app: Shared, caller: Caller, connection: Connection) {
    let language = connection.listener.language();
    let greeting = json!({
        "message": language.pick("Conectado a las actualizaciones en tiempo real", "Connected to live updates"),
        "userId": caller.user.id,
        "role": caller.user.role,
        "timestamp": Timestamp::now(),
    });
    emit(&socket, &connection, "connected", &greeting);
    tokio::select! {
        // Nothing is sent after signing out.
        biased;
        () = connection.ended.cancelled() => {}
        () = app.session_ends(&caller) => {}
        () = send_updates(&app, &connection, &socket) => {}
    }
    connection.ended.cancel();
    connection.listener.leave();
    // A peer with a full channel is disconnected once there is room, or when its pongs are missing.
    while let Err(SocketError::InternalChannelFull) = socket.clone().disconnect() {
        sleep(TRY_AGAIN).await;
    }
}

/// Sends updates to a connection, until it ends.
async fn send_updates(app: &App, connection: &Connection, socket: &SocketRef) {
    loop {
        let outgoing = connection.listener.next().await;
        let Some(event) = Event::of(app, &connection.listener, &outgoing).await else {
            continue;
        };
        let data: Value = serde_json::from_str(&event.text).unwrap_or_default();
        // Repeated until the channel has room.
        while let Err(error) = socket.emit(event.name, &data) {
            let SendError::Socket(SocketError::InternalChannelFull) = error else {
                return;
            };
            sleep(TRY_AGAIN).await;
        }
    }
}

/// Sends an answer, if the session is still valid. A peer that does not read loses answers, but not the state
/// of its pods.
fn emit(socket: &SocketRef, connection: &Connection, event: &str, data: &Value) {
    if connection.ended.is_cancelled() {
        return;
    }
    if let Err(error) = socket.emit(event, data) {
        tracing::debug!(%error, event, "an answer is lost");
    }
}

/// An event of a client, with everything needed to answer it.
struct Received {
    socket: SocketRef,
    connection: Connection,
    ack: Ack,
}

impl FromMessageParts<LocalAdapter> for Received {
    type Error = <Extension<Connection> as FromMessageParts<LocalAdapter>>::Error;

    fn from_message_parts(
        socket: &Arc<Socket<LocalAdapter>>,
        data: &mut Packet,
        id: &Option<i64>,
    ) -> Result<Self, Self::Error> {
        let Extension(connection) = FromMessageParts::from_message_parts(socket, data, id)?;
        let Ok(ack) = FromMessageParts::from_message_parts(socket, data, id);
        Ok(Self {
            socket: SocketRef::from(Arc::clone(socket)),
            connection,
            ack,
        })
    }
}

impl Received {
    /// Answers with an event of this name, or with `error`, and acknowledges.
    async fn answer(
        self,
        pod_id: Option<&str>,
        event: &str,
        work: impl Future<Output = Result<Value, Failure>>,
    ) {
        match timeout(ANSWERED, work)
            .await
            .unwrap_or_else(|_| Err(Failure::timeout()))
        {
            Ok(data) => emit(&self.socket, &self.connection, event, &data),
            Err(failure) => {
                let language = self.connection.listener.language();
                let message = failure.message(language, self.connection.app.platform.currency());
                let mut data = json!({ "type": failure.code(), "message": message });
                if let Some(pod_id) = pod_id {
                    data["podId"] = pod_id.into();
                }
                emit(&self.socket, &self.connection, "error", &data);
            }
        }
        self.ack.send(&self.connection.ended).await;
    }

    /// The same for an event about a pod; `work` gets its id.
    async fn answer_of_pod(
        self,
        data: Result<OfPod, impl Sized>,
        event: &str,
        work: impl AsyncFnOnce(&Connection, &str) -> Result<Value, Failure>,
    ) {
        let connection = self.connection.clone();
        match data {
            Ok(OfPod::Object { pod_id } | OfPod::Id(pod_id)) => {
                self.answer(Some(&pod_id), event, work(&connection, &pod_id))
                    .await;
            }
            Err(_) => {
                let malformed = Failure::field("podId", neuropod::error::Violation::Required);
                self.answer(None, event, ready(Err(malformed))).await;
            }
        }
    }
}

async fn subscribe(received: Received, State(app): State<Shared>, TryData(data): TryData<OfPod>) {
    received
        .answer_of_pod(data, "subscribed", async |connection, pod_id| {
            app.listen_to(&connection.listener, pod_id).await?;
            Ok(json!({ "podId": pod_id }))
        })
        .await;
}

async fn unsubscribe(received: Received, TryData(data): TryData<OfPod>) {
    received
        .answer_of_pod(data, "unsubscribed", async |connection, pod_id| {
            // An invalid id was never subscribed to.
            if let Ok(id) = pod_id.parse() {
                connection.listener.unsubscribe(&id);
            }
            Ok(json!({ "podId": pod_id }))
        })
        .await;
}

async fn request_logs(received: Received, State(app): State<Shared>, TryData(data): TryData<OfPod>) {
    received
        .answer_of_pod(data, "podLogs", async |connection, pod_id| {
            let (actor, language) = (connection.listener.actor(), connection.listener.language());
            app.limiter.check_user(&actor.id)?;
            let logs = log_text::read(&app, actor, &pod_id.parse::<PodId>()?, None, false, language).await;
            let logs = logs.map_err(|failure| match failure.code() {
                // An invisible pod is reported like a missing one, so that its existence is not revealed.
                "forbidden" => refused(Refusal::NoPod),
                _ => failure,
            })?;
            Ok(json!({ "podId": pod_id, "logs": logs, "timestamp": Timestamp::now() }))
        })
        .await;
}

/// From now on the client receives `balance`: at once, and at every change.
async fn subscribe_account(
    ack: Ack,
    State(app): State<Shared>,
    Extension(connection): Extension<Connection>,
) {
    app.report_account(&connection.listener);
    ack.send(&connection.ended).await;
}

async fn ping(received: Received) {
    received
        .answer(None, "pong", ready(Ok(json!({ "timestamp": Timestamp::now() }))))
        .await;
}

/// An unknown event is acknowledged too, so that the client continues.
async fn unknown(received: Received) {
    received.answer(None, "error", ready(Err(not_understood()))).await;
}
