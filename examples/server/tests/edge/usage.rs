//! The usage of pods, as measured by metrics-server.

use http::Method;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod as KubePod;
use kube::api::{Api, DynamicObject};
use kube::core::{ApiResource, GroupVersionKind};
use neuropod::ClusterBackend;
use neuropod::k8s::{Exposure, KubeCluster, KubeConfig};
use neuropod_test_cluster::{Image, Node, measured, wait_until};
use serde_json::json;

use crate::LIMIT;
use crate::chromium::Browser;
use crate::page::until;
use crate::site::{Platform, Site};

const SIGN_IN: &str = r#"
    const field = document.querySelector("[name=email]");
    if (field && !field.value) {
        field.value = "ana@example.com";
        field.dispatchEvent(new Event("input", { bubbles: true }));
        field.form.requestSubmit();
    }
    return document.querySelector("nav");
"#;

const SHOWN: &str = r#"return Number.parseFloat(document.querySelector("td.cpu")?.textContent ?? "") || 0"#;

/// The processor time used by a container, in nanoseconds, in either version of control groups.
const USED: &str = "cat /sys/fs/cgroup/cpuacct/cpuacct.usage 2>/dev/null \
    || awk '/^usage_usec/ { print $2 * 1000 }' /sys/fs/cgroup/cpu.stat";

/// How often the container's usage is sampled.
const SAMPLES: SignedDuration = SignedDuration::from_secs(1);

/// The usage of a container during some time, in thousandths of a processor.
#[derive(Debug, Clone, Copy)]
struct Figure {
    until: Timestamp,
    reported: f64,
    counted: f64,
}

/// The reports of metrics-server beside the true usage of the container: its loops get less than their
/// processor while the machine does something else.
struct Watched<'a> {
    node: &'a Node,
    pod: KubePod,
    metrics: Api<DynamicObject>,
    busy_since: Timestamp,
    samples: Vec<(Timestamp, f64)>,
    figures: Vec<Figure>,
}

