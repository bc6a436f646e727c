//! Live updates, from the change of a pod to what a client hears.

mod dead_peers;
mod listener;
mod replicas;
mod socketio;
mod standing;
mod ws;
