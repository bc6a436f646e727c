//! The state that every request can use.

use std::sync::Arc;

use anyhow::{Context, Result};
use jiff::SignedDuration;
use metrics_exporter_prometheus::PrometheusHandle;
use neuropod::clock::Clock;
use neuropod::naming::Naming;
use neuropod::token::RegexTokens;
use neuropod::{Platform, PriceList};
use secrecy::ExposeSecret;
use tokio_util::sync::CancellationToken;

use crate::auth::{Access, Google, Issuer, Keys, Presence, Sessions, Tokens};
use crate::backends::{self, Cluster, Store};
use crate::config::Config;
use crate::contract::amount;
use crate::directory::Directory;
use crate::limits::Limiter;
use crate::live::{self, Hub};
use crate::log_places::LogPlaces;
use crate::metrics::{MeteredCluster, Progress};
use crate::readiness::Readiness;
use crate::secrets::Secrets;
use crate::stock::Stock;
use crate::usage::Figures;
use crate::{gallery, pods};

/// The state that every request can use.
pub(crate) struct App {
    /// The configuration.
    pub(crate) config: Config,
    /// The platform.
    pub(crate) platform: Platform,
    /// The prices of the configuration.
    pub(crate) prices: PriceList,
    /// Makes and checks tokens.
    pub(crate) tokens: Tokens,
    /// Signing in with Google, where it is set up.
    pub(crate) google: Option<Google>,
    /// Another issuer of tokens, where there is one.
    pub(crate) issuer: Option<Issuer>,
    /// The people who may sign in, and their roles.
    pub(crate) access: Access,
    /// The users who were active lately.
    pub(crate) presence: Presence,
    /// Open connections, which end with their sessions.
    pub(crate) sessions: Sessions,
    /// Live updates.
    pub(crate) live: Arc<Hub>,
    /// Accounts that changed, to report to their owners.
    pub(crate) accounts: live::Accounts,
    /// The use of processors, memory and GPUs.
    pub(crate) usage: Figures,
    /// The GPUs of the cluster.
    pub(crate) stock: Stock,
    /// The names and addresses of users.
    pub(crate) directory: Directory,
    /// Whether store and cluster work.
    pub(crate) readiness: Readiness,
    /// Rate limits.
    pub(crate) limiter: Limiter,
    /// The logs that are being read, and by whom.
    pub(crate) log_places: LogPlaces,
    /// Metrics.
    pub(crate) metrics: PrometheusHandle,
    /// Cancelled when the server stops, to end what would go on forever.
    pub(crate) stopping: CancellationToken,
    /// How long pods take.
    pub(crate) progress: Progress,
}

/// The application, as handlers get it.
pub(crate) type Shared = Arc<App>;

impl App {
    /// An application on this store and this cluster, with the time of this clock. Others may be on them too.
    ///
    /// # Errors
    /// A value that can't be used.
    pub(crate) fn on(
        config: Config,
        secrets: &Secrets,
        store: &Store,
        cluster: Cluster,
        clock: Arc<dyn Clock>,
        metrics: PrometheusHandle,
    ) -> Result<Shared> {
        let metered = Arc::new(MeteredCluster::new(cluster.backend));
        let cluster = Cluster {
            backend: metered.clone(),
            ..cluster
        };
        let platform = platform(&config, secrets, store, &cluster, clock)?;
        let client = reqwest::Client::builder()
            .build()
            .context("the client for keys can't be made")?;
        let keys = |url: &str| Keys::at(url, client.clone());
        let auth = &config.auth;
        let google = auth.google_client_id.clone().map(|client_id| Google {
            keys: keys(&auth.google_keys_url),
            client_id,
        });
        let issuer = match (&auth.jwks_url, &auth.issuer, &auth.audience) {
            (Some(url), Some(name), Some(audience)) => Some(Issuer {
                keys: keys(url),
                name: name.clone(),
                audience: audience.clone(),
                verifies_addresses: auth.issuer_verifies_addresses,
            }),
            _ => None,
        };
        Ok(Arc::new(Self {
            access: Access::of(&config)?,
            tokens: Tokens::new(&secrets.jwt, auth.token_hours),
            google,
            issuer,
            live: Arc::default(),
            accounts: live::Accounts::default(),
            usage: Figures::default(),
            stock: Stock::default(),
            directory: Directory::default(),
            readiness: Readiness::default(),
            log_places: LogPlaces::new(config.kube.log_streams),
            limiter: Limiter::new(&config.limits),
            stopping: CancellationToken::new(),
            progress: Progress::new(metered),
            prices: config.prices.list()?,
            config,
            platform,
            presence: Presence::default(),
            sessions: Sessions::default(),
            metrics,
        }))
    }
}

fn platform(
    config: &Config,
    secrets: &Secrets,
    store: &Store,
    cluster: &Cluster,
    clock: Arc<dyn Clock>,
) -> Result<Platform> {
    let naming = if config.legacy_names {
        Naming::legacy_md5(&config.domain)
    } else {
        Naming::new(&config.domain, secrets.naming.expose_secret())
    };
    let mut builder = Platform::builder()
        .cluster(Arc::clone(&cluster.backend))
        .clock(clock)
        .store(Arc::clone(&store.pods))
        .billing(Arc::clone(&store.billing))
        .audit(Arc::clone(&store.audit))
        .audit_kept(SignedDuration::from_hours(i64::from(config.audit_days) * 24))
        .naming(pods::links(
            naming
                .context("domain")?
                .with_reserved(config.reserved_hosts.iter().cloned()),
            config,
        ))
        .images(config.images.rules()?)
        .catalogue(config.catalogue.clone())
        .price_list(config.prices.list()?)
        .price_policy(config.price_policy)
        .layout(backends::layout(config))
        .currency(config.money().context("currency")?)
        .opening_credit(amount::exact(config.opening_credit).context("opening_credit is no amount")?)
        .max_pods(gallery::max_pods(config))
        .limits(
            neuropod::pod::Limits::default()
                .with_disk_gb(config.limits.disk_gb)
                .with_volume_gb(config.limits.volume_gb)
                .with_ports(config.limits.ports),
        );
    if let Some(folding) = &store.folding {
        builder = builder.folding(Arc::clone(folding));
    }
    if config.fold_after_days > 0 {
        builder = builder.fold_after(SignedDuration::from_hours(i64::from(config.fold_after_days) * 24));
    }
    if let Some(hints) = &store.hints {
        builder = builder.hints(Arc::clone(hints));
    }
    if let Some(replicas) = &cluster.replicas {
        builder = builder.replicas(Arc::clone(replicas));
    }
    if let Some(cap) = config.daily_cap {
        builder = builder.daily_cap(amount::exact(cap).context("daily_cap is no amount")?);
    }
    if let Some(hours) = config.volume_grace_hours {
        builder = builder.volume_grace(SignedDuration::from_hours(hours.into()));
    }
    builder = builder.start_limit(SignedDuration::from_mins(config.start_limit_minutes.into()));
    if let Some(pattern) = &config.token_pattern {
        builder = builder.tokens(Arc::new(RegexTokens::new(pattern).context("token_pattern")?));
    }
    let thresholds = config.low_balance_seconds.iter();
    builder = builder
        .low_balance_thresholds(thresholds.map(|seconds| SignedDuration::from_secs((*seconds).into())));
    Ok(builder.build()?)
}
