//! A replica of a platform on PostgreSQL. It drives the pods, and reads commands, one a line:
//!
//! | command | is answered with |
//! |---|---|
//! | `requests` | `ok`, and the requests to the API server since the last such command; what they were for goes to the standard error |

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail};
use clap::Args;
use http::Request;
use kube::client::{Body, ClientBuilder};
use neuropod_core::store::PodHints;
use neuropod_core::{Naming, Platform};
use neuropod_k8s::KubeCluster;
use neuropod_store::PostgresStore;
use tokio::io::{AsyncBufReadExt, BufReader};
use tower::util::MapRequestLayer;

use super::answer::say;
use super::bundle;
use crate::sample::FLEET_NAMESPACE;

/// The pods that one owner may have.
const MAX_PODS: u32 = 100;

/// A replica.
#[derive(Args, Clone, Debug)]
pub(crate) struct Replica {
    /// The database
    #[arg(long)]
    pub(crate) postgres: String,
    /// Divide the pods with other replicas
    #[arg(long)]
    pub(crate) leases: bool,
}

/// A platform on a database and a cluster.
pub(crate) fn platform(store: Arc<PostgresStore>, client: kube::Client, leases: bool) -> Result<Platform> {
    let config = bundle::config()
        .with_namespace(FLEET_NAMESPACE)
        .with_leases(leases);
    let cluster = Arc::new(KubeCluster::with_client(client, config));
    let mut parts = Platform::builder()
        .naming(Naming::new("pods.example.com", "a secret of at least 16 bytes")?)
        .cluster(cluster.clone())
        .store(store.clone())
        .billing(store.clone())
        .folding(store.clone())
        .hints(store as Arc<dyn PodHints>)
        .max_pods(MAX_PODS);
    if leases {
        parts = parts.replicas(cluster);
    }
    parts.build().context("the platform")
}

/// Drives the platform until nobody has commands.
pub(super) async fn run(replica: &Replica, mut connection: kube::Config) -> Result<()> {
    // Neuropod repeats what has to be repeated.
    connection.default_retry = false;
    let requests = Arc::new(Mutex::new(BTreeMap::<String, u64>::new()));
    let counter = Arc::clone(&requests);
    let count = move |request: Request<Body>| {
        let what = format!("{} {}", request.method(), resource(request.uri().path()));
        *lock(&counter).entry(what).or_default() += 1;
        request
    };
    let client = ClientBuilder::try_from(connection)
        .context("connect")?
        .with_layer(&MapRequestLayer::new(count))
        .build();
    let store = PostgresStore::open(&replica.postgres)
        .await
        .context("the database")?;
    let platform = platform(Arc::new(store), client, replica.leases)?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut driver = std::pin::pin!(platform.run(std::future::pending()));
    loop {
        tokio::select! {
            ended = &mut driver => return ended.context("the driver has ended"),
            line = lines.next_line() => match line.context("read a command")?.as_deref() {
                None => return Ok(()),
                Some("requests") => {
                    let since = std::mem::take(&mut *lock(&requests));
                    eprintln!("requests of the replica: {since:?}");
                    say(&format!("ok {}", since.values().sum::<u64>())).await?;
                }
                Some(line) => bail!("no such command: {line}"),
            },
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The resource in a path, with its subresource, without names.
fn resource(path: &str) -> String {
    let mut parts = path
        .trim_matches('/')
        .split('/')
        .skip_while(|part| *part != "v1")
        .skip(1);
    let first = parts.next().unwrap_or_default();
    let kind = match (first, parts.next()) {
        ("namespaces", Some(_)) => parts.next().unwrap_or(first),
        _ => first,
    };
    let subresource = parts.nth(1);
    subresource.map_or_else(|| kind.to_owned(), |subresource| format!("{kind}/{subresource}"))
}
