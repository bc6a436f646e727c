//! Fetches nodes and pods.

use kube::api::ListParams;
use neuropod_core::cluster::NodeGpus;
use neuropod_core::{ErrorKind, Result};

use super::node::Node;
use super::stock::by_node;
use super::tenant::Tenant;
use crate::api::kinds::Kind;
use crate::api::request::Requests;

/// The GPUs of the cluster, by node, with the pods that use them. `None` if the platform may not list nodes and
/// foreign pods: without both, the free GPUs are unknown.
pub(crate) async fn fetch(requests: &Requests, instance: &str) -> Result<Option<Vec<NodeGpus>>> {
    let running =
        ListParams::default().fields("spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed");
    let everything = ListParams::default();
    let found = tokio::try_join!(
        requests.list::<Node>(Kind::Node, None, &everything),
        requests.list::<Tenant>(Kind::Pod, None, &running),
    );
    match found {
        Ok((nodes, tenants)) => Ok(Some(by_node(&nodes, &tenants, instance))),
        Err(error) if *error.kind() == ErrorKind::PermissionDenied => {
            tracing::debug!(%error, "the GPUs of the cluster are not known");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
