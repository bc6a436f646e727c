//! What is counted, for Prometheus.

mod cluster;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use http::Method;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use neuropod::{Pod, Status};

pub(crate) use self::cluster::MeteredCluster;
use crate::app::App;

/// The upper bounds of the histograms, in seconds: from the answer to a request to the pull of a big image.
const BUCKETS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1200.0,
];

/// Begins to count, for the whole process; all servers in it count together.
///
/// # Errors
/// Something else counts already.
pub(crate) fn begin() -> Result<PrometheusHandle> {
    static BEGUN: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

    let mut begun = BEGUN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*begun {
        return Ok(handle.clone());
    }
    let seconds = Matcher::Suffix("_seconds".into());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(seconds, &BUCKETS)?;
    Ok(begun.insert(builder.install_recorder()?).clone())
}

/// How long it took pods to get where they are.
pub(crate) struct Progress {
    cluster: Arc<MeteredCluster>,
}

impl Progress {
    /// Times are taken from what this cluster has told.
    pub(crate) fn new(cluster: Arc<MeteredCluster>) -> Self {
        Self { cluster }
    }

    /// A record has changed.
    pub(crate) fn seen(&self, before: Option<&Pod>, now: &Pod) {
        if let Some(lag) = self.cluster.told_since(&now.id) {
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

/// Everything that was counted, as Prometheus reads it.
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

/// Lets histograms forget what was read, until it is dropped.
pub(crate) async fn upkeep(app: Arc<App>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(5));
    loop {
        ticks.tick().await;
        app.metrics.run_upkeep();
    }
}

/// The time of a request.
pub(crate) fn request(method: &Method, route: &str, status: u16, time: Duration) {
    let labels = [
        ("method", known(method).to_owned()),
        ("route", route.to_owned()),
        ("status", status.to_string()),
    ];
    metrics::counter!("neuropod_http_requests_total", &labels).increment(1);
    metrics::histogram!("neuropod_http_request_seconds", "route" => route.to_owned())
        .record(time.as_secs_f64());
}

/// A method that there is: each label is kept for ever, and clients may write any word.
fn known(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS => method.as_str(),
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_invent_is_counted_as_one() {
        assert_eq!(known(&Method::GET), "GET");
        for invented in ["BREW", "GET1", "get"] {
            assert_eq!(known(&Method::from_bytes(invented.as_bytes()).unwrap()), "other");
        }
    }
}
