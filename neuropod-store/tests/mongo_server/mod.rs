//! A database for one test, on a real server.
#![allow(
    dead_code,
    clippy::print_stdout,
    reason = "no test uses all of it; a failed test shows its server"
)]

use std::iter;

use mongodb::Client;
use neuropod_core::PodId;
use neuropod_core::conformance::without_nul;
use neuropod_test_cluster::{Mongo, MongoServer, Result, or_skip};

/// An empty database. It is removed at the end; on a server of our own, with the server.
pub(crate) struct TestDatabase {
    pub(crate) uri: String,
    server: Mongo,
}

impl TestDatabase {
    /// `None` if this machine has no server and can't start one; a skip of `test` is recorded.
    pub(crate) fn new(test: &str) -> Option<Self> {
        started(test, Mongo::start()).map(Self::on)
    }

    /// The same, but FerretDB keeps its documents in PostgreSQL.
    pub(crate) fn on_postgres(test: &str) -> Option<Self> {
        started(test, Mongo::start_on_postgres()).map(Self::on)
    }

    /// One for each way in which the server may keep documents: FerretDB has two.
    pub(crate) fn each(test: &str) -> impl Iterator<Item = Self> {
        each(test, Mongo::start, Mongo::start_on_postgres, Mongo::is_ferretdb).map(Self::on)
    }

    fn on(server: Mongo) -> Self {
        let name = format!("neuropod_test_{}", PodId::random());
        Self {
            uri: with_database(&server.uri(), &name),
            server,
        }
    }

    /// Whether the server refuses texts with the character NUL.
    pub(crate) fn refuses_nul(&self) -> bool {
        matches!(&self.server, Mongo::Own(server) if server.postgres().is_some())
    }

    /// Runs a suite, without the texts that the server refuses.
    pub(crate) async fn check(&self, suite: impl Future<Output = ()>) {
        if self.refuses_nul() {
            without_nul(suite).await;
        } else {
            suite.await;
        }
    }

    /// The database through the driver itself.
    pub(crate) async fn driver(&self) -> mongodb::Database {
        let client = Client::with_uri_str(&self.uri).await.unwrap();
        client.default_database().unwrap()
    }

    pub(crate) async fn remove(self) {
        self.driver().await.drop().await.unwrap();
    }
}

/// The servers that `test` may stop, one for each way in which it may keep documents.
pub(crate) fn own_servers(test: &str) -> impl Iterator<Item = MongoServer> {
    each(
        test,
        MongoServer::start,
        MongoServer::start_on_postgres,
        MongoServer::is_ferretdb,
    )
}

fn each<S>(
    test: &str,
    start: fn() -> Result<S>,
    start_on_postgres: fn() -> Result<S>,
    is_ferretdb: fn(&S) -> bool,
) -> impl Iterator<Item = S> {
    let first = started(test, start());
    let second = first.as_ref().is_some_and(is_ferretdb).then(|| {
        iter::once_with(move || {
            println!("now FerretDB on PostgreSQL");
            started(test, start_on_postgres())
        })
    });
    first.into_iter().chain(second.into_iter().flatten().flatten())
}

/// `None` where this machine has no server and can't start one; a skip of `test` is recorded.
pub(crate) fn started<S>(test: &str, server: Result<S>) -> Option<S> {
    or_skip(&format!("neuropod-store/{test}"), server)
}

/// The address with the name of a database, which comes before the options.
fn with_database(uri: &str, name: &str) -> String {
    let (address, options) = uri.split_once('?').unwrap_or((uri, ""));
    let (scheme, rest) = address.split_once("://").unwrap();
    let hosts = rest.split('/').next().unwrap_or_default();
    format!("{scheme}://{hosts}/{name}?{options}")
}
