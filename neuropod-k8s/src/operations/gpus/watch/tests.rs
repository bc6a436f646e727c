use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use futures::future::join_all;
use neuropod_core::{ClusterBackend, ErrorKind};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::cluster::KubeCluster;
use crate::config::KubeConfig;
use crate::fake::server::{self, Lines, Log, Received, Reply, line};

const MINUTE: Duration = Duration::from_mins(1);

fn node(name: &str, gpus: u32) -> Value {
    json!({
        "metadata": { "name": name, "uid": name, "resourceVersion": "3" },
        "status": { "allocatable": { "cpu": "8", "nvidia.com/gpu": gpus } },
    })
}

/// A pod of somebody else.
fn pod(name: &str, node: &str, gpus: u32) -> Value {
    json!({
        "metadata": { "name": name, "namespace": "elsewhere", "uid": name, "resourceVersion": "3" },
        "spec": { "nodeName": node, "containers": [{ "resources": { "limits": { "nvidia.com/gpu": gpus } } }] },
    })
}

/// The replies to the requests about one kind.
#[derive(Default)]
struct Script {
    /// The last one is repeated.
    lists: VecDeque<Reply>,
    /// After these, watches on which nothing happens.
    watches: VecDeque<Reply>,
}

impl Script {
    fn reply(&mut self, request: &Received) -> Reply {
        if request.is_watch() {
            return self.watches.pop_front().unwrap_or(Reply::Watch(Lines::new()));
        }
        match self.lists.len() {
            1 => self.lists[0].clone(),
            _ => self.lists.pop_front().unwrap(),
        }
    }
}

fn list(objects: &[Value]) -> Reply {
    Reply::Json(
        200,
        json!({ "metadata": { "resourceVersion": "1" }, "items": objects }),
    )
}

fn forbidden() -> Reply {
    let text = r#"User "x" cannot do that to resource "objects" in API group """#;
    Reply::refused(403, "Forbidden", text)
}

/// A cluster with the node `one` of four GPUs, of which the pod `other` uses one.
fn lists() -> (Script, Script) {
    let nodes = [node("one", 4), node("plain", 0)];
    let pods = [pod("other", "one", 1), pod("plain", "one", 0)];
    let script = |objects| Script {
        lists: [list(objects)].into(),
        ..Script::default()
    };
    (script(&nodes), script(&pods))
}

struct Stage {
    cluster: KubeCluster,
    log: Log,
    begun: Instant,
}

impl Stage {
    fn new((nodes, pods): (Script, Script)) -> Self {
        let mut scripts = BTreeMap::from([("/api/v1/nodes", nodes), ("/api/v1/pods", pods)]);
        let (client, log) =
            server::client(move |request| scripts.get_mut(request.path.as_str()).unwrap().reply(request));
        Self {
            cluster: KubeCluster::with_client(client, KubeConfig::default()),
            log,
            begun: Instant::now(),
        }
    }

    /// The total and the free GPUs of each node.
    async fn gpus(&self) -> Vec<(String, u32, u32)> {
        let nodes = self.cluster.gpus().await.unwrap().unwrap();
        let figures = nodes
            .iter()
            .map(|node| (node.node.clone(), node.total, node.free()));
        figures.collect()
    }

    /// The same for the only node with GPUs, this long after the begin.
    async fn at(&self, time: Duration) -> (u32, u32) {
        sleep(time.saturating_sub(self.begun.elapsed())).await;
        let gpus = self.gpus().await;
        assert_eq!(gpus.len(), 1, "{gpus:?}");
        (gpus[0].1, gpus[0].2)
    }

