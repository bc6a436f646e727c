//! The plain WebSocket at `/ws`: JSON texts in both directions.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use neuropod::message::Language;
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::listener::{Listener, Refusal};
use super::mailbox::{Outgoing, Scope};
use super::message::{Event, not_understood, refused};
use crate::app::{App, Shared};
use crate::auth::{Caller, Identity};
use crate::contract::failure::Failure;
use crate::contract::reply::Parameters;
use crate::language::Asked;
use crate::limits::ClientAddress;

/// The maximum size of a text, in bytes.
const MAX_TEXT: usize = 64 * 1024;
/// The size of the read buffer, in bytes. Each connection has one, and clients send little.
const READ_BUFFER: usize = 4 * 1024;
/// The interval between pings.
const PING: Duration = Duration::from_secs(30);
/// The number of pongs that may be missing.
const MAX_MISSED: u32 = 2;
/// How long somebody may take to sign in.
const SIGN_IN: Duration = Duration::from_secs(10);
/// The number of messages before signing in that may be invalid tokens or anything else.
const MAX_TRIES: u32 = 5;

/// Close codes (RFC 6455, section 7.4; those from 4000 on are ours).
const GOING_AWAY: u16 = 1001;
const UNSUPPORTED: u16 = 1003;
/// Registered by IANA: repeat the same a little later.
const TRY_AGAIN_LATER: u16 = 1013;
const UNREADABLE: u16 = 1008;
const SILENT: u16 = 4408;
const UNAUTHORIZED: u16 = 4401;

/// The parameters of `/ws`.
#[derive(Deserialize)]
pub(crate) struct Query {
    token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", tag = "type")]
enum Incoming {
    Auth {
        token: String,
        /// The language of messages from now on, unless the configuration fixes it.
        language: Option<Language>,
    },
    #[serde(rename_all = "camelCase")]
    Subscribe {
        pod_id: String,
    },
    #[serde(rename_all = "camelCase")]
    Unsubscribe {
        pod_id: String,
    },
    SubscribeAll {
        /// Whether to include all pods; for administrators.
        #[serde(default)]
        everybody: bool,
    },
    SubscribeAccount,
    Ping,
}

/// The protocol of `/ws`, for the API's document.
pub(crate) fn describe() -> &'static str {
    "WebSocket with JSON texts. The client says `{\"type\":\"auth\",\"token\",\"language\"}` (or gives `?token=`), \
     `{\"type\":\"subscribe\",\"podId\"}`, `{\"type\":\"unsubscribe\",\"podId\"}`, `{\"type\":\"subscribeAll\",\"everybody\"}` \
     (all pods of one's own, or for administrators of everybody), `{\"type\":\"subscribeAccount\"}` and `{\"type\":\"ping\"}`; the server `podUpdate`, \
     `podCreated`, `podDeleted`, `balance` (as `/api/account/balance`, after `subscribeAccount` and at every change), \
     `lowBalanceAlert`, `adminNotification`, `pong` and `error`."
}

/// Live updates by WebSocket.
pub(crate) async fn open(
    State(app): State<Shared>,
    Parameters(query): Parameters<Query>,
    Asked(language): Asked,
    identity: axum::Extension<Identity>,
    axum::Extension(address): axum::Extension<ClientAddress>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Failure> {
    let caller = match (&identity.0.0, &query.token) {
        (Some(found), _) => Some(found.clone()?),
        (None, Some(token)) => Some(app.caller(token).await?),
        (None, None) => None,
    };
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return Ok(rejection.into_response()),
    };
    Ok(upgrade
        .read_buffer_size(READ_BUFFER)
        .max_message_size(MAX_TEXT)
        .max_frame_size(MAX_TEXT)
        .on_upgrade(move |socket| async move {
            let stopping = app.stopping.clone();
            let mut connection = Connection {
                app,
                socket,
                language,
                address,
            };
            let closing = tokio::select! {
                closing = connection.serve(caller) => closing,
                () = stopping.cancelled() => Some((GOING_AWAY, "the server stops")),
            };
            if let Some((code, reason)) = closing {
                let frame = CloseFrame {
                    code,
                    reason: reason.into(),
                };
                // It fails if the peer is gone already.
                let _ = connection.socket.send(Message::Close(Some(frame))).await;
            }
        }))
}

struct Connection {
    app: Shared,
    socket: WebSocket,
    language: Language,
    /// The address of the client.
    address: ClientAddress,
}

