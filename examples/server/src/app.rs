//! The application: what every request can use, and how requests get to it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, Method, header};
use jiff::SignedDuration;
use metrics_exporter_prometheus::PrometheusHandle;
use neuropod::naming::Naming;
use neuropod::token::RegexTokens;
use neuropod::{Billing, ClusterBackend, Platform, PriceList};
use secrecy::ExposeSecret;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};

use crate::auth::{self, Access, Google, Issuer, Keys, Presence, Sessions, Tokens};
use crate::backends::{self, Store};
use crate::config::Config;
use crate::contract::failure::{self, Failure};
use crate::contract::{euros, template_body};
use crate::directory::Directory;
use crate::limits::{self, Limiter};
use crate::live::{self, Hub};
use crate::log_places::LogPlaces;
use crate::metrics::{MeteredCluster, Progress};
use crate::readiness::Readiness;
use crate::secrets::Secrets;
use crate::stock::Stock;
use crate::usage::Figures;
use crate::{encoding, gallery, headers, host, pods, refusals, routes, trace};

/// What every request can use.
pub(crate) struct App {
    /// What the server was told.
    pub(crate) config: Config,
    /// The platform.
    pub(crate) platform: Platform,
    /// Where pods, users, templates and prices are kept.
    pub(crate) store: Arc<dyn neuropod::store::Store>,
    /// Where money is kept.
    pub(crate) billing: Arc<dyn Billing>,
    /// Where pods run.
    pub(crate) cluster: Arc<dyn ClusterBackend>,
    /// The prices of the configuration.
    pub(crate) prices: PriceList,
    /// Makes and checks tokens.
    pub(crate) tokens: Tokens,
    /// Signing in with Google, where it is set up.
    pub(crate) google: Option<Google>,
    /// Another issuer of tokens, where there is one.
    pub(crate) issuer: Option<Issuer>,
    /// Who may come in, and as what.
    pub(crate) access: Access,
    /// Who is there.
    pub(crate) presence: Presence,
    /// What ends with their sessions.
    pub(crate) sessions: Sessions,
    /// Live updates.
    pub(crate) live: Arc<Hub>,
    /// The accounts whose owners are to be told how they stand.
    pub(crate) accounts: live::Accounts,
    /// What pods use.
    pub(crate) usage: Figures,
    /// The GPUs of the cluster.
    pub(crate) stock: Stock,
    /// The names and addresses of users.
    pub(crate) directory: Directory,
    /// Whether store and cluster answer.
    pub(crate) readiness: Readiness,
    /// How much one may ask for.
    pub(crate) limiter: Limiter,
    /// How many logs are read, and by whom.
    pub(crate) log_places: LogPlaces,
    /// What is counted.
    pub(crate) metrics: PrometheusHandle,
    /// The server stops: whatever goes on without end ends.
    pub(crate) stopping: CancellationToken,
    progress: Progress,
}

/// The application, as handlers get it.
pub(crate) type Shared = Arc<App>;

/// Within this time every question is answered: the frontend waits for five seconds.
const ANSWERED: Duration = Duration::from_millis(4500);
/// Within this time every change is: for these it waits for 30.
const CHANGED: Duration = Duration::from_secs(28);

impl App {
    /// An application on the store and the cluster that are configured.
    ///
    /// # Errors
    /// What keeps the server from starting, with the name of the value that is wrong.
    pub(crate) async fn start(mut config: Config, metrics: PrometheusHandle) -> Result<Shared> {
        backends::check_folder(&config)?;
        let secrets = Secrets::open(&config.secrets, &backends::place_of_secrets(&config))?;
        let store = Store::open(&config).await?;
        config.catalogue = backends::keep_types(config.catalogue, &*store.pods).await?;
        let (cluster, simulated) = backends::cluster(&config).await?;
        if config.dev && store.pods.users().await?.is_empty() && store.pods.templates().await?.is_empty() {
            store.pods.insert_template(&template_body::first()).await?;
        }
        let app = Self::on(config, &secrets, store, cluster, metrics)?;
        if let Some(cluster) = simulated {
            gallery::open(&app, cluster).await.context("scenario")?;
        }
        Ok(app)
    }

