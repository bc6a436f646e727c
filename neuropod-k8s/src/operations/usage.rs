//! The processor and memory that running pods use, from metrics.k8s.io (metrics-server). Unknown if it is not installed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kube::api::ListParams;
use neuropod_core::clock::{Clock, SystemClock};
use neuropod_core::cluster::Usage;
use neuropod_core::{ErrorKind, Result};
use serde::Deserialize;

use crate::api::kinds::Kind;
use crate::api::partial::Meta;
use crate::api::partial::fields::null_as_default;
use crate::api::quantity::{self, quantities};
use crate::context::Context;
use crate::labels;
use crate::labels::CONTAINER;

/// The figures of one pod (`metrics.k8s.io/v1beta1`).
#[derive(Debug, Deserialize)]
struct PodMetrics {
    metadata: Meta,
    #[serde(default)]
    timestamp: Option<Timestamp>,
    #[serde(default, deserialize_with = "null_as_default")]
    containers: Vec<ContainerMetrics>,
}

#[derive(Debug, Deserialize)]
struct ContainerMetrics {
    #[serde(default, deserialize_with = "null_as_default")]
    name: String,
    #[serde(default, deserialize_with = "quantities")]
    usage: BTreeMap<String, String>,
}

pub(crate) async fn usage(context: &Context) -> Result<Vec<Usage>> {
    let selectors = ListParams::default().labels(&labels::of_all_pods(&context.config.instance));
    let metrics = context
        .requests
        .list::<PodMetrics>(Kind::PodMetrics, context.scope(), &selectors)
        .await;
    match metrics {
        Ok(metrics) => {
            let now = SystemClock.now();
            Ok(metrics.iter().filter_map(|pod| figures(pod, now)).collect())
        }
        Err(error) if *error.kind() == ErrorKind::NotConfigured => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The usage of the platform's own container. Sidecars added by others (`istio-proxy`) don't count for the
/// owner.
///
/// A running container uses memory, so a figure of 0 means that neither memory nor processor was measured yet
/// (the kubelet between two samples, adapters without a series).
fn figures(pod: &PodMetrics, now: Timestamp) -> Option<Usage> {
    let mut containers = pod.containers.iter();
    let container = containers.find(|container| container.name == CONTAINER);
    let figure = |name| container?.usage.get(name).map(String::as_str);
    let memory = figure("memory").and_then(quantity::units);
    let measured = memory != Some(0);
    // Figures without a time count as of now.
    let mut usage = Usage::new(pod.metadata.pod_id()?, pod.timestamp.unwrap_or(now));
    usage.cpu_millis = figure("cpu").and_then(quantity::millis).filter(|_| measured);
    usage.memory_bytes = memory.filter(|_| measured);
    Some(usage)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use neuropod_core::cluster::Usage;
    use serde_json::Value;

    use super::PodMetrics;

    fn figures(pod: &PodMetrics) -> Option<Usage> {
        super::figures(pod, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn each_trial_is_as_expected() {
        let trials = include_str!("../../../tests/trials/input/metrics.json");
        let trials: Value = serde_json::from_str(trials).unwrap();
        let cases = trials["cases"].as_array().unwrap();
        assert!(cases.len() > 10);
        for case in cases {
            let mut input = case["input"].clone();
            input["metadata"] = serde_json::json!({ "name": "lab-1", "labels": {
                "app.kubernetes.io/managed-by": "neuropod", "neuropod.io/pod-id": "3f9a0c1d2e4b5a68" } });
            let pod: PodMetrics =
                serde_json::from_value(input).unwrap_or_else(|error| panic!("{case}: {error}"));
            let usage = figures(&pod).unwrap();
            let found = serde_json::json!([usage.cpu_millis, usage.memory_bytes]);
            assert_eq!(
                found,
                serde_json::json!([case["cpuMillis"], case["memoryBytes"]]),
                "{case}"
            );
        }
    }

    fn metrics(containers: &str) -> PodMetrics {
        let text = format!(
            r#"{{ "metadata": {{ "name": "lab-1", "labels": {{
                "app.kubernetes.io/managed-by": "neuropod", "neuropod.io/pod-id": "3f9a0c1d2e4b5a68" }} }},
                "timestamp": "2026-01-02T03:04:05Z", "window": "15s", "containers": {containers} }}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn reads_what_metrics_server_writes() {
        let usage = figures(&metrics(
            r#"[{ "name": "main", "usage": { "cpu": "250000000n", "memory": "1024Ki" } }]"#,
        ));
        let usage = usage.unwrap();
        assert_eq!(usage.cpu_millis, Some(250));
        assert_eq!(usage.memory_bytes, Some(1 << 20));
        assert_eq!(usage.gpu_percent, None);
    }

    #[test]
    fn missing_measurements_are_unknown() {
        let usage = figures(&metrics(r#"[{ "name": "main", "usage": { "memory": "1Mi" } }]"#)).unwrap();
        assert_eq!((usage.cpu_millis, usage.memory_bytes), (None, Some(1 << 20)));
        let usage = figures(&metrics("null")).unwrap();
        assert_eq!((usage.cpu_millis, usage.memory_bytes), (None, None));
    }
}
