//! Access tokens of many pods at once: from the line in the log to the record, while the logs that can be read at the same
//! time are few.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use neuropod::money::BillingExt;
use neuropod::platform::PlatformBuilder;
use neuropod::pod::Template;
use neuropod::sim::{GpuPool, Method, Mishap, Settings};
use neuropod::store::TemplateStore;
use neuropod::token::{RegexTokens, TokenState};
use neuropod::{AccessToken, CreatePod, Money, Platform, Pod, PodId, Update};
use neuropod_test_cluster::measured;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

use crate::common::{Driver, World, eventually, jupyter_template};

/// The logs of one node that the driver has open at most, and those of all nodes.
const MOST: (usize, usize) = (32, 256);

/// A cluster with nodes for so many pods each, and a driver; servers print nothing before a test lets them.
struct Crowd {
    world: World,
    platform: Platform,
    _driver: Driver,
    stored: Arc<Mutex<HashMap<PodId, Instant>>>,
    subscriber: JoinHandle<()>,
    made: usize,
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.subscriber.abort();
    }
}

impl Crowd {
    async fn on_nodes(nodes: usize, of_each: u32) -> Self {
        Self::with(nodes, of_each, None, |parts| parts).await
    }

    async fn with(
        nodes: usize,
        of_each: u32,
        log_streams: Option<usize>,
        change: impl FnOnce(PlatformBuilder) -> PlatformBuilder,
    ) -> Self {
        let pool = GpuPool {
            resource: "nvidia.com/gpu".into(),
            model: None,
            total: of_each,
        };
        let world = World::new(Settings {
            gpus: vec![pool; nodes],
            log_streams,
            ..Settings::default()
        })
        .await;
        let money = Money::from_cents(1_000_000_000);
        world.store.deposit("more", &world.ana.id, money).await.unwrap();
        let options = jupyter_template().options;
        let options = options.with_image("quay.io/lab/server".parse().unwrap());
        let silent = Template::new("silent", "Silent", options, jiff::Timestamp::UNIX_EPOCH);
        world.store.insert_template(&silent).await.unwrap();
        let platform = change(world.parts().max_pods(5000)).build().unwrap();
        let stored = Arc::new(Mutex::new(HashMap::new()));
        let (noted, mut updates) = (Arc::clone(&stored), platform.subscribe(&world.ana));
        let subscriber = tokio::spawn(async move {
            while let Some(update) = updates.next().await {
                let Ok(Update::Changed(pod)) = update else {
                    continue;
                };
                if matches!(pod.login.found, TokenState::Generated(_)) {
                    let mut noted = noted.lock().unwrap();
                    noted.entry(pod.id).or_insert_with(Instant::now);
                }
            }
        });
        Self {
            _driver: Driver::start(&platform),
            world,
            platform,
            stored,
            subscriber,
            made: 0,
        }
    }

    /// Starts pods whose servers print nothing, and waits until their containers run.
    async fn start(&mut self, pods: usize) -> Vec<PodId> {
        let mut ids = Vec::new();
        for _ in 0..pods {
            let request = CreatePod::from_template(format!("Pod {}", self.made), "silent").gpu("rtx-4090");
            self.made += 1;
            ids.push(self.platform.create(&self.world.ana, &request).await.unwrap().id);
        }
        eventually("all containers run", async || {
            ids.iter().all(|id| self.container(id).is_some())
        })
        .await;
        ids
    }

    fn container(&self, id: &PodId) -> Option<String> {
        let container = self.world.cluster.pod(id)?.container?;
        Some(container.id)
    }

    fn print(&self, id: &PodId, token: u64) {
        self.world.cluster.print(id, &announcement(token));
    }

    /// How long after it was printed the token of each of these pods was stored; the shortest time first.
    async fn delays(&self, printed: &HashMap<PodId, Instant>) -> Vec<Duration> {
        eventually("all tokens are stored", async || {
            let stored = self.stored.lock().unwrap();
            printed.keys().all(|id| stored.contains_key(id))
        })
        .await;
        let stored = self.stored.lock().unwrap();
        let delay = |(id, at): (&PodId, &Instant)| stored[id].duration_since(*at);
        let mut delays: Vec<_> = printed.iter().map(delay).collect();
        delays.sort_unstable();
        delays
    }

    /// Prints the tokens of these pods, each after its time, and returns the delays.
    async fn printed_after(&self, mut times: Vec<(Duration, PodId)>) -> Vec<Duration> {
        let begin = Instant::now();
        times.sort_unstable();
        let mut printed = HashMap::new();
        for (number, (after, id)) in (0..).zip(times) {
            sleep_until(begin + after).await;
            self.print(&id, number);
            printed.insert(id, Instant::now());
        }
        self.delays(&printed).await
    }

    fn log_calls(&self) -> usize {
        self.world.count(Method::Logs)
    }

    fn assert_limits(&self) {
        let cluster = &self.world.cluster;
        let most = (cluster.most_open_logs_of_a_node(), cluster.most_open_logs());
        assert!(most.0 <= MOST.0 && most.1 <= MOST.1, "{most:?} logs were open");
    }
}

