//! The story of a pod, from the request to its deletion: on the simulated cluster, or on the current kubeconfig.
//!
//! ```console
//! $ cargo run --example quickstart
//! $ cargo run --example quickstart -- --cluster kube --domain pods.example.com --ingress-class nginx
//! ```
#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use futures::StreamExt;
use neuropod::k8s::{Exposure, KubeCluster, KubeConfig};
use neuropod::message::{self, Language};
use neuropod::sim::{Settings, SimCluster};
use neuropod::store::MemoryStore;
use neuropod::{
    AccountKind, Actor, Billing, BillingExt, ClusterBackend, CreatePod, LogOptions, Money, Naming, Platform,
    Pod, PodId, Reason, Result, Status, Step, Update, VolumePolicy,
};

#[derive(Parser)]
#[command(about = "Creates a Jupyter pod, stops it, starts it and deletes it, and shows what happens")]
struct Arguments {
    /// Where the pod runs
    #[arg(long, value_enum, default_value = "sim")]
    cluster: Where,
    /// The domain below which the pod gets its public host names
    #[arg(long, default_value = "pods.localhost")]
    domain: String,
    /// With `kube`: the namespace of the pod, which has to exist
    #[arg(long, default_value = "default")]
    namespace: String,
    /// With `kube`: the class of its Ingresses; the default class of the cluster unless given
    #[arg(long)]
    ingress_class: Option<String>,
    /// The name of the pod
    #[arg(long, default_value = "Quickstart")]
    name: String,
    /// The image
    #[arg(long, default_value = "quay.io/jupyter/base-notebook:latest")]
    image: String,
    /// The GPU type; `cpu` has none
    #[arg(long, default_value = "cpu")]
    gpu: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Where {
    /// A cluster in memory, which needs nothing
    Sim,
    /// The current kubeconfig
    Kube,
}

/// How long any part of the story may take: pulling an image takes its time.
const LIMIT: Duration = Duration::from_mins(15);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let store = Arc::new(MemoryStore::new());
    let platform = Platform::builder()
        .naming(Naming::new(&arguments.domain, "quickstart: not a secret at all")?)
        .cluster(cluster(&arguments).await?)
        .store(store.clone())
        .billing(store.clone())
        .build()?;
    let driver = tokio::spawn({
        let platform = platform.clone();
        async move { platform.run(std::future::pending()).await }
    });
    let ana = Actor::client("ana");
    store.open(&ana.id, AccountKind::Prepaid).await?;
    store.deposit("welcome", &ana.id, Money::from_cents(1000)).await?;

    let tale = Story {
        platform,
        ana,
        begun: Instant::now(),
    };
    let request = CreatePod::from_image(&arguments.name, &arguments.image)
        .gpu(&arguments.gpu)
        .disks(5, 5)
        .ports([8888, 7860]);
    let pod = tale.platform.create(&tale.ana, &request).await?;
    // Whatever happens on the way, nothing is left behind.
    let told = tokio::select! {
        told = tokio::time::timeout(LIMIT, tale.tell(&pod.id)) => told.map_err(Into::into).flatten(),
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
    };
    tale.say("deleting it, with its volume");
    tale.platform
        .delete(&tale.ana, &pod.id, VolumePolicy::Delete)
        .await?;
    tokio::time::timeout(LIMIT, tale.until_gone(&*store, &pod.id)).await??;
    let balance = store.balance(&tale.ana.id).await?;
    tale.say(&format!(
        "gone. Of 10.00 EUR {} are left, {} are held",
        balance.available, balance.held
    ));
    driver.abort();
    told
}

