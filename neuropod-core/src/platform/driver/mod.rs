//! The controller loop that carries out the stored intentions, driven by watch events, calls and timers.
//!
//! The `control_loop` of the `controller` enqueues pods in the `queue`, and `passes` lets workers make one reconcile `pass` over
//! each; a `slot` holds its state of one pod, with a `view` of the pod in the cluster, which a pass gets as a `sight`. `resync` reads
//! everything, to find unreported changes, which `resyncs` takes in part by part; `stillness` says when the cluster need
//! not be listed for it. Where several replicas divide the pods, `division` keeps up which of them run, and `membership`
//! decides what is this one's. `orphans` removes objects without a record. `token_capture` reads the logs for access tokens,
//! turn by turn as `log_turns` says; `log_places` decides which of them are open, and `log_queue` waits for it.

mod backoff;
mod control_loop;
mod controller;
mod division;
mod log_places;
mod log_queue;
mod log_times;
mod log_turns;
mod membership;
mod orphans;
mod pass;
mod pass_report;
mod passes;
mod pulse;
mod queue;
mod resync;
mod resyncs;
mod sight;
mod slot;
mod stillness;
mod token_capture;
mod view;
