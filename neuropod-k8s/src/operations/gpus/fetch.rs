//! Lists nodes and pods.

use kube::api::ListParams;
use neuropod_core::cluster::NodeGpus;
use neuropod_core::{ErrorKind, Result};

use super::node::Node;
use super::stock::by_node;
use super::tenant::Tenant;
use crate::api::kinds::Kind;
use crate::api::partial::Partial;
use crate::api::request::Requests;

/// The field selector of the pods that hold the GPUs of a node: the scheduler counts neither those that wait for a node nor those
/// that have ended.
pub(super) const ON_A_NODE: &str = "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed";

/// The GPUs of the cluster, by node, with the pods that use them. `None` if the platform may not list nodes and
/// foreign pods: without both, the free GPUs are unknown.
pub(crate) async fn fetch(requests: &Requests, instance: &str) -> Result<Option<Vec<NodeGpus>>> {
    let everything = ListParams::default();
    let running = ListParams::default().fields(ON_A_NODE);
    let found = tokio::try_join!(
        relevant::<Node>(requests, Kind::Node, &everything),
        relevant::<Tenant>(requests, Kind::Pod, &running),
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

async fn relevant<T: Partial>(requests: &Requests, kind: Kind, selectors: &ListParams) -> Result<Vec<T>> {
    let add = |all: &mut Vec<T>, object: T| all.extend(Some(object).filter(T::is_relevant));
    requests.fold(kind, None, selectors, add).await
}
