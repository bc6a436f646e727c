//! The life of a server, from its configuration to its end.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::app::{App, Shared};
use crate::config::Config;
use crate::listen::{self, DRAIN};
use crate::waiting::Waiting;
use crate::{dashboard, metrics, pods, router, routes, tls};

/// A server that is ready to run.
pub struct Server {
    app: Shared,
    listener: TcpListener,
    metrics: Option<TcpListener>,
}

impl Server {
    /// Opens store, cluster and ports.
    ///
    /// # Errors
    /// The reason why it can't start, with the name of the wrong value.
    pub async fn start(mut config: Config) -> Result<Self> {
        tls::use_ring();
        let (address, metrics_address) = (config.listen, config.metrics_listen);
        let listen = async |name: &str, address: SocketAddr| {
            TcpListener::bind(address)
                .await
                .with_context(|| format!("{name}: {address}"))
        };
        warn(&config);
        // Before the store is opened, because links may need the port, and a second server that is started by
        // mistake should not change anything.
        let metrics = match metrics_address {
            Some(address) => Some(listen("metrics_listen", address).await?),
            None => None,
        };
        let listener = listen("listen", address).await?;
        config.listen = listener.local_addr()?;
        Ok(Self {
            // Boxed, because opening the store and the cluster makes a large future.
            app: Box::pin(App::start(config, metrics::begin()?)).await?,
            listener,
            metrics,
        })
    }

    /// The configuration, with the actual address.
    pub fn config(&self) -> &Config {
        &self.app.config
    }

    /// The address on which it listens.
    ///
    /// # Errors
    /// If the system does not report it.
    pub fn address(&self) -> Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Serves until `shutdown` completes. Then it accepts no new requests, ends streams, finishes other
    /// requests, and hands the pods over: the state is in the store, and another server or the next run
    /// continues.
    ///
    /// # Errors
    /// The driver can't continue, or a listener fails.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<()> {
        let Self {
            app,
            listener,
            metrics,
        } = self;
        let mut router = router::router(&app);
        let mut tasks = JoinSet::new();
        let operations = Router::new()
            .route("/metrics", get(routes::metrics))
            .with_state(Arc::clone(&app));
        match metrics {
            Some(metrics) => {
                let serving = listen::serve(metrics, operations, Waiting::new(None), app.stopping.clone());
                tasks.spawn(async {
                    serving.await;
                    Ok(())
                });
            }
            None => router = operations.merge(router),
        }
        // A debug build creates the page on demand, because that is slow there and may never be needed.
        if !cfg!(debug_assertions) {
            tokio::task::spawn_blocking(dashboard::prepare);
        }
        router = router.layer(from_fn_with_state(Arc::clone(&app), pods::route));
        let limits = &app.config.limits;
        // All connections of a proxy come from its address.
        let waiting = limits
            .client_address_header
            .is_none()
            .then_some(limits.waiting_connections);
        let waiting = Waiting::new(waiting.map(|most| most as usize));
        let serving = listen::serve(listener, router, waiting, app.stopping.clone());
        tasks.spawn(async {
            serving.await;
            Ok(())
        });
        let background = tokio::spawn(Arc::clone(&app).background());
        let driver = {
            let (platform, stopping) = (app.platform.clone(), app.stopping.clone());
            tasks.spawn(async move {
                platform
                    .run(stopping.cancelled_owned())
                    .await
                    .context("the driver")
            })
        };
        tokio::select! {
            () = shutdown => {}
            // They only end with an error.
            Some(ended) = tasks.join_next() => {
                app.stopping.cancel();
                background.abort();
                return ended?;
            }
        }
        tracing::info!("stopping");
        app.stopping.cancel();
        let drained = timeout(DRAIN + Duration::from_secs(5), async {
            while let Some(ended) = tasks.join_next().await {
                ended??;
            }
            Ok(())
        });
        let ended = drained.await.unwrap_or_else(|_| {
            tracing::warn!("some requests were broken off");
            Ok(())
        });
        drop(driver);
        background.abort();
        ended
    }
}

/// Warns of settings that are allowed but probably not intended.
fn warn(config: &Config) {
    let auth = &config.auth;
    if config.dev && !config.listen.ip().is_loopback() {
        tracing::warn!("dev: whoever reaches {} is whom they say they are", config.listen);
    }
    if !config.dev && auth.google_client_id.is_none() && auth.jwks_url.is_none() {
        tracing::warn!("nobody can sign in: give --dev, auth.google_client_id or auth.jwks_url");
    }
}
