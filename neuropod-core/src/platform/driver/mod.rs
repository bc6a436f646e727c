//! The controller loop that carries out the stored intentions, driven by watch events, calls and timers.
//!
//! `controller` enqueues pods in the `queue` and lets workers make one reconcile `pass` over each; a `slot`
//! holds its state of one pod, with a `view` of the pod in the cluster. `resync` reads everything, to find
//! unreported changes. `orphans` removes objects without a record. `token_capture` reads the logs for access tokens.

mod backoff;
mod controller;
mod log_times;
mod orphans;
mod pass;
mod pulse;
mod queue;
mod resync;
mod slot;
mod token_capture;
mod view;