impl Watched<'_> {
    /// Samples the container's usage, and fetches the latest report of metrics-server.
    async fn measure(&mut self) {
        let now = Timestamp::now();
        if let Some((last, _)) = self.samples.last()
            && now.duration_since(*last) < SAMPLES
        {
            return;
        }
        let used = self.node.exec(&self.pod, &["sh", "-c", USED]).unwrap();
        self.samples
            .push((Timestamp::now(), used.trim().parse().unwrap()));
        // There is no report for a new pod.
        let Ok(object) = self.metrics.get(self.pod.metadata.name.as_deref().unwrap()).await else {
            return;
        };
        let until: Timestamp = object.data["timestamp"].as_str().unwrap().parse().unwrap();
        let window: SignedDuration = object.data["window"].as_str().unwrap().parse().unwrap();
        let is_known = self.figures.last().is_some_and(|last| last.until == until);
        if is_known || until - window < self.busy_since {
            return;
        }
        let (Some(before), Some(after)) = (self.used_at(until - window), self.used_at(until)) else {
            return;
        };
        let cpu = object.data["containers"][0]["usage"]["cpu"].as_str().unwrap();
        self.figures.push(Figure {
            until,
            reported: cpu.strip_suffix('n').unwrap().parse::<f64>().unwrap() / 1e6,
            counted: (after - before) / window.as_secs_f64() / 1e6,
        });
    }

    /// The container's usage at a moment between two samples.
    fn used_at(&self, at: Timestamp) -> Option<f64> {
        let pair = self.samples.windows(2);
        let [(from, before), (until, after)] =
            pair.into_iter().find(|pair| pair[0].0 <= at && at <= pair[1].0)?
        else {
            return None;
        };
        let part = at.duration_since(*from).as_secs_f64() / until.duration_since(*from).as_secs_f64();
        Some(before + (after - before) * part)
    }

    /// Whether metrics-server has reported this value in thousandths, within one percent.
    fn has_reported(&self, millis: f64) -> bool {
        let near = |figure: &Figure| (figure.reported - millis).abs() <= 10.0;
        self.figures.iter().any(near)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_processor_shows() {
    let Some(site) = Site::get("a_busy_processor_shows", true).await else {
        return;
    };
    site.start_metrics_server().await;
    let platform = site.platform("edge-usage", "ingress_class = \"traefik\"").await;
    let ana = platform.server.sign_in("ana@example.com").await;
    let id = platform.create(&ana, "Busy", Image::Http, "cpu", "8080").await;
    let mut watched = busy(&site, &platform, &id).await;
    let cluster = backend(&site, &platform).await;

    wait_until("two figures of metrics-server", LIMIT, async || {
        watched.measure().await;
        (watched.figures.len() >= 2)
            .then_some(())
            .ok_or_else(|| format!("{:?}", watched.figures))
    })
    .await
    .unwrap();
    for Figure {
        reported, counted, ..
    } in &watched.figures
    {
        measured(format_args!(
            "edge-usage: metrics-server says {reported:.0} thousandths of a processor, of which {counted:.0} were used"
        ));
        assert!(
            (counted * 0.9..=counted * 1.1).contains(reported),
            "{reported} {counted}"
        );
    }

    wait_until("usage()", LIMIT, async || {
        watched.measure().await;
        let usage = cluster.usage().await.map_err(|error| error.to_string())?;
        let busy = usage.iter().find(|usage| usage.pod_id.as_str() == id).unwrap();
        let reported = watched.figures.iter().find(|figure| figure.until == busy.at);
        let reported = reported.ok_or_else(|| format!("{busy:?}"))?.reported;
        assert!(
            (reported - f64::from(u32::try_from(busy.cpu_millis.unwrap()).unwrap())).abs() <= 1.0,
            "{reported} {busy:?}"
        );
        Ok(())
    })
    .await
    .unwrap();

    wait_until("the figure of the API", LIMIT, async || {
        watched.measure().await;
        let pods = platform.server.call(Method::GET, "/api/pods", None).await;
        let stats = &pods["data"][0]["stats"];
        let known = stats["known"]["cpu"] == true && stats["known"]["memory"] == true;
        let percent = stats["cpuUsage"].as_f64().unwrap_or_default();
        // Of the pod's one processor.
        (known && watched.has_reported(percent * 10.0))
            .then_some(())
            .ok_or_else(|| stats.to_string())
    })
    .await
    .unwrap();

    let base = platform.server.base.clone();
    Browser::run_with(&[], async |browser| {
        browser.open(&base).await;
        until(browser, "the dashboard", SIGN_IN, json!([])).await;
        wait_until("the figure on the page", LIMIT, async || {
            watched.measure().await;
            let shown = browser.run(SHOWN, json!([])).await;
            let percent = shown.as_f64().unwrap();
            (percent > 0.0 && watched.has_reported(percent * 10.0))
                .then_some(())
                .ok_or_else(|| shown.to_string())
        })
        .await
        .unwrap();
    })
    .await;
    platform.server.stop().await;
}

/// Keeps the pod's processor busy with two programs, so that its usage equals its limit of one.
async fn busy<'a>(site: &'a Site, platform: &Platform, id: &str) -> Watched<'a> {
    let pod = site.kube_pod(platform, id).await;
    for _ in 0..2 {
        site.node()
            .start_in(&pod, &["sh", "-c", "while :; do :; done"])
            .unwrap();
    }
    let kind = GroupVersionKind::gvk("metrics.k8s.io", "v1beta1", "PodMetrics");
    let resource = ApiResource::from_gvk_with_plural(&kind, "pods");
    Watched {
        node: site.node(),
        pod,
        metrics: Api::namespaced_with(site.client.clone(), &platform.namespace, &resource),
        busy_since: Timestamp::now(),
        samples: Vec::new(),
        figures: Vec::new(),
    }
}

/// A backend for the server's cluster.
async fn backend(site: &Site, platform: &Platform) -> KubeCluster {
    let config = KubeConfig::default()
        .with_instance(platform.namespace.as_str())
        .with_namespace(platform.namespace.as_str())
        .with_exposure(Exposure::ingress("traefik"));
    let path = site.cluster().kubeconfig_path();
    KubeCluster::from_kubeconfig(path, None, config).await.unwrap()
}
