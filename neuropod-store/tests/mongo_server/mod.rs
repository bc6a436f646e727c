//! A database for one test, on a real server.

use mongodb::Client;
use neuropod_core::PodId;
use neuropod_test_cluster::Mongo;

/// An empty database. It is removed at the end; on a server of our own, with the server.
pub(crate) struct TestDatabase {
    pub(crate) uri: String,
    _server: Mongo,
}

impl TestDatabase {
    /// `None` if this machine has no server and can't start one; a skip of `test` is recorded.
    pub(crate) fn new(test: &str) -> Option<Self> {
        let name = format!("neuropod_test_{}", PodId::random());
        let server = started(test, Mongo::start())?;
        Some(Self {
            uri: with_database(&server.uri(), &name),
            _server: server,
        })
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

/// `None` where this machine has no server and can't make one: noted as a skip of `test`.
pub(crate) fn started<S>(test: &str, server: neuropod_test_cluster::Result<S>) -> Option<S> {
    match server {
        Ok(server) => Some(server),
        Err(error) if error.is_unavailable() => {
            neuropod_test_cluster::skip(&format!("neuropod-store/{test}"), &error.to_string());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// The address with the name of a database, which comes before the options.
fn with_database(uri: &str, name: &str) -> String {
    let (address, options) = uri.split_once('?').unwrap_or((uri, ""));
    let (scheme, rest) = address.split_once("://").unwrap();
    let hosts = rest.split('/').next().unwrap_or_default();
    format!("{scheme}://{hosts}/{name}?{options}")
}
