//! Whether the nodes can take the GPU types on offer.

use neuropod_core::Result;
use neuropod_core::cluster::Catalogue;
use neuropod_core::cluster::gpus::UnmatchedGpu;

use crate::api::request::Requests;
use crate::operations::gpus::fetch;

/// The GPU types on offer that no node can take; empty if the platform may not list nodes.
pub(crate) async fn unmatched(
    requests: &Requests,
    catalogue: &Catalogue,
    instance: &str,
) -> Result<Vec<UnmatchedGpu>> {
    let nodes = fetch::fetch(requests, instance).await?;
    Ok(nodes.map_or_else(Vec::new, |nodes| {
        neuropod_core::cluster::gpus::unmatched(catalogue, &nodes)
    }))
}
