//! Live updates: one source of events, two transports.

mod accounts;
mod ack;
mod alerts;
mod current;
mod hub;
mod listener;
mod message;
mod shared;
mod socketio;
mod ws;

#[cfg(test)]
pub(crate) use self::listener::{Alert, Listener, MAX_SUBSCRIPTIONS, Outgoing, Scope};
pub(crate) use self::{
    accounts::{Accounts, watch as watch_accounts},
    hub::Hub,
    listener::Refusal,
    shared::{is_shared, watch as watch_others},
    socketio::serve as serve_socketio,
    ws::{describe as describe_websocket, open as websocket},
};
