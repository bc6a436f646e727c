//! A process that is killed repeatedly, at any moment of its pod's story, and its successors that continue.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use neuropod::cluster::plan::Layout;
use neuropod::cluster::{Step, VolumePolicy};
use neuropod::k8s::KubeCluster;
use neuropod::money::billing::Balance;
use neuropod::money::meter::HoldState;
use neuropod::money::statement::explain;
use neuropod::money::{AccountKind, BillingExt};
use neuropod::pod::Desired;
use neuropod::store::ListOptions;
use neuropod::store::SqliteStore;
use neuropod::{Actor, Billing, CreatePod, Money, Naming, Platform, Pod, PodStore, Status};
use neuropod_test_cluster::{Image, count_objects};

use crate::common::{Driver, eventually, until, until_status};
use crate::node::{catalogue, config, images, prepare, shared_node};

const TEST: &str = "killed::a_killed_process_leaves_no_orphan_and_the_next_one_continues";
/// The variable with the cluster, its namespace and the file with the records, for the process to be killed.
const PLACE: &str = "NEUROPOD_TEST_PLACE";
const KILLS: u64 = 20;
/// The calls that the process announces; a kill hits it shortly after one.
const CALLS: [&str; 4] = ["create", "stop", "start", "delete"];

/// A platform with its records in a file.
struct Place {
    kubeconfig: PathBuf,
    namespace: String,
    file: PathBuf,
}

impl Place {
    fn to_environment(&self) -> String {
        let Self {
            kubeconfig,
            namespace,
            file,
        } = self;
        format!("{}\n{namespace}\n{}", kubeconfig.display(), file.display())
    }

    fn from_environment() -> Option<Self> {
        let place = env::var(PLACE).ok()?;
        let mut parts = place.lines();
        let mut part = || parts.next().unwrap().to_owned();
        Some(Self {
            kubeconfig: part().into(),
            namespace: part(),
            file: part().into(),
        })
    }

    async fn platform(&self) -> (Platform, Arc<SqliteStore>) {
        let config = config(&self.namespace);
        let cluster = KubeCluster::from_kubeconfig(Path::new(&self.kubeconfig), None, config);
        let store = Arc::new(SqliteStore::open(&self.file).await.unwrap());
        let platform = Platform::builder()
            .naming(Naming::new("pods.example.com", "a secret of at least 16 bytes").unwrap())
            .catalogue(catalogue())
            .images(images())
            .layout(Layout {
                grace_seconds: 2,
                ..Layout::default()
            })
            .cluster(Arc::new(cluster.await.unwrap()))
            .store(store.clone())
            .billing(store.clone())
            .build()
            .unwrap();
        (platform, store)
    }
}

fn ana() -> Actor {
    Actor::client("ana")
}

async fn pods(platform: &Platform) -> Vec<Pod> {
    platform.list_all(&ana(), None).await.unwrap()
}

/// Runs one pod after the other through the story, continuing where the previous process was killed.
async fn run_story(place: &Place) {
    let (platform, store) = place.platform().await;
    let _driver = Driver::start(&platform);
    let ana = ana();
    let say = |call: &str| {
        let mut out = std::io::stdout();
        writeln!(out, "call {call}").unwrap();
        out.flush().unwrap();
    };
    loop {
        let Some(pod) = pods(&platform).await.into_iter().next() else {
            say("create");
            // A name is free again once all of a pod is gone.
            let name = format!("Story {}", fastrand::u64(..));
            let request = CreatePod::from_image(name, Image::Http.reference())
                .jupyter(false)
                .ports([8080, 8081])
                .disks(1, 1);
            platform.create(&ana, &request).await.unwrap();
            continue;
        };
        if pod.desired == Desired::Running {
            let pod = until_status(&platform, &ana, &pod.id, Status::Running).await;
            if pod.run == 1 {
                say("stop");
                platform.stop(&ana, &pod.id).await.unwrap();
            } else {
                say("delete");
                let policy = VolumePolicy::Delete;
                platform.delete(&ana, &pod.id, policy).await.unwrap();
                eventually("it is gone", async || store.get(&pod.id).await.unwrap().is_none()).await;
            }
        } else {
            until(&platform, &ana, &pod.id, |pod| pod.step == Step::Stopped).await;
            say("start");
            platform.start(&ana, &pod.id).await.unwrap();
        }
    }
}

