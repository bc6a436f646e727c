//! Neuropod: `KubeCluster::apply`.

use anyhow::{Context, Result};
use neuropod_core::ClusterBackend;
use neuropod_core::cluster::Workload;
use neuropod_k8s::KubeCluster;

use super::bundle;
use super::client::Client;

pub(super) struct Ours(KubeCluster);

impl Ours {
    pub(super) fn connect(connection: kube::Config) -> Result<Self> {
        let cluster = KubeCluster::connect(connection, bundle::config()).context("connect")?;
        Ok(Self(cluster))
    }
}

impl Client for Ours {
    type Bundle = Workload;

    fn plan(&self, ports: u16) -> Result<Workload> {
        Ok(bundle::workload(ports))
    }

    async fn create(&self, workload: Workload) -> Result<()> {
        self.0.apply(&workload).await.map(drop).context("apply")
    }
}
