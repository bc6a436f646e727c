//! Live updates, from the change of a pod to the events that a client receives.

mod dead_peers;
mod listener;
mod replicas;
mod socketio;
mod standing;
mod ws;