/// Runs the process and kills it this long after it announced the call.
fn kill_after(place: &Place, call: &str, time: Duration) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args([TEST, "--exact", "--nocapture"])
        .env(PLACE, place.to_environment())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let mut said = output.lines().map_while(Result::ok);
    let hit = said.any(|line| line.ends_with(&format!("call {call}")));
    assert!(hit, "the process ended before it was killed");
    std::thread::sleep(time);
    assert_eq!(
        child.try_wait().unwrap(),
        None,
        "the process ended before it was killed"
    );
    child.kill().unwrap();
    child.wait().unwrap();
    // Until then the other end of its output must stay open.
    drop(said);
}

#[tokio::test]
async fn a_killed_process_leaves_no_orphan_and_the_next_one_continues() {
    if let Some(place) = Place::from_environment() {
        return run_story(&place).await;
    }
    let Some((cluster, _turn)) = shared_node(TEST).await else {
        return;
    };
    cluster.own_node().unwrap().load(Image::Http).unwrap();
    let client = cluster.client().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let place = Place {
        kubeconfig: cluster.kubeconfig_path().to_owned(),
        namespace: prepare(&client).await,
        file: folder.path().join("records.db"),
    };
    let store = SqliteStore::open(&place.file).await.unwrap();
    store.open(&ana().id, AccountKind::Prepaid).await.unwrap();
    let paid_in = Money::from_cents(10_000);
    store.deposit("welcome", &ana().id, paid_in).await.unwrap();
    drop(store);
    let seed = env::var("NEUROPOD_TEST_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("seed: {seed} (NEUROPOD_TEST_SEED repeats it)");
    fastrand::seed(seed);
    for kill in 1..=KILLS {
        let call = CALLS[usize::try_from(kill).unwrap() % CALLS.len()];
        let time = Duration::from_millis(fastrand::u64(0..3000));
        kill_after(&place, call, time);
        let (platform, store) = place.platform().await;
        let _driver = Driver::start(&platform);
        let deleted_too = ListOptions {
            include_deleted: true,
            ..ListOptions::default()
        };
        eventually("all is as it was asked for", async || {
            let all = store.list(&deleted_too).await.unwrap();
            all.pods.iter().all(has_settled)
        })
        .await;
        let known = pods(&platform).await;
        let running = known.iter().filter(|pod| pod.desired == Desired::Running).count();
        let what = format!(
            "kill {kill}, {time:?} after {call}: {} pods, {running} run",
            known.len()
        );
        println!("{what}");
        eventually(&format!("nothing is left or missing: {what}"), async || {
            let objects = count_objects(&client, &place.namespace).await.unwrap();
            let count = |kind: &str| objects.get(kind).copied().unwrap_or(0);
            let as_many = |kind: &str, each: usize| count(kind) == running * each;
            let volumes = count("PersistentVolumeClaim") == known.len();
            as_many("Pod", 1) && as_many("Service", 2) && as_many("Ingress", 2) && volumes
        })
        .await;
        let balance = money_is_right(&store).await;
        assert_eq!(balance.held != Money::ZERO, running > 0, "{what}: {balance:?}");
    }
}

fn has_settled(pod: &Pod) -> bool {
    match pod.desired {
        Desired::Running => pod.status == Status::Running,
        Desired::Stopped => pod.step == Step::Stopped && pod.meter.hold_state == HoldState::None,
        Desired::Deleted { .. } => false,
    }
}

/// The balance, which is the sum of all entries, no two of which charge the same time.
async fn money_is_right(store: &SqliteStore) -> Balance {
    let entries = store.all_entries(&ana().id).await.unwrap();
    let balance = store.balance(&ana().id).await.unwrap();
    let total: Money = entries.iter().map(|entry| entry.amount).sum();
    let held: Money = entries.iter().map(|entry| entry.held).sum();
    assert_eq!((total, held), (balance.total(), balance.held));
    let mut charges: Vec<_> = entries.iter().filter_map(explain).collect();
    charges.sort_by_key(|charge| (charge.pod.clone(), charge.period.from));
    for charge in &charges {
        assert!(charge.agrees, "{charge:?}");
    }
    for pair in charges.windows(2).filter(|pair| pair[0].pod == pair[1].pod) {
        assert!(
            pair[0].period.until <= pair[1].period.from,
            "{:?} and {:?}",
            pair[0],
            pair[1]
        );
    }
    balance
}