async fn cluster(arguments: &Arguments) -> Result<Arc<dyn ClusterBackend>> {
    Ok(match arguments.cluster {
        Where::Sim => {
            println!(
                "a simulated cluster: nothing is really started (`--cluster kube` uses your kubeconfig)\n"
            );
            Arc::new(SimCluster::new(Settings {
                epoch: jiff::Timestamp::now(),
                pull: Duration::from_millis(400),
                terminate: Duration::from_millis(200),
                ..Settings::default()
            }))
        }
        Where::Kube => {
            let config = KubeConfig {
                // What an earlier run left goes; what another platform has in the namespace stays.
                instance: "quickstart".into(),
                namespace: arguments.namespace.clone(),
                exposure: arguments
                    .ingress_class
                    .as_ref()
                    .map_or_else(Exposure::default, Exposure::ingress),
                ..KubeConfig::default()
            };
            let cluster = KubeCluster::infer(config).await?;
            cluster.check_setup().await?;
            Arc::new(cluster)
        }
    })
}

struct Story {
    platform: Platform,
    ana: Actor,
    begun: Instant,
}

impl Story {
    async fn tell(&self, id: &PodId) -> Result<(), Box<dyn Error>> {
        let pod = self.platform.get(&self.ana, id).await?;
        self.say(&format!(
            "created: {} on {}, {} EUR per hour",
            pod.spec.image, pod.spec.gpu, pod.price.hourly
        ));
        self.follow(id, |pod| pod.status == Status::Running).await?;
        self.show_links(id).await?;
        self.show_log(id).await?;

        self.say("stopping it: its volume and its addresses stay");
        self.platform.stop(&self.ana, id).await?;
        let stopped = self.follow(id, |pod| pod.step == Step::Stopped).await?;
        self.say(&format!("stopped; {} EUR were charged", stopped.charged));

        self.say("starting it again: the same addresses, a new token");
        self.platform.start(&self.ana, id).await?;
        self.follow(id, |pod| pod.status == Status::Running).await?;
        self.show_links(id).await
    }

    fn say(&self, text: &str) {
        println!("{:6.2} s  {text}", self.begun.elapsed().as_secs_f64());
    }

    /// Shows each step of the pod until it is as wanted.
    async fn follow(&self, id: &PodId, wanted: impl Fn(&Pod) -> bool) -> Result<Pod, Box<dyn Error>> {
        let mut updates = self.platform.subscribe(&self.ana);
        let mut shown = None;
        while let Some(update) = updates.next().await {
            let pods = match update? {
                Update::Snapshot { pods, .. } => pods,
                Update::Changed(pod) => vec![*pod],
                _ => Vec::new(),
            };
            for pod in pods.into_iter().filter(|pod| pod.id == *id) {
                let now = (
                    pod.status,
                    pod.step,
                    pod.reason.as_ref().map(|reason| reason.code),
                );
                if shown != Some(now) {
                    self.say(&format!(
                        "  {} ({:?}){}",
                        pod.status.as_str(),
                        pod.step,
                        why(pod.reason.as_ref())
                    ));
                    shown = Some(now);
                }
                if wanted(&pod) {
                    return Ok(pod);
                }
            }
        }
        Err("the updates have ended".into())
    }

    async fn show_links(&self, id: &PodId) -> Result<(), Box<dyn Error>> {
        for service in self.platform.connections(&self.ana, id).await?.http {
            self.say(&format!("  {}: {}", service.service_name, service.link()));
        }
        Ok(())
    }

    async fn show_log(&self, id: &PodId) -> Result<(), Box<dyn Error>> {
        let options = LogOptions {
            tail: Some(3),
            ..LogOptions::default()
        };
        let mut log = self.platform.logs(&self.ana, id, options).await?;
        self.say("the end of its log:");
        while let Some(chunk) = log.next().await {
            for line in String::from_utf8_lossy(&chunk?)
                .lines()
                .filter(|line| !line.trim().is_empty())
            {
                println!("          | {line}");
            }
        }
        Ok(())
    }

    /// Waits until the driver has removed the record, which is after everything in the cluster.
    async fn until_gone(&self, store: &dyn neuropod::PodStore, id: &PodId) -> Result<()> {
        while store.get(id).await?.is_some() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

fn why(reason: Option<&Reason>) -> String {
    let Some(reason) = reason else {
        return String::new();
    };
    format!(
        ": {} [{}]",
        message::reason(reason.code, Language::En),
        reason.detail
    )
}
