//! GPU types of stored pods that the catalogue lacks.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use neuropod::PodStore;
use neuropod::cluster::Catalogue;
use neuropod::store::ListOptions;

/// The catalogue, plus the GPU types of stored pods that it lacks, not offered: those pods were migrated, or
/// the type was removed.
///
/// # Errors
/// Those of the store.
pub(crate) async fn keep_types(catalogue: Catalogue, store: &dyn PodStore) -> Result<Catalogue> {
    let mut unknown: BTreeMap<String, usize> = BTreeMap::new();
    let mut options = ListOptions::default();
    loop {
        let page = store.list(&options).await.context("store")?;
        for pod in page.pods {
            if catalogue.get(pod.options.gpu()).is_none() {
                *unknown.entry(pod.options.gpu().to_owned()).or_default() += 1;
            }
        }
        let Some(next) = page.next else { break };
        options.after = Some(next);
    }
    for (gpu, pods) in &unknown {
        tracing::warn!(
            gpu,
            pods,
            "the catalogue lacks the GPU type of some pods: it is kept, not offered, with the resources of the smallest one"
        );
    }
    Ok(catalogue.keeping(unknown.keys().map(String::as_str)))
}

#[cfg(test)]
mod tests;
