//! The story of a pod, from the request to its deletion: on the simulated cluster, or on the current kubeconfig.
//!
//! ```console
//! $ cargo run --example quickstart
//! $ cargo run --example quickstart -- --language es
//! $ cargo run --example quickstart -- --cluster kube --domain pods.example.com --ingress-class nginx
//! ```
//!
//! On the simulated cluster the time is simulated too: an hour passes in a moment, and is paid for.
#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use futures::StreamExt;
use neuropod::clock::{Clock, SystemClock};
use neuropod::cluster::{LogOptions, Step, VolumePolicy};
use neuropod::k8s::{Exposure, KubeCluster, KubeConfig};
use neuropod::message::{self, Language};
use neuropod::money::Currency;
use neuropod::money::billing::EntryOptions;
use neuropod::money::statement::explain;
use neuropod::money::{AccountKind, BillingExt};
use neuropod::sim::{Settings, SimCluster};
use neuropod::store::MemoryStore;
use neuropod::{
    Actor, Billing, ClusterBackend, CreatePod, Money, Naming, Platform, Pod, PodId, Reason, Result, Status,
    Update,
};
use tokio::time::Instant;

#[derive(Parser)]
#[command(
    about = "Creates a Jupyter pod, stops it, starts it and deletes it, and shows what happens and what it costs"
)]
struct Arguments {
    /// Where the pod runs
    #[arg(long, value_enum, default_value = "sim")]
    cluster: Where,
    /// The language of the output
    #[arg(long, value_enum, default_value = "en")]
    language: Tongue,
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

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Where {
    /// A cluster in memory, without requirements
    Sim,
    /// The current kubeconfig
    Kube,
}

#[derive(Clone, Copy, ValueEnum)]
enum Tongue {
    /// English
    En,
    /// Spanish
    Es,
}

impl From<Tongue> for Language {
    fn from(tongue: Tongue) -> Self {
        match tongue {
            Tongue::En => Self::En,
            Tongue::Es => Self::Es,
        }
    }
}

/// The maximum duration of any part of the story: pulling an image takes long.
const LIMIT: Duration = Duration::from_mins(15);
/// The running time of the pod on the simulated cluster, where time costs nothing.
const SIMULATED_WORK: Duration = Duration::from_hours(1);
/// The running time on a real cluster.
const WORK: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Simulated time stands still while there is work, and jumps to the next event otherwise.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(arguments.cluster == Where::Sim)
        .build();
    let result = runtime
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(run(&arguments)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", for_people(&*error, arguments.language.into()));
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes, in one line.
fn for_people(error: &(dyn Error + 'static), language: Language) -> String {
    let mut line = error.to_string();
    if let Some(neuropod::ErrorKind::Invalid(_) | neuropod::ErrorKind::InsufficientFunds { .. }) =
        error.downcast_ref::<neuropod::Error>().map(neuropod::Error::kind)
        && let Some(error) = error.downcast_ref()
    {
        line = message::error(error, language, &Currency::EUR);
    }
    let mut cause = error.source();
    while let Some(error) = cause {
        if !line.ends_with(&error.to_string()) {
            line = format!("{line}: {error}");
        }
        cause = error.source();
    }
    line
}

async fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let language = Language::from(arguments.language);
    let (cluster, clock) = cluster(arguments, language).await?;
    let store = Arc::new(MemoryStore::new());
    let platform = Platform::builder()
        .naming(Naming::new(&arguments.domain, "quickstart: not a secret at all")?)
        .cluster(cluster)
        .store(store.clone())
        .billing(store.clone())
        .clock(clock)
        .build()?;
    let driver = tokio::spawn({
        let platform = platform.clone();
        async move { platform.run(std::future::pending()).await }
    });
    let ana = Actor::client("ana");
    store.open(&ana.id, AccountKind::Prepaid).await?;
    store.deposit("welcome", &ana.id, Money::from_cents(1000)).await?;

    let course = Story {
        platform,
        ana,
        language,
        work: match arguments.cluster {
            Where::Sim => SIMULATED_WORK,
            Where::Kube => WORK,
        },
        begun: Instant::now(),
    };
    let request = CreatePod::from_image(&arguments.name, &arguments.image)
        .gpu(&arguments.gpu)
        .disks(5, 5)
        .ports([8888, 7860]);
    let pod = course.platform.create(&course.ana, &request).await?;
    // Nothing is left behind, even after an error.
    let result = tokio::select! {
        result = tokio::time::timeout(LIMIT + course.work, course.run(&pod.id)) => match result {
            Ok(result) => result,
            Err(_) => Err(language.pick("tarda demasiado", "it takes too long").into()),
        },
        _ = tokio::signal::ctrl_c() => Err(language.pick("interrumpido", "interrupted").into()),
    };
    course.say("se elimina, con su volumen", "deleting it, with its volume");
    course
        .platform
        .delete(&course.ana, &pod.id, VolumePolicy::Delete)
        .await?;
    tokio::time::timeout(LIMIT, course.until_gone(&*store, &pod.id)).await??;
    course.say(
        "eliminado; no queda nada en el clúster",
        "deleted; nothing is left in the cluster",
    );
    course.show_bill().await?;
    driver.abort();
    result
}

async fn cluster(
    arguments: &Arguments,
    language: Language,
) -> Result<(Arc<dyn ClusterBackend>, Arc<dyn Clock>)> {
    Ok(match arguments.cluster {
        Where::Sim => {
            let text = language.pick(
                "Un clúster simulado: nada arranca de verdad, y una hora pasa en un momento. `--cluster kube` usa tu \
                 kubeconfig.\n",
                "A simulated cluster: nothing is really started, and an hour passes in a moment. `--cluster kube` uses \
                 your kubeconfig.\n",
            );
            println!("{text}");
            let cluster = SimCluster::new(Settings {
                epoch: jiff::Timestamp::now(),
                pull: Duration::from_secs(20),
                ..Settings::default()
            });
            let clock = Arc::new(cluster.clock());
            (Arc::new(cluster), clock)
        }
        Where::Kube => {
            let exposure = arguments.ingress_class.as_ref();
            // With its own instance it only removes objects of an earlier run, and none of another platform.
            let config = KubeConfig::default()
                .with_instance("quickstart")
                .with_namespace(arguments.namespace.as_str())
                .with_exposure(exposure.map_or_else(Exposure::default, Exposure::ingress));
            let cluster = KubeCluster::infer(config).await?;
            cluster.check_setup().await?;
            (Arc::new(cluster), Arc::new(SystemClock))
        }
    })
}

struct Story {
    platform: Platform,
    ana: Actor,
    language: Language,
    /// The running time of the pod.
    work: Duration,
    begun: Instant,
}

impl Story {
    async fn run(&self, id: &PodId) -> Result<(), Box<dyn Error>> {
        let pod = self.platform.get(&self.ana, id).await?;
        let (image, gpu, price) = (pod.options.image(), pod.options.gpu(), pod.price.hourly);
        self.say(
            &format!("creado: {image} en {gpu}, {price} EUR por hora"),
            &format!("created: {image} on {gpu}, {price} EUR per hour"),
        );
        self.follow(id, |pod| pod.status == Status::Running).await?;
        self.show_links(id).await?;
        self.show_log(id).await?;
        let seconds = self.work.as_secs();
        self.say(
            &format!("trabaja durante {seconds} s"),
            &format!("it works for {seconds} s"),
        );
        tokio::time::sleep(self.work).await;

        self.say(
            "se detiene: su volumen y sus direcciones se quedan",
            "stopping it: its volume and its addresses stay",
        );
        self.platform.stop(&self.ana, id).await?;
        self.follow(id, |pod| pod.step == Step::Stopped).await?;

        self.say(
            "se inicia otra vez: las mismas direcciones, un token nuevo",
            "starting it again: the same addresses, a new token",
        );
        self.platform.start(&self.ana, id).await?;
        self.follow(id, |pod| pod.status == Status::Running).await?;
        self.show_links(id).await
    }

    fn say(&self, spanish: &str, english: &str) {
        let text = self.language.pick(spanish, english);
        println!("{:8.2} s  {text}", self.begun.elapsed().as_secs_f64());
    }

    /// Shows each step of the pod until `wanted` is true.
    async fn follow(&self, id: &PodId, wanted: impl Fn(&Pod) -> bool) -> Result<Pod, Box<dyn Error>> {
        let mut updates = self.platform.subscribe(&self.ana);
        let mut shown = String::new();
        while let Some(update) = updates.next().await {
            let pods = match update? {
                Update::Snapshot { pods, .. } => pods,
                Update::Changed(pod) => vec![*pod],
                _ => Vec::new(),
            };
            for pod in pods.into_iter().filter(|pod| pod.id == *id) {
                let now = self.state(&pod);
                if shown != now {
                    self.say(&now, &now);
                    shown = now;
                }
                if wanted(&pod) {
                    return Ok(pod);
                }
            }
        }
        Err(self
            .language
            .pick("el seguimiento ha terminado", "the updates have ended")
            .into())
    }

    /// The status of the pod, with its reason.
    fn state(&self, pod: &Pod) -> String {
        let step = message::step(pod.step, self.language);
        match &pod.reason {
            Some(reason) => format!("  {step}: {}", self.why(reason)),
            None => format!("  {step}"),
        }
    }

    fn why(&self, reason: &Reason) -> String {
        let text = message::reason(reason.code, self.language);
        if reason.detail.is_empty() {
            text.to_owned()
        } else {
            format!("{text} ({})", reason.detail)
        }
    }

    async fn show_links(&self, id: &PodId) -> Result<(), Box<dyn Error>> {
        for connection in self.platform.connections(&self.ana, id).await? {
            let (port, link) = (connection.port, connection.link());
            if let Some(name) = &connection.name {
                let link = format!("  {name}: {link}");
                self.say(&link, &link);
            } else {
                self.say(
                    &format!("  puerto {port}: {link}"),
                    &format!("  port {port}: {link}"),
                );
            }
        }
        Ok(())
    }

    async fn show_log(&self, id: &PodId) -> Result<(), Box<dyn Error>> {
        let options = LogOptions::default().with_tail(3);
        let mut log = self.platform.logs(&self.ana, id, options).await?;
        self.say("el final de su log:", "the end of its log:");
        while let Some(chunk) = log.next().await {
            for line in String::from_utf8_lossy(&chunk?)
                .lines()
                .filter(|line| !line.trim().is_empty())
            {
                println!("            | {line}");
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

    /// The payments, with duration and price.
    async fn show_bill(&self) -> Result<()> {
        let user = &self.ana.id;
        let entries = self
            .platform
            .entries(&self.ana, user, &EntryOptions::default())
            .await?;
        // Time is charged minute by minute, but people want to know the sum.
        let mut by_price: BTreeMap<Money, (i64, Money)> = BTreeMap::new();
        for charge in entries.iter().filter_map(explain) {
            let (seconds, amount) = by_price.entry(charge.hourly).or_default();
            *seconds += charge.seconds;
            *amount += charge.amount;
        }
        self.say("la cuenta:", "the bill:");
        for (hourly, (seconds, amount)) in by_price {
            self.say(
                &format!("  {seconds} s a {hourly} EUR por hora: {amount} EUR"),
                &format!("  {seconds} s at {hourly} EUR per hour: {amount} EUR"),
            );
        }
        let balance = self.platform.balance(&self.ana, user).await?;
        let (paid, rest) = (Money::from_cents(1000) - balance.available, balance.available);
        let held = balance.held;
        self.say(
            &format!("pagado: {paid} EUR de 10.00 EUR; quedan {rest} EUR, y {held} EUR están reservados"),
            &format!("paid: {paid} EUR of 10.00 EUR; {rest} EUR are left, and {held} EUR are held"),
        );
        Ok(())
    }
}
