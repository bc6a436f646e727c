//! Live updates: one source of events, two transports.

mod hub;
mod listener;
mod message;
mod socketio;
mod ws;

#[cfg(test)]
pub(crate) use self::listener::{Listener, Outgoing, Scope};
pub(crate) use self::{
    hub::Hub,
    listener::Refusal,
    socketio::serve as serve_socketio,
    ws::{describe as describe_websocket, open as websocket},
};
