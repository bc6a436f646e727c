//! Installs the recorder of metrics.

use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// The upper bounds of the histograms, in seconds: from the reply to a request to the pull of a large image.
const BUCKETS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1200.0,
];

/// Installs the recorder for the whole process; all servers in it share it.
///
/// # Errors
/// Another recorder is installed already.
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
