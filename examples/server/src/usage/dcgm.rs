//! The use of GPUs, as NVIDIA's DCGM exporter tells it (Prometheus text format).

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result};
use neuropod::{Usage, plan};
use tokio::net::lookup_host;

use crate::app::App;

/// The use of a GPU in percent.
const METRIC: &str = "DCGM_FI_DEV_GPU_UTIL";
/// How long an exporter may take.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The namespace and name of a pod in the cluster.
type Name = (String, String);

/// The exporters, one on each node with GPUs.
pub(super) struct Exporters {
    urls: Vec<reqwest::Url>,
    client: reqwest::Client,
}

impl Exporters {
    pub(super) fn new(urls: Vec<String>) -> Self {
        let parse = |url: String| {
            reqwest::Url::parse(&url)
                .inspect_err(|error| tracing::error!(url, %error, "kube.dcgm_urls: this is no address"))
                .ok()
        };
        Self {
            urls: urls.into_iter().filter_map(parse).collect(),
            client: reqwest::Client::new(),
        }
    }

    /// Adds the use of the GPUs to what is known of the pods.
    pub(super) async fn fill(&mut self, usage: &mut [Usage], app: &App) {
        let mut percent = HashMap::new();
        for url in &self.urls {
            match self.ask(url).await {
                Ok(texts) => texts.iter().for_each(|text| read(text, &mut percent)),
                Err(error) => {
                    tracing::warn!(%url, error = format!("{error:#}"), "a DCGM exporter does not answer");
                }
            }
        }
        if percent.is_empty() {
            return;
        }
        for usage in usage {
            let Some(pod) = app.live.pod(&usage.pod_id) else {
                continue;
            };
            let reference = plan::reference(&pod, app.platform.naming());
            let namespace = reference
                .namespace
                .unwrap_or_else(|| app.config.kube.namespace.clone());
            if let Some((sum, count)) = percent.get(&(namespace, reference.name)) {
                usage.gpu_percent = Some(sum / count);
            }
        }
    }

    /// Asks every address that the name has: a headless Service has one for each node.
    async fn ask(&self, url: &reqwest::Url) -> Result<Vec<String>> {
        let host = url.host_str().context("the address has no host")?;
        let port = url.port_or_known_default().context("the address has no port")?;
        let mut texts = Vec::new();
        for address in lookup_host((host, port)).await? {
            let mut url = url.clone();
            url.set_ip_host(address.ip())
                .ok()
                .context("the address takes no IP address")?;
            let answer = self.client.get(url).timeout(TIMEOUT).send().await?;
            texts.push(answer.error_for_status()?.text().await?);
        }
        Ok(texts)
    }
}

/// Reads the use of each pod's GPUs: its sum, and how many there are.
fn read(text: &str, percent: &mut HashMap<Name, (f32, f32)>) {
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix(METRIC)?.strip_prefix('{'));
    for line in lines {
        let Some((labels, value)) = line.rsplit_once('}') else {
            continue;
        };
        let (Some(namespace), Some(pod)) = (label(labels, "namespace"), label(labels, "pod")) else {
            continue;
        };
        let value = value
            .split_whitespace()
            .next()
            .and_then(|value| value.parse::<f32>().ok());
        if let Some(value) = value.filter(|value| (0.0..=100.0).contains(value)) {
            let (sum, count) = percent.entry((namespace, pod)).or_default();
            *sum += value;
            *count += 1.0;
        }
    }
}

/// The value of a label. Names of pods and namespaces have no characters that are escaped.
fn label(labels: &str, name: &str) -> Option<String> {
    let start = labels.match_indices(name).find_map(|(at, _)| {
        let begins = at == 0 || labels[..at].ends_with(',') || labels[..at].ends_with(", ");
        let rest = labels[at + name.len()..].strip_prefix("=\"")?;
        begins.then_some(rest)
    })?;
    Some(start.split('"').next()?.to_owned()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_exporter_writes() {
        let text = r#"# HELP DCGM_FI_DEV_GPU_UTIL GPU utilization (in %).
# TYPE DCGM_FI_DEV_GPU_UTIL gauge
DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-1",device="nvidia0",modelName="NVIDIA GeForce RTX 4090",Hostname="n1",container="main",namespace="neuropod",pod="lab-k3j5qzx2ab"} 40
DCGM_FI_DEV_GPU_UTIL{gpu="1",UUID="GPU-2",device="nvidia1",container="main",namespace="neuropod",pod="lab-k3j5qzx2ab"} 60
DCGM_FI_DEV_GPU_UTIL{gpu="2",UUID="GPU-3",container="",namespace="",pod=""} 7
DCGM_FI_DEV_GPU_UTIL{gpu="3",namespace="neuropod",pod="b"} NaN
DCGM_FI_DEV_FB_USED{gpu="0",namespace="neuropod",pod="lab-k3j5qzx2ab"} 9
"#;
        let mut percent = HashMap::new();
        read(text, &mut percent);
        let name = ("neuropod".to_owned(), "lab-k3j5qzx2ab".to_owned());
        assert_eq!(percent, HashMap::from([(name, (100.0, 2.0))]));
    }
}