/// Why a connection ends: a close frame, or `None` if the peer is gone.
type Closing = Option<(u16, &'static str)>;

impl Connection {
    async fn serve(&mut self, caller: Option<Caller>) -> Closing {
        let caller = match caller {
            Some(caller) => caller,
            None => match timeout(SIGN_IN, self.sign_in()).await {
                Ok(Ok(caller)) => caller,
                Ok(Err(closing)) => return closing,
                Err(_) => return Some((UNAUTHORIZED, "nobody signed in")),
            },
        };
        let live = &self.app.live;
        let listener = Listener::join(live, caller.actor(), caller.user.email.clone(), self.language);
        let app = Arc::clone(&self.app);
        let closing = tokio::select! {
            // Nothing is sent after signing out.
            biased;
            () = app.session_ends(&caller) => Some((UNAUTHORIZED, "the session has ended")),
            closing = self.listen(&listener) => closing,
        };
        listener.leave();
        closing
    }

    /// Waits for the client to sign in. Every other message counts as an invalid token.
    async fn sign_in(&mut self) -> Result<Caller, Closing> {
        let mut tries = 0;
        loop {
            let received = self.socket.recv().await.and_then(Result::ok).ok_or(None)?;
            let failure = match received {
                Message::Text(text) => match serde_json::from_str(&text) {
                    Ok(Incoming::Auth { token, language }) => match self.app.caller(&token).await {
                        Ok(caller) => {
                            let fixed = self.app.config.language.fixed();
                            self.language = fixed.or(language).unwrap_or(self.language);
                            let welcome = Event::new("authenticated", json!({ "userId": caller.user.id }));
                            self.say(&welcome).await.ok_or(None)?;
                            return Ok(caller);
                        }
                        Err(failure) => failure,
                    },
                    Ok(_) => Failure::unauthorized(),
                    Err(_) => not_understood(),
                },
                Message::Binary(_) => return Err(Some((UNSUPPORTED, "texts only"))),
                Message::Close(_) => return Err(None),
                Message::Ping(_) | Message::Pong(_) => continue,
            };
            tries += 1;
            // While the store does not respond, clients can't help it.
            let failure = match self.app.limiter.wrong_token(self.address) {
                Err(too_many) if !failure.is_of_server() => too_many,
                _ => failure,
            };
            self.say(&Event::error(&self.app, &failure, None, self.language))
                .await
                .ok_or(None)?;
            // The client can't be identified now. Its later messages must not count as those of a stranger.
            if failure.is_of_server() {
                return Err(Some((TRY_AGAIN_LATER, "try again")));
            }
            if failure.code() == "rate_limited" {
                return Err(Some((TRY_AGAIN_LATER, "too many attempts to sign in")));
            }
            if tries >= MAX_TRIES {
                return Err(Some((UNAUTHORIZED, "nobody signed in")));
            }
        }
    }

    async fn listen(&mut self, listener: &Arc<Listener>) -> Closing {
        let mut pings = interval_at(Instant::now() + PING, PING);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut missed = 0;
        loop {
            tokio::select! {
                received = self.socket.recv() => {
                    missed = 0;
                    let Ok(received) = received? else {
                        return Some((UNREADABLE, "too big, or no WebSocket message"));
                    };
                    match received {
                        Message::Text(text) => {
                            if let Some(answer) = heard(&self.app, listener, &text).await {
                                self.say(&answer).await?;
                            }
                        }
                        Message::Binary(_) => return Some((UNSUPPORTED, "texts only")),
                        Message::Close(_) => return None,
                        Message::Ping(_) | Message::Pong(_) => {}
                    }
                }
                outgoing = listener.next() => self.send_update(listener, &outgoing).await?,
                _ = pings.tick() => {
                    if missed >= MAX_MISSED {
                        return Some((SILENT, "no answer"));
                    }
                    missed += 1;
                    self.socket.send(Message::Ping(bytes::Bytes::new())).await.ok()?;
                }
            }
        }
    }

    async fn send_update(&mut self, listener: &Listener, outgoing: &Outgoing) -> Option<()> {
        match Event::of(&self.app, listener, outgoing).await {
            Some(event) => self.send(event.text).await,
            None => Some(()),
        }
    }

    async fn say(&mut self, event: &Event) -> Option<()> {
        self.send(event.text.clone()).await
    }

    /// `None`: the peer is gone, or does not read any more.
    async fn send(&mut self, text: String) -> Option<()> {
        self.socket.send(Message::Text(text.into())).await.ok()
    }
}

/// Handles a text, and returns the answer to it.
async fn heard(app: &App, listener: &Listener, text: &str) -> Option<Event> {
    let error = |failure: &Failure, pod_id| Some(Event::error(app, failure, pod_id, listener.language()));
    match serde_json::from_str(text) {
        Ok(Incoming::Subscribe { pod_id }) => match app.listen_to(listener, &pod_id).await {
            Ok(()) => None,
            Err(failure) => error(&failure, Some(&pod_id)),
        },
        Ok(Incoming::Unsubscribe { pod_id }) => {
            // An invalid id was never subscribed to.
            if let Ok(id) = pod_id.parse() {
                listener.unsubscribe(&id);
            }
            None
        }
        Ok(Incoming::SubscribeAll { everybody }) => {
            listener.subscribe_all(if everybody {
                Scope::Everybody
            } else {
                Scope::Changes
            });
            None
        }
        Ok(Incoming::SubscribeAccount) => {
            app.report_account(listener);
            None
        }
        Ok(Incoming::Ping) => Some(Event::new("pong", json!({}))),
        // Already signed in; another user needs another connection.
        Ok(Incoming::Auth { .. }) => None,
        Err(_) => error(&not_understood(), None),
    }
}

impl App {
    /// Subscribes a listener to one pod, even if another server has just created it.
    ///
    /// # Errors
    /// The pod does not exist for them, they have too many subscriptions, or they ask too often for unknown
    /// pods.
    pub(super) async fn listen_to(&self, listener: &Listener, pod_id: &str) -> Result<(), Failure> {
        let no_pod = || refused(Refusal::NoPod);
        let id = pod_id.parse().map_err(|_| no_pod())?;
        let known = self.live.pod(&id);
        // Somebody else's pod is looked up like a missing one, so that the time of the answer reveals nothing.
        if !known.is_some_and(|pod| listener.actor().may_touch(&pod.owner)) {
            self.limiter.check_user(&listener.actor().id)?;
            let pod = self
                .platform
                .get(listener.actor(), &id)
                .await
                .map_err(|_| no_pod())?;
            self.live.learn(pod);
        }
        listener.subscribe(&id).map_err(refused)
    }
}
