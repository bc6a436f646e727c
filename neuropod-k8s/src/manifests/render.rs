//! The objects of a workload for people and programs, without a cluster.

use neuropod_core::cluster::Workload;
use serde_json::Value;

use super::mask::mask;
use super::workload::Manifests;
use crate::config::KubeConfig;

/// The objects of a workload as JSON values, as they would be sent to a cluster. The values of Secrets are
/// masked.
///
/// The output is the same for the same input: keys are sorted, objects come in the order in which they are created.
///
/// ```no_run
/// # fn example(workload: &neuropod_core::cluster::Workload) {
/// use neuropod_k8s::{KubeConfig, manifests};
///
/// for object in manifests::objects(workload, &KubeConfig::default()) {
///     println!("{} {}", object["kind"], object["metadata"]["name"]);
/// }
/// # }
/// ```
pub fn objects(workload: &Workload, config: &KubeConfig) -> Vec<Value> {
    let objects = Manifests::new(workload, config).all().map(|manifest| {
        let mut body = manifest.body;
        body.sort_all_objects();
        mask(&mut body);
        body
    });
    objects.collect()
}

/// The same objects as Kubernetes YAML, one document for each.
///
/// # Panics
/// Never: see the comment inside.
pub fn to_yaml(workload: &Workload, config: &KubeConfig) -> String {
    let documents = objects(workload, config).into_iter().map(|object| {
        #[expect(clippy::expect_used, reason = "JSON values have text keys and finite numbers")]
        serde_yaml_ng::to_string(&object).expect("JSON is YAML")
    });
    documents.collect::<Vec<_>>().join("---\n")
}
