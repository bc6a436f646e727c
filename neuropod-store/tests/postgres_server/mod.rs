//! A database for one test, on a real server.
#![allow(dead_code, reason = "no test uses all of it")]

use std::error::Error as _;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use neuropod_core::{Error, PodId, Result};
use neuropod_store::{PostgresOptions, PostgresStore};
use neuropod_test_cluster::{Postgres, PostgresServer, or_skip};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

/// An empty database. It is removed at the end; on a server of our own, with the server.
pub(crate) struct TestDatabase {
    pub(crate) uri: String,
    server: String,
    name: String,
}

impl TestDatabase {
    /// `None` if this machine has no server and can't start one; a skip of `test` is recorded. The tests of one process
    /// share a server, as it takes seconds to make one.
    pub(crate) async fn new(test: &str) -> Option<Self> {
        static SERVER: OnceLock<neuropod_test_cluster::Result<Postgres>> = OnceLock::new();
        let server = match SERVER.get_or_init(Postgres::start) {
            Ok(server) => server.uri(),
            Err(error) if error.is_unavailable() => {
                neuropod_test_cluster::skip(&format!("neuropod-store/{test}"), &error.to_string());
                return None;
            }
            Err(error) => panic!("{error}"),
        };
        Some(Self::on(&server).await)
    }

    /// An empty database on the server at this address.
    pub(crate) async fn on(server: &str) -> Self {
        let name = format!("neuropod_test_{}", PodId::random()).replace('-', "_");
        run(
            &mut connect(server, "postgres").await,
            &format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0"),
        )
        .await;
        Self {
            uri: with_database(server, &name),
            server: server.to_owned(),
            name,
        }
    }

    /// A connection without a store.
    pub(crate) async fn by_hand(&self) -> PgConnection {
        connect(&self.server, &self.name).await
    }

    pub(crate) async fn remove(self) {
        let mut other = connect(&self.server, "postgres").await;
        run(&mut other, &format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
        other.close().await.unwrap();
    }
}

/// A server that its test may stop.
pub(crate) fn own_server(test: &str) -> Option<PostgresServer> {
    or_skip(&format!("neuropod-store/{test}"), PostgresServer::start())
}

async fn connect(server: &str, database: &str) -> PgConnection {
    let options: PgConnectOptions = with_database(server, database).parse().unwrap();
    options.connect().await.unwrap()
}

pub(crate) async fn run(connection: &mut PgConnection, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(connection)
        .await
        .unwrap();
}

/// The address with the name of a database, which comes before the options.
pub(crate) fn with_database(uri: &str, name: &str) -> String {
    let (address, options) = uri.split_once('?').unwrap_or((uri, ""));
    let (scheme, rest) = address.split_once("://").unwrap();
    let host = rest.split('/').next().unwrap_or_default();
    format!("{scheme}://{host}/{name}?{options}")
}

/// How long an operation may take in tests that wait for its end.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(4);
/// The time limit of every operation with this time-out, whatever happens.
const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) fn options(uri: &str) -> PostgresOptions {
    PostgresOptions::new(uri).with_timeout(TIMEOUT)
}

/// A store that is not patient.
pub(crate) async fn open_impatient(uri: &str) -> PostgresStore {
    PostgresStore::open_with(options(uri)).await.unwrap()
}

pub(crate) async fn in_time<T>(operation: impl Future<Output = Result<T>>) -> Result<T> {
    let start = Instant::now();
    let result = operation.await;
    assert!(start.elapsed() < DEADLINE, "it took {:?}", start.elapsed());
    result
}

/// Repeats a change until it succeeds, as long as it may be repeated.
pub(crate) async fn repeat<F: Future<Output = Result<()>>>(change: impl Fn() -> F) {
    while let Err(error) = change().await {
        assert!(error.is_retryable(), "{error:?}");
    }
}

/// Everything that an error can show to a log.
pub(crate) fn shown(error: &Error) -> String {
    let mut shown = format!("{error} {error:?} {error:#?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        shown = format!("{shown} {error} {error:?}");
        cause = error.source();
    }
    shown
}