    /// An application on this store and this cluster. Others may be on them too.
    ///
    /// # Errors
    /// A value that can't be used.
    pub(crate) fn on(
        config: Config,
        secrets: &Secrets,
        store: Store,
        cluster: Arc<dyn ClusterBackend>,
        metrics: PrometheusHandle,
    ) -> Result<Shared> {
        let metered = Arc::new(MeteredCluster::new(cluster));
        let cluster: Arc<dyn ClusterBackend> = metered.clone();
        let platform = platform(&config, secrets, &store, &cluster)?;
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
            store: store.pods,
            billing: store.billing,
            cluster,
            presence: Presence::default(),
            sessions: Sessions::default(),
            metrics,
        }))
    }

    /// What goes on beside the requests, until it is dropped.
    pub(crate) async fn background(self: Arc<Self>) {
        tokio::join!(
            self.live.follow(&self.platform, &self.progress),
            crate::usage::watch(Arc::clone(&self)),
            crate::metrics::upkeep(Arc::clone(&self)),
            limits::upkeep(Arc::clone(&self)),
            live::watch_others(Arc::clone(&self)),
            live::watch_accounts(Arc::clone(&self)),
        );
    }
}

fn platform(
    config: &Config,
    secrets: &Secrets,
    store: &Store,
    cluster: &Arc<dyn ClusterBackend>,
) -> Result<Platform> {
    let naming = if config.legacy_names {
        Naming::legacy_md5(&config.domain)
    } else {
        Naming::new(&config.domain, secrets.naming.expose_secret())
    };
    let mut builder = Platform::builder()
        .cluster(Arc::clone(cluster))
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
        .opening_credit(euros::amount(config.opening_credit).context("opening_credit is no amount in EUR")?)
        .max_pods(gallery::max_pods(config));
    if let Some(cap) = config.daily_cap {
        builder = builder.daily_cap(euros::amount(cap).context("daily_cap is no amount in EUR")?);
    }
    if let Some(hours) = config.volume_grace_hours {
        builder = builder.volume_grace(SignedDuration::from_hours(hours.into()));
    }
    builder = builder.start_limit(SignedDuration::from_mins(config.start_limit_minutes.into()));
    if let Some(pattern) = &config.token_pattern {
        builder = builder.tokens(Arc::new(RegexTokens::new(pattern).context("token_pattern")?));
    }
    let marks = config.low_balance_seconds.iter();
    builder = builder.low_balance_marks(marks.map(|seconds| SignedDuration::from_secs((*seconds).into())));
    Ok(builder.build()?)
}

/// Everything that is served.
pub(crate) fn router(app: &Shared) -> Router {
    let request_id = HeaderName::from_static("x-request-id");
    let body = app.config.limits.body_kib.saturating_mul(1024);
    let state = || Arc::clone(app);
    let (routes, _) = routes::all();
    live::serve_socketio(routes, app)
        .layer(DefaultBodyLimit::max(body))
        // What says that it is too big is refused before it comes.
        .layer(RequestBodyLimitLayer::new(body))
        .layer(
            ServiceBuilder::new()
                .layer(SetRequestIdLayer::new(request_id.clone(), MakeRequestUuid))
                .layer(from_fn(trace::requests))
                .layer(PropagateRequestIdLayer::new(request_id))
                .layer(from_fn(encoding::compress))
                .layer(from_fn(headers::secure))
                .layer(cors(&app.config.origins()))
                .layer(from_fn_with_state(state(), failure::localize))
                .layer(from_fn_with_state(state(), host::check))
                // Who asks is asked of the store, and of issuers: that counts too.
                .layer(from_fn(deadline))
                .layer(from_fn_with_state(state(), auth::identify))
                .layer(from_fn_with_state(state(), limits::limit))
                .layer(from_fn_with_state(state(), refusals::note)),
        )
        .with_state(state())
}

/// Middleware that answers in time whatever happens. A change that is broken off is finished by the driver, or has not
/// begun.
async fn deadline(request: Request, next: Next) -> Response {
    // A long poll waits for as long as there is nothing to tell, and ends by itself at the next ping.
    if request.uri().path().starts_with("/socket.io/") {
        return next.run(request).await;
    }
    let time = if request.method().is_safe() {
        ANSWERED
    } else {
        CHANGED
    };
    let answer = timeout(time, next.run(request)).await;
    answer.unwrap_or_else(|_| Failure::timeout().into_response())
}

fn cors(origins: &[String]) -> CorsLayer {
    let origins = origins
        .iter()
        .filter_map(|origin| HeaderValue::from_str(origin).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::ACCEPT_LANGUAGE,
            HeaderName::from_static("idempotency-key"),
        ])
        .expose_headers([header::RETRY_AFTER, HeaderName::from_static("x-request-id")])
        .max_age(Duration::from_hours(1))
}
