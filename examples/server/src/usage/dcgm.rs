//! The use of GPUs, as reported by NVIDIA's DCGM exporter (Prometheus text format).

mod text;

pub(crate) use self::text::percent;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::join_all;
use jiff::Timestamp;
use neuropod::cluster::{Usage, plan};
use neuropod::{Pod, PodId};
use tokio::net::lookup_host;

use crate::app::App;

/// The time limit for an exporter.
const TIMEOUT: Duration = Duration::from_secs(3);

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

    /// The use of each pod's GPUs, as far as the responding exporters know it.
    pub(super) async fn ask(&self, app: &App) -> HashMap<PodId, f32> {
        let texts = join_all(self.urls.iter().map(|url| self.ask_all_of(url))).await;
        let percent = text::percent(texts.iter().flatten());
        if percent.is_empty() {
            return HashMap::new();
        }
        let of_pod = |pod: Arc<Pod>| {
            let reference = plan::reference(&pod, app.platform.naming());
            let namespace = reference
                .namespace
                .unwrap_or_else(|| app.config.kube.namespace.clone());
            let percent = percent.get(&(namespace, reference.name))?;
            Some((pod.id.clone(), *percent))
        };
        app.live.pods().into_iter().filter_map(of_pod).collect()
    }

    /// Queries every address of the name: a headless Service has one for each node. Nodes that are down are
    /// left out.
    async fn ask_all_of(&self, url: &reqwest::Url) -> Vec<String> {
        let warn = |error: anyhow::Error| {
            tracing::warn!(%url, error = format!("{error:#}"), "a DCGM exporter does not answer");
        };
        let addresses = match addresses(url).await {
            Ok(addresses) => addresses,
            Err(error) => {
                warn(error);
                return Vec::new();
            }
        };
        let answers = join_all(addresses.into_iter().map(|url| self.ask_one(url))).await;
        let answers = answers.into_iter().map(|answer| answer.map_err(warn));
        answers.filter_map(Result::ok).collect()
    }

    async fn ask_one(&self, url: reqwest::Url) -> Result<String> {
        let answer = self.client.get(url).timeout(TIMEOUT).send().await?;
        Ok(answer.error_for_status()?.text().await?)
    }
}

/// The URL with each address of its host.
async fn addresses(url: &reqwest::Url) -> Result<Vec<reqwest::Url>> {
    let host = url.host_str().context("the address has no host")?;
    let port = url.port_or_known_default().context("the address has no port")?;
    let with = |address: SocketAddr| {
        let mut url = url.clone();
        url.set_ip_host(address.ip())
            .ok()
            .context("the address takes no IP address")?;
        Ok(url)
    };
    lookup_host((host, port)).await?.map(with).collect()
}

/// Adds the use of GPUs to that of processors and memory. For a pod, either may be missing.
pub(super) fn fill(usage: &mut Vec<Usage>, mut gpus: HashMap<PodId, f32>, now: Timestamp) {
    for usage in usage.iter_mut() {
        if let Some(percent) = gpus.remove(&usage.pod_id) {
            usage.gpu_percent = Some(percent);
        }
    }
    for (pod_id, percent) in gpus {
        let mut unmeasured = Usage::new(pod_id, now);
        unmeasured.gpu_percent = Some(percent);
        usage.push(unmeasured);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gpu_is_reported_even_if_nothing_else_is_known() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let mut known = Usage::new(PodId::from_bits(1), now);
        known.cpu_millis = Some(500);
        let mut usage = vec![known];
        let gpus = HashMap::from([(PodId::from_bits(1), 40.0), (PodId::from_bits(2), 60.0)]);
        fill(&mut usage, gpus, now);
        assert_eq!(
            (usage[0].cpu_millis, usage[0].gpu_percent),
            (Some(500), Some(40.0))
        );
        assert_eq!((usage[1].cpu_millis, usage[1].gpu_percent), (None, Some(60.0)));
    }
}
