//! Ways to reach a cluster.

use std::path::Path;
use std::time::Duration;

use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
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
        let unreadable = |error: kube::config::KubeconfigError| {
            Error::new(ErrorKind::NotConfigured, "the kubeconfig can't be used")
                .with_context("file", path.display().to_string())
                .with_source(error)
        };
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
        let connection = kube::Config::incluster().map_err(|error| {
            Error::new(
                ErrorKind::NotConfigured,
                "this process does not run in a pod with a ServiceAccount token",
            )
            .with_source(error)
        })?;
        Self::connect(connection, config)
    }

    /// The cluster of the current context of `$KUBECONFIG` or `~/.kube/config`, or else the one that this process
    /// runs in.
    ///
    /// # Errors
    /// `NotConfigured` where there is neither.
    pub async fn infer(config: KubeConfig) -> Result<Self> {
        let connection = kube::Config::infer().await.map_err(|error| {
            Error::new(
                ErrorKind::NotConfigured,
                "there is no kubeconfig, and this process does not run in a cluster",
            )
            .with_source(error)
        })?;
        Self::connect(connection, config)
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
