//! What running pods use: metrics.k8s.io (metrics-server). Where it is not installed, nothing is known.

use jiff::Timestamp;
use kube::api::ListParams;
use neuropod_core::{ErrorKind, Result, Usage};
use serde::Deserialize;

use crate::cluster::KubeCluster;
use crate::kind::Kind;
use crate::labels;
use crate::quantity;
use crate::slim::{Meta, null_as_default};

/// The figures of one pod (`metrics.k8s.io/v1beta1`).
#[derive(Debug, Deserialize)]
struct PodMetrics {
    metadata: Meta,
    timestamp: Option<Timestamp>,
    #[serde(default, deserialize_with = "null_as_default")]
    containers: Vec<ContainerMetrics>,
}

#[derive(Debug, Deserialize)]
struct ContainerMetrics {
    usage: Figures,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Figures {
    cpu: Option<String>,
    memory: Option<String>,
}

pub(crate) async fn usage(cluster: &KubeCluster) -> Result<Vec<Usage>> {
    let selectors = ListParams::default().labels(&labels::of_all_pods(&cluster.config.instance));
    let metrics = cluster
        .requests
        .list::<PodMetrics>(Kind::PodMetrics, cluster.scope(), &selectors)
        .await;
    match metrics {
        Ok(metrics) => Ok(metrics.iter().filter_map(figures).collect()),
        Err(error) if *error.kind() == ErrorKind::NotConfigured => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn figures(pod: &PodMetrics) -> Option<Usage> {
    let all = |figure: fn(&Figures) -> Option<u64>| -> Option<u64> {
        let figures = pod.containers.iter().map(|container| figure(&container.usage));
        figures
            .sum::<Option<u64>>()
            .filter(|_| !pod.containers.is_empty())
    };
    Some(Usage {
        pod_id: pod.metadata.pod_id()?,
        cpu_millis: all(|figures| quantity::millis(figures.cpu.as_deref()?)),
        memory_bytes: all(|figures| quantity::units(figures.memory.as_deref()?)),
        gpu_percent: None,
        at: pod.timestamp?,
    })
}

#[cfg(test)]
mod tests {
    use super::{PodMetrics, figures};

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
    fn what_is_not_measured_is_not_invented() {
        let usage = figures(&metrics(r#"[{ "name": "main", "usage": { "memory": "1Mi" } }]"#)).unwrap();
        assert_eq!((usage.cpu_millis, usage.memory_bytes), (None, Some(1 << 20)));
        let usage = figures(&metrics("null")).unwrap();
        assert_eq!((usage.cpu_millis, usage.memory_bytes), (None, None));
    }
}
