//! The start times of pods.

use std::sync::Arc;

use neuropod::{Pod, Status};

use super::cluster::MeteredCluster;

/// Measures how long pods take to reach their steps.
pub(crate) struct Progress {
    cluster: Arc<MeteredCluster>,
}

impl Progress {
    /// Times are measured from the reports of this cluster.
    pub(crate) fn new(cluster: Arc<MeteredCluster>) -> Self {
        Self { cluster }
    }

    /// Handles a change of a record.
    pub(crate) fn seen(&self, before: Option<&Pod>, now: &Pod) {
        if let Some(lag) = self.cluster.reported_since(&now.id) {
            metrics::histogram!("neuropod_reconcile_lag_seconds").record(lag.as_secs_f64());
        }
        let Some(before) = before.filter(|before| before.run == now.run) else {
            return;
        };
        let charged = now.charged - before.charged;
        metrics::counter!("neuropod_charged_microeuros_total")
            .increment(charged.micros().try_into().unwrap_or(0));
        if before.status != Status::Running && now.status == Status::Running {
            let time = now.updated_at.duration_since(now.requested_at);
            metrics::histogram!("neuropod_time_to_running_seconds").record(time.as_secs_f64().max(0.0));
        }
        let token_is_new = before.login.found != now.login.found;
        if let (true, Some(started)) = (token_is_new, now.started_at) {
            let time = now.updated_at.duration_since(started);
            metrics::histogram!("neuropod_token_seconds").record(time.as_secs_f64().max(0.0));
        }
    }
}
