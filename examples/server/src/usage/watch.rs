//! Measures the usage of pods from time to time.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{MissedTickBehavior, interval};

use super::dcgm;
use crate::actor::itself;
use crate::app::App;

/// How often pods are measured. Clusters measure about every 15 seconds.
const EVERY: Duration = Duration::from_secs(10);

/// Measures regularly, until it is dropped.
pub(crate) async fn watch(app: Arc<App>) {
    let exporters = dcgm::Exporters::new(app.config.kube.dcgm_urls.clone());
    let itself = itself();
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let (usage, gpus) = tokio::join!(app.platform.usage(&itself), exporters.ask(&app));
        let mut usage = usage.unwrap_or_else(|error| {
            tracing::warn!(%error, "the use of the pods is not known");
            app.usage.fresh(Timestamp::now())
        });
        dcgm::fill(&mut usage, gpus, Timestamp::now());
        let changed = app.usage.set(usage);
        app.live.refresh(&changed);
    }
}
