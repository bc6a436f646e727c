//! Opens the configured store and cluster, and runs the background tasks.

use std::sync::Arc;

use anyhow::{Context, Result};
use metrics_exporter_prometheus::PrometheusHandle;
use neuropod::clock::{Clock, SystemClock};

use crate::app::{App, Shared};
use crate::backends::{self, Store};
use crate::config::Config;
use crate::contract::template_body;
use crate::kept_types::keep_types;
use crate::secrets::Secrets;
use crate::{gallery, limit_requests, live, metrics, usage};

impl App {
    /// An application on the configured store and cluster.
    ///
    /// # Errors
    /// The reason why the server can't start, with the name of the wrong value.
    pub(crate) async fn start(config: Config, metrics: PrometheusHandle) -> Result<Shared> {
        backends::check_folder(&config)?;
        let secrets = Secrets::open(&config.secrets, &backends::place_of_secrets(&config))?;
        let store = Store::open(&config).await?;
        Self::start_on(config, &secrets, &store, metrics).await
    }

    /// An application on this store and the configured cluster.
    ///
    /// # Errors
    /// Why the server can't start, with the name of the wrong value.
    pub(crate) async fn start_on(
        mut config: Config,
        secrets: &Secrets,
        store: &Store,
        metrics: PrometheusHandle,
    ) -> Result<Shared> {
        config.catalogue = keep_types(config.catalogue, &*store.pods).await?;
        let (cluster, simulated) = backends::cluster(&config).await?;
        if config.dev && store.pods.users().await?.is_empty() && store.pods.templates().await?.is_empty() {
            store.pods.insert_template(&template_body::first()).await?;
        }
        // A simulated cluster has its own time.
        let clock: Arc<dyn Clock> = match &simulated {
            Some(simulated) => Arc::new(simulated.clock()),
            None => Arc::new(SystemClock),
        };
        let app = Self::on(config, secrets, store, cluster, clock, metrics)?;
        if let Some(cluster) = simulated {
            gallery::open(&app, store, cluster).await.context("scenario")?;
        }
        Ok(app)
    }

    /// The background tasks, until this is dropped.
    pub(crate) async fn background(self: Arc<Self>) {
        tokio::join!(
            self.live.follow(&self.platform, &self.progress),
            usage::watch(Arc::clone(&self)),
            metrics::upkeep(Arc::clone(&self)),
            limit_requests::upkeep(Arc::clone(&self)),
            live::watch_others(Arc::clone(&self)),
            live::watch_accounts(Arc::clone(&self)),
        );
    }
}
