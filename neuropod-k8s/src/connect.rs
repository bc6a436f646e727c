//! Ways to reach a cluster.

use std::io;
use std::path::Path;
use std::time::Duration;

use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use neuropod_core::{Error, ErrorKind, Result};

use crate::cluster::KubeCluster;
use crate::config::KubeConfig;

/// An API server that can be reached takes a connection well within this.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl KubeCluster {
    /// The cluster of a kubeconfig file, in its current context or the one named.
    ///
    /// # Errors
    /// `NotConfigured` when the file, the context or what it refers to can't be read.
    pub async fn from_kubeconfig(path: &Path, context: Option<&str>, config: KubeConfig) -> Result<Self> {
        let unreadable = |error| unusable(error).with_context("file", path.display().to_string());
        let file = Kubeconfig::read_from(path).map_err(unreadable)?;
        let options = KubeConfigOptions {
            context: context.map(Into::into),
            ..KubeConfigOptions::default()
        };
        let connection = kube::Config::from_custom_kubeconfig(file, &options)
            .await
            .map_err(unreadable)?;
        Self::connect(connection, config)
    }

    /// The cluster that this process runs in, as the `ServiceAccount` of its pod.
    ///
    /// # Errors
    /// `NotConfigured` outside of a cluster.
    pub fn in_cluster(config: KubeConfig) -> Result<Self> {
        Self::inside(Self::own_connection()?, config)
    }

    fn own_connection() -> Result<kube::Config> {
        kube::Config::incluster().map_err(|error| {
            Error::new(
                ErrorKind::NotConfigured,
                "this process does not run in a pod with a ServiceAccount token",
            )
            .with_source(error)
        })
    }

    /// The cluster that this process runs in: it knows in which namespace.
    fn inside(connection: kube::Config, config: KubeConfig) -> Result<Self> {
        let own_namespace = Some(connection.default_namespace.clone());
        let mut cluster = Self::connect(connection, config)?;
        cluster.own_namespace = own_namespace;
        Ok(cluster)
    }

    /// The cluster of the current context of `$KUBECONFIG` or `~/.kube/config`, or else the one that this process
    /// runs in.
    ///
    /// # Errors
    /// `NotConfigured` where there is neither, or the kubeconfig can't be used.
    pub async fn infer(config: KubeConfig) -> Result<Self> {
        match kube::Config::from_kubeconfig(&KubeConfigOptions::default()).await {
            Ok(connection) => Self::connect(connection, config),
            // What is wrong with the kubeconfig is what can be put right: nobody makes a pod by hand.
            Err(error) => {
                let connection = kube::Config::incluster().map_err(|_| unusable(error))?;
                Self::inside(connection, config)
            }
        }
    }

    /// The cluster that `connection` describes. Has to be called on the async runtime that is going to use it.
    ///
    /// # Errors
    /// `NotConfigured` when the certificates or credentials can't be used.
    pub fn connect(mut connection: kube::Config, config: KubeConfig) -> Result<Self> {
        // Its own repetitions: up to 15, by which an operation would only ever end at its deadline.
        connection.default_retry = false;
        connection.connect_timeout = Some(CONNECT_TIMEOUT.min(config.deadline));
        let client = Client::try_from(connection).map_err(|error| {
            Error::new(
                ErrorKind::NotConfigured,
                "the certificates or credentials for the cluster can't be used",
            )
            .with_source(error)
        })?;
        Ok(Self::with_client(client, config))
    }
}

/// Why there is no cluster. What is written in a kubeconfig is not repeated: there are secrets in it.
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

#[cfg(test)]
mod tests {
    use super::*;

    async fn refused(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kubeconfig");
        std::fs::write(&path, text).unwrap();
        let error = KubeCluster::from_kubeconfig(&path, None, KubeConfig::default())
            .await
            .err()
            .unwrap();
        assert_eq!(*error.kind(), ErrorKind::NotConfigured);
        format!("{error}: {:?}", std::error::Error::source(&error))
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_kubeconfig_is_told_without_what_is_in_it() {
        let text = refused("users: [{ name: ana, user: { token: hunter2 }").await;
        assert!(text.contains("line 1") && !text.contains("hunter2"), "{text}");
        let text = refused("users:\n- name: ana\n  user: hunter2\n").await;
        assert!(text.contains("line 3") && !text.contains("hunter2"), "{text}");
        let text = refused("apiVersion: v1").await;
        assert!(text.contains("the kubeconfig can't be used"), "{text}");
    }
}
