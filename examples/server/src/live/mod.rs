//! Live updates: one source of events, two transports.

mod account_reports;
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
#[cfg(test)]
mod tests;
mod ws;

pub(crate) use self::{
    account_reports::watch as watch_accounts,
    accounts::Accounts,
    hub::Hub,
    shared::watch as watch_others,
    socketio::serve as serve_socketio,
    ws::{describe as describe_websocket, open as websocket},
};
#[cfg(test)]
pub(crate) use self::{
    listener::{Listener, Refusal},
    mailbox::{Alert, MAX_SUBSCRIPTIONS, Outgoing, Scope},
};
