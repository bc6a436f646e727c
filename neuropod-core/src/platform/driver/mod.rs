//! What makes the records true: a controller loop over watch events, calls and timers.
//!
//! `controller` enqueues pods in the `queue` and lets workers make one reconcile `pass` over each; a `slot` holds what it
//! knows of one pod, with a `view` of it in the cluster. `resync` reads everything, for what nobody reports.
//! `token_capture` reads the logs that say how to log in.

mod controller;
mod log_times;
mod pass;
mod queue;
mod resync;
mod slot;
mod token_capture;
mod view;
