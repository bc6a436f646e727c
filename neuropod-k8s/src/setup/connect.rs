//! Ways to reach a cluster: from a kubeconfig or a `ServiceAccount` to a client.

use std::io;
use std::path::Path;
use std::time::Duration;

use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use neuropod_core::{Error, ErrorKind, Result};

/// A reachable API server accepts a connection well within this time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The location of this process relative to the cluster.
pub(crate) enum Place {
    /// Outside, with a kubeconfig.
    Outside(kube::Config),
    /// Inside the cluster.
    Inside(kube::Config),
}

/// The connection of a kubeconfig file, in its current context or the one named.
pub(crate) async fn from_kubeconfig(path: &Path, context: Option<&str>) -> Result<kube::Config> {
    let unreadable = |error| unusable(error).with_context("file", path.display().to_string());
    let file = Kubeconfig::read_from(path).map_err(unreadable)?;
    let options = KubeConfigOptions {
        context: context.map(Into::into),
        ..KubeConfigOptions::default()
    };
    kube::Config::from_custom_kubeconfig(file, &options)
        .await
        .map_err(unreadable)
}

/// The connection of the `ServiceAccount` that this process runs as.
pub(crate) fn in_cluster() -> Result<kube::Config> {
    kube::Config::incluster().map_err(|error| {
        Error::new(
            ErrorKind::NotConfigured,
            "this process does not run in a pod with a ServiceAccount token",
        )
        .with_source(error)
    })
}

/// The connection of the kubeconfig that `kubectl` would use, or else that of the cluster around this process.
pub(crate) async fn infer() -> Result<Place> {
    match kube::Config::from_kubeconfig(&KubeConfigOptions::default()).await {
        Ok(connection) => Ok(Place::Outside(connection)),
        // If both fail, the error of the kubeconfig is returned, because people can fix that.
        Err(error) => kube::Config::incluster()
            .map(Place::Inside)
            .map_err(|_| unusable(error)),
    }
}

/// A client for the connection. `deadline` is that of each operation.
pub(crate) fn client(mut connection: kube::Config, deadline: Duration) -> Result<Client> {
    // kube would retry up to 15 times, so that operations would end only at their deadline.
    connection.default_retry = false;
    connection.connect_timeout = Some(CONNECT_TIMEOUT.min(deadline));
    Client::try_from(connection).map_err(|error| {
        Error::new(
            ErrorKind::NotConfigured,
            "the certificates or credentials for the cluster can't be used",
        )
        .with_source(error)
    })
}

/// The reason why there is no connection. The error does not repeat the contents of a kubeconfig, which has
/// secrets.
fn unusable(error: KubeconfigError) -> Error {
    let failure = |text| Error::new(ErrorKind::NotConfigured, text);
    match error {
        KubeconfigError::Parse(error) => {
            let place = error.location().map_or_else(String::new, |place| {
                format!(", at line {}, column {}", place.line(), place.column())
            });
            failure("the kubeconfig can't be used").with_source(format!("it is not the YAML of one{place}"))
        }
        KubeconfigError::FindPath => {
            failure("there is no kubeconfig, and this process does not run in a cluster")
        }
        KubeconfigError::ReadConfig(error, path) if error.kind() == io::ErrorKind::NotFound => {
            failure("there is no kubeconfig, and this process does not run in a cluster")
                .with_context("file", path.display().to_string())
        }
        other => failure("the kubeconfig can't be used").with_source(other),
    }
}
