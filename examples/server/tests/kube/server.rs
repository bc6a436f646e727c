//! The server with the configuration of `examples/deploy`, on a MongoDB.

use neuropod_test_cluster::Mongo;

use crate::cluster::Site;
use crate::manifests;
pub(crate) use crate::process::Server;
use crate::process::Setup;

/// Pods that fit on a small node.
const CATALOGUE: &str = r#"
[catalogue.cpu]
name = "CPU"
size = { cpuMillis = 500, memoryMib = 512 }
"#;

/// The server, and the MongoDB that it needs as long as it runs.
pub(crate) async fn start(site: &Site) -> (Server, Mongo) {
    let store = Mongo::start().unwrap();
    let server = Server::start(Setup {
        configuration: &(manifests::configuration() + CATALOGUE),
        kubeconfig: &site.kubeconfig(),
        store: Some(database(&store.uri())),
        // There is no certificate for the hosts of the test.
        scheme: "http",
    })
    .await;
    (server, store)
}

/// A new database on the server at this address.
fn database(uri: &str) -> String {
    let name = format!("neuropod_test_{:016x}", rand::random::<u64>());
    let (server, options) = uri.split_once('?').unwrap_or((uri, ""));
    let separator = if options.is_empty() { "" } else { "?" };
    format!("{}/{name}{separator}{options}", server.trim_end_matches('/'))
}
