//! Live updates: one source of events, two transports.

mod accounts;
mod ack;
mod alerts;
mod audience;
mod current;
mod hub;
mod listener;
mod mailbox;
mod message;
mod shared;
mod socketio;
mod tell_accounts;
#[cfg(test)]
mod tests;
mod ws;

pub(crate) use self::{
    accounts::Accounts,
    hub::Hub,
    shared::watch as watch_others,
    socketio::serve as serve_socketio,
    tell_accounts::watch as watch_accounts,
    ws::{describe as describe_websocket, open as websocket},
};
#[cfg(test)]
pub(crate) use self::{
    listener::{Listener, Refusal},
    mailbox::{Alert, MAX_SUBSCRIPTIONS, Outgoing, Scope},
};