fn token(number: u64) -> String {
    format!("{number:048x}")
}

fn announcement(number: u64) -> String {
    let token = token(number);
    format!(
        "[I 2026-01-01 00:00:10.000 ServerApp] Jupyter Server 2.21.1 is running at:\n\
         [I 2026-01-01 00:00:10.000 ServerApp] http://0.0.0.0:8888/lab?token={token}\n\
         [I 2026-01-01 00:00:10.000 ServerApp]     http://127.0.0.1:8888/lab?token={token}\n"
    )
}

fn percentile(delays: &[Duration], percent: usize) -> Duration {
    delays[(delays.len() * percent).div_ceil(100).max(1) - 1]
}

fn spread(delays: &[Duration]) -> String {
    let [half, most, all] = [50, 99, 100].map(|percent| percentile(delays, percent).as_millis());
    format!("p50 {half} ms, p99 {most} ms, all {all} ms")
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[tokio::test(start_paused = true)]
async fn a_thousand_pods_that_start_at_once_have_their_tokens_two_seconds_after_they_print_them() {
    // By default a kubelet takes 110 pods; with 250 on each of a few nodes it takes a little longer.
    for (nodes, of_each, within, most) in [(20, 50, 2, 2), (20, 50, 30, 2), (4, 250, 15, 4)] {
        let mut crowd = Crowd::on_nodes(nodes, of_each).await;
        let ids = crowd.start(1000).await;
        let mut random = fastrand::Rng::with_seed(1);
        let times = ids
            .into_iter()
            .map(|id| (millis(random.u64(..within * 1000)), id));
        let delays = crowd.printed_after(times.collect()).await;
        measured(format_args!(
            "tokens of 1,000 pods on {nodes} nodes, printed within {within} s of their start: {}, {} log calls",
            spread(&delays),
            crowd.log_calls()
        ));
        assert!(percentile(&delays, 99) <= Duration::from_secs(most));
        crowd.assert_limits();
    }
}

#[tokio::test(start_paused = true)]
async fn logs_that_are_read_on_after_their_token_keep_nobody_waiting() {
    let pattern = RegexTokens::new(r"token=([0-9a-f]{48})").unwrap();
    let mut crowd = Crowd::with(4, 100, None, |parts| parts.tokens(Arc::new(pattern))).await;
    let ids = crowd.start(400).await;
    let times = ids.into_iter().map(|id| (Duration::ZERO, id));
    let delays = crowd.printed_after(times.collect()).await;
    measured(format_args!(
        "tokens of 400 pods, none of them final: {}",
        spread(&delays)
    ));
    assert!(percentile(&delays, 100) <= Duration::from_secs(2));
    // Each is read once more in the end, if it lost its place.
    sleep(Duration::from_mins(2)).await;
    assert!(crowd.log_calls() <= 3 * 400, "{}", crowd.log_calls());
    assert_eq!(crowd.world.cluster.open_logs(), 0);
    crowd.assert_limits();
}

#[tokio::test(start_paused = true)]
async fn a_pod_does_not_wait_behind_silent_servers() {
    for (silent, nodes, of_each) in [(64, 1, 100), (500, 1, 510), (500, 20, 30)] {
        let mut crowd = Crowd::on_nodes(nodes, of_each).await;
        crowd.start(silent).await;
        sleep(Duration::from_mins(2)).await;
        let mut delays = Vec::new();
        for _ in 0..3 {
            let ids = crowd.start(1).await;
            delays.extend(crowd.printed_after(vec![(millis(300), ids[0].clone())]).await);
            sleep(Duration::from_secs(20)).await;
        }
        delays.sort_unstable();
        measured(format_args!(
            "one pod after {silent} silent servers on {nodes} nodes: its token after {} ms",
            percentile(&delays, 100).as_millis()
        ));
        assert!(percentile(&delays, 100) <= Duration::from_secs(2));
        crowd.assert_limits();
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_with_few_log_streams_keeps_nobody_waiting_either() {
    let mut crowd = Crowd::with(10, 20, Some(16), |parts| parts).await;
    crowd.start(100).await;
    sleep(Duration::from_mins(2)).await;
    let ids = crowd.start(20).await;
    let times = ids.into_iter().map(|id| (millis(300), id));
    let delays = crowd.printed_after(times.collect()).await;
    measured(format_args!(
        "20 pods after 100 silent servers on a cluster with 16 log streams: {}",
        spread(&delays)
    ));
    assert!(percentile(&delays, 100) <= Duration::from_secs(2));
    assert_eq!(crowd.world.cluster.most_open_logs(), 16);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_prints_its_token_late_is_found_among_silent_ones() {
    // With places for all of them, and with places for 128.
    for (nodes, of_each, limit) in [(10, 20, millis(100)), (4, 50, millis(6_000))] {
        let mut crowd = Crowd::on_nodes(nodes, of_each).await;
        let ids = crowd.start(200).await;
        sleep(Duration::from_mins(9)).await;
        let times = (0..)
            .zip(&ids[..40])
            .map(|(number, id)| (millis(number * 700), id.clone()));
        let delays = crowd.printed_after(times.collect()).await;
        measured(format_args!(
            "tokens printed after 9 minutes among 200 silent servers on {nodes} nodes: {}",
            spread(&delays)
        ));
        assert!(percentile(&delays, 100) <= limit);
        crowd.assert_limits();
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_somebody_asks_for_is_looked_for_at_once() {
    let mut crowd = Crowd::on_nodes(1, 600).await;
    let ids = crowd.start(600).await;
    sleep(Duration::from_mins(5)).await;
    for (number, id) in (0..).zip(&ids[..20]) {
        crowd.print(id, number);
        let asked = Instant::now();
        eventually("the link has its token", async || {
            sleep(millis(450)).await;
            let connections = crowd.platform.connections(&crowd.world.ana, id).await.unwrap();
            connections[0].token.as_ref().map(AccessToken::expose) == Some(token(number).as_str())
        })
        .await;
        assert!(asked.elapsed() <= Duration::from_secs(2), "{:?}", asked.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn silent_servers_cost_a_bounded_number_of_log_calls() {
    // Calls for each pod until the ten minutes are over: one where all have a place.
    for (pods, nodes, limit) in [(200, 10, 1), (100, 4, 1), (200, 4, 75), (400, 4, 75)] {
        let of_each = u32::try_from(pods / nodes).unwrap();
        let mut crowd = Crowd::on_nodes(nodes, of_each).await;
        crowd.start(pods).await;
        sleep(Duration::from_mins(11)).await;
        let calls = crowd.log_calls();
        measured(format_args!(
            "log calls for {pods} servers that are silent for 10 minutes, on {nodes} nodes: {calls}"
        ));
        assert!(calls <= pods * limit, "{calls} calls for {pods} pods");
        sleep(Duration::from_mins(20)).await;
        assert_eq!(crowd.log_calls(), calls, "nothing is read any more");
        assert_eq!(crowd.world.cluster.open_logs(), 0);
        crowd.assert_limits();
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_breaks_off_again_and_again_is_opened_ever_more_seldom() {
    let mut crowd = Crowd::on_nodes(1, 1).await;
    let ids = crowd.start(1).await;
    for _ in 0..50 * 9 {
        crowd.world.cluster.break_logs();
        sleep(millis(1200)).await;
    }
    let calls = crowd.log_calls();
    // With pauses of two seconds there would be 270.
    assert!((5..=20).contains(&calls), "{calls} calls");
    // Whoever asks for the link need not wait for the next of them.
    crowd.print(&ids[0], 1);
    let asked = Instant::now();
    eventually("the token is known", async || {
        let connections = crowd
            .platform
            .connections(&crowd.world.ana, &ids[0])
            .await
            .unwrap();
        connections[0].token.is_some()
    })
    .await;
    assert!(asked.elapsed() <= Duration::from_secs(3), "{:?}", asked.elapsed());
}

/// Which container printed each token.
type Printed = BTreeMap<String, (PodId, String)>;

/// Whether the token of a record is that of its container, or of a later one that the record does not show yet.
fn is_current(crowd: &Crowd, printed: &Printed, pod: &Pod) -> bool {
    let TokenState::Generated(token) = &pod.login.found else {
        return true;
    };
    let (id, container) = &printed[token.expose()];
    let is_shown = pod.login.container.as_ref() == Some(container);
    *id == pod.id && (is_shown || crowd.container(id).as_ref() == Some(container))
}

#[tokio::test(start_paused = true)]
async fn no_token_of_an_earlier_container_is_stored() {
    let mut crowd = Crowd::on_nodes(1, 200).await;
    let ids = crowd.start(150).await;
    let mut updates = crowd.platform.subscribe(&crowd.world.ana);
    let mut random = fastrand::Rng::with_seed(3);
    let mut printed = Printed::new();
    let mut found = 0;
    for number in 0..3000 {
        let id = random.choice(&ids).unwrap().clone();
        if random.u8(..4) == 0 {
            crowd.world.cluster.inject(&id, Mishap::Exit);
        } else if let Some(container) = crowd.container(&id)
            && !printed.values().any(|(_, by)| *by == container)
        {
            crowd.print(&id, number);
            printed.insert(token(number), (id, container));
        }
        let pause = sleep(millis(random.u64(..200)));
        tokio::pin!(pause);
        loop {
            tokio::select! {
                biased;
                update = updates.next() => if let Some(Ok(Update::Changed(pod))) = update {
                    assert!(is_current(&crowd, &printed, &pod), "{pod:#?}");
                    found += usize::from(pod.login.token().is_some());
                },
                () = &mut pause => break,
            }
        }
    }
    assert!(found > 500, "{found}");
    // Those of the containers that run now are found.
    sleep(Duration::from_secs(30)).await;
    for (token, (id, container)) in &printed {
        if crowd.container(id).as_ref() == Some(container) {
            let pod = crowd.platform.get(&crowd.world.ana, id).await.unwrap();
            assert_eq!(pod.login.token().map(AccessToken::expose), Some(token.as_str()));
        }
    }
}