    /// The numbers of lists and of watches that were requested.
    fn requests(&self) -> (usize, usize) {
        let all = self.log.all();
        let watches = all.iter().filter(|request| request.is_watch()).count();
        (all.len() - watches, watches)
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_questions_in_five_minutes_take_two_lists_and_two_watches() {
    let stage = Stage::new(lists());
    for _ in 0..100 {
        assert_eq!(stage.gpus().await, [("one".to_owned(), 4, 3)]);
        sleep(Duration::from_secs(3)).await;
    }
    assert_eq!(stage.requests(), (2, 2));
    let pods = stage
        .log
        .all()
        .into_iter()
        .filter(|request| request.path == "/api/v1/pods");
    for request in pods {
        let fields: Vec<_> = form_urlencoded::parse(request.query.as_bytes())
            .filter(|(key, _)| key == "fieldSelector")
            .map(|(_, value)| value.into_owned())
            .collect();
        assert_eq!(
            fields,
            ["spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed"],
            "{request:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn questions_at_the_same_time_share_the_first_lists() {
    let stage = Stage::new(lists());
    let answers = join_all((0..20).map(|_| stage.gpus())).await;
    assert!(answers.iter().all(|gpus| gpus == &answers[0]), "{answers:?}");
    assert_eq!(stage.requests().0, 2);
}

#[tokio::test(start_paused = true)]
async fn changes_are_in_the_next_answer() {
    let (mut nodes, mut pods) = lists();
    let after = |kind: &str, object: Value| (MINUTE, line(kind, &object));
    let of_pods = vec![
        after("ADDED", pod("new", "one", 2)),
        after("MODIFIED", pod("new", "one", 3)),
        // One that has ended leaves the selection.
        after("DELETED", pod("other", "one", 1)),
    ];
    pods.watches.push_back(Reply::Watch(of_pods));
    let later = (MINUTE * 4, line("MODIFIED", &node("one", 8)));
    let of_nodes = vec![
        later,
        after("ADDED", node("two", 2)),
        after("MODIFIED", node("two", 0)),
        after("MODIFIED", node("plain", 1)),
        after("DELETED", node("one", 8)),
    ];
    nodes.watches.push_back(Reply::Watch(of_nodes));
    let stage = Stage::new((nodes, pods));
    assert_eq!(stage.at(Duration::ZERO).await, (4, 3));
    sleep(MINUTE / 2).await;
    let mut seen = Vec::new();
    for _ in 0..8 {
        sleep(MINUTE).await;
        let gpus = stage.gpus().await;
        let words = gpus
            .iter()
            .map(|(name, total, free)| format!("{name} {free}/{total}"));
        seen.push(words.collect::<Vec<_>>().join(", "));
    }
    assert_eq!(
        seen,
        [
            "one 1/4",
            "one 0/4",
            "one 1/4",
            "one 5/8",
            "one 5/8, two 2/2",
            "one 5/8",
            "one 5/8, plain 1/1",
            "plain 1/1",
        ]
    );
    assert_eq!(stage.requests(), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn watches_end_when_nobody_asks_and_begin_anew() {
    let stage = Stage::new(lists());
    for _ in 0..7 {
        stage.gpus().await;
        sleep(MINUTE * 9).await;
    }
    let (in_use, _) = stage.requests();
    assert_eq!(in_use, 2, "somebody asks every nine minutes");
    sleep(MINUTE * 2).await;
    let before = stage.requests();
    // A watch would have been opened again every twenty minutes.
    sleep(MINUTE * 120).await;
    assert_eq!(stage.requests(), before);
    assert_eq!(stage.gpus().await, [("one".to_owned(), 4, 3)]);
    sleep(MINUTE).await;
    assert_eq!(stage.requests(), (before.0 + 2, before.1 + 2));
}

#[tokio::test(start_paused = true)]
async fn watches_end_with_the_backend() {
    let stage = Stage::new(lists());
    stage.gpus().await;
    sleep(MINUTE).await;
    drop(stage.cluster);
    let before = stage.log.all().len();
    sleep(MINUTE * 60).await;
    assert_eq!((before, stage.log.all().len()), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_version_means_a_new_list() {
    let (nodes, mut pods) = lists();
    let gone = json!({ "kind": "Status", "status": "Failure", "code": 410, "message": "too old", "reason": "Expired" });
    let line = (MINUTE, line("ERROR", &gone));
    pods.watches.push_back(Reply::Watch(vec![line]));
    pods.lists.push_back(list(&[pod("another", "one", 3)]));
    let stage = Stage::new((nodes, pods));
    assert_eq!(stage.at(MINUTE / 2).await, (4, 3));
    assert_eq!(stage.at(MINUTE * 2).await, (4, 1));
    assert_eq!(stage.requests(), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn while_a_watch_is_broken_each_question_lists() {
    let (nodes, mut pods) = lists();
    let before = (Duration::from_secs(1), line("ADDED", &pod("more", "one", 0)));
    pods.watches.push_back(Reply::Cut(vec![before]));
    // It catches up in five seconds, and has missed a pod.
    let missed = (Duration::from_secs(4), line("ADDED", &pod("missed", "one", 1)));
    pods.watches.push_back(Reply::Watch(vec![missed]));
    pods.lists
        .push_back(list(&[pod("other", "one", 1), pod("missed", "one", 1)]));
    let stage = Stage::new((nodes, pods));
    assert_eq!(stage.at(Duration::ZERO).await, (4, 3));
    assert_eq!(stage.at(Duration::from_secs(2)).await, (4, 2), "not from memory");
    assert_eq!(stage.requests().0, 4);
    assert_eq!(stage.at(Duration::from_secs(10)).await, (4, 2));
    assert_eq!(stage.requests().0, 4, "the watch has caught up");
}

#[tokio::test(start_paused = true)]
async fn without_the_right_to_watch_each_question_lists() {
    let (mut nodes, pods) = lists();
    nodes.watches.extend([forbidden(), forbidden()]);
    let stage = Stage::new((nodes, pods));
    for _ in 0..10 {
        assert_eq!(stage.gpus().await, [("one".to_owned(), 4, 3)]);
        sleep(Duration::from_secs(30)).await;
    }
    let (lists, watches) = stage.requests();
    assert!((20..=22).contains(&lists), "{lists}, two of them for the attempt");
    assert!(watches <= 2, "one attempt: {watches}");
    // Later the right is granted: the attempt after ten minutes fails, the one after twenty does not.
    for _ in 0..50 {
        stage.gpus().await;
        sleep(Duration::from_secs(30)).await;
    }
    let before = stage.requests().0;
    stage.gpus().await;
    assert_eq!(stage.requests().0, before);
}

#[tokio::test(start_paused = true)]
async fn without_the_right_to_list_nothing_is_known() {
    let (mut nodes, pods) = lists();
    nodes.lists = [forbidden()].into();
    let stage = Stage::new((nodes, pods));
    for _ in 0..3 {
        assert_eq!(stage.cluster.gpus().await.unwrap(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_list_that_fails_is_the_error_of_a_list() {
    let (mut nodes, pods) = lists();
    nodes.lists = [Reply::wait(429, 9)].into();
    let stage = Stage::new((nodes, pods));
    let error = stage.cluster.gpus().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::RateLimited, "{error}");
    assert!(
        stage.begun.elapsed() < Duration::from_secs(1),
        "nobody waits for it"
    );

    let (mut nodes, pods) = lists();
    nodes.lists = [Reply::Never].into();
    let stage = Stage::new((nodes, pods));
    let error = stage.cluster.gpus().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Timeout, "{error}");
    assert_eq!(stage.begun.elapsed(), KubeConfig::default().deadline);
}

#[tokio::test(start_paused = true)]
async fn a_first_list_that_fails_once_costs_nobody_an_answer() {
    let (nodes, mut pods) = lists();
    pods.lists
        .push_front(Reply::refused(503, "ServiceUnavailable", "starting"));
    let stage = Stage::new((nodes, pods));
    assert_eq!(stage.at(Duration::ZERO).await, (4, 3));
    sleep(MINUTE).await;
    let (before, _) = stage.requests();
    assert_eq!(stage.at(MINUTE * 2).await, (4, 3));
    assert_eq!(stage.requests().0, before);
}
