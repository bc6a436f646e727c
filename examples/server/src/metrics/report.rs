//! The metrics in the format of Prometheus.

use std::sync::Arc;
use std::time::Duration;

use neuropod::Status;

use crate::app::App;

/// All metrics in the format of Prometheus.
pub(crate) fn text(app: &App) -> String {
    let pods = app.live.pods();
    for status in [Status::Creating, Status::Running, Status::Stopped, Status::Error] {
        let count = pods.iter().filter(|pod| pod.status == status).count();
        metrics::gauge!("neuropod_pods", "status" => status.as_str()).set(number(count));
    }
    metrics::gauge!("neuropod_listeners").set(number(app.live.listeners()));
    app.metrics.render()
}

#[expect(clippy::cast_precision_loss, reason = "exact far beyond any number of pods")]
fn number(count: usize) -> f64 {
    count as f64
}

/// Drains histograms regularly, until it is dropped.
pub(crate) async fn upkeep(app: Arc<App>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(5));
    loop {
        ticks.tick().await;
        app.metrics.run_upkeep();
    }
}
