use std::time::Duration;

use futures::StreamExt;
use neuropod_core::sim::{Mishap, Settings, SimCluster};
use neuropod_core::token::{TokenExtractor, TokenState};
use neuropod_core::{ClusterBackend, ErrorKind};
use tokio::time::timeout;

use crate::fixture::{Events, cluster, millis, start, workload};
use neuropod_core::cluster::LogOptions;
use neuropod_core::cluster::VolumePolicy;
use neuropod_core::cluster::Workload;
use neuropod_core::token::JupyterTokens;

fn follow() -> LogOptions {
    LogOptions::default().with_follow()
}

async fn read(cluster: &SimCluster, workload: &Workload, options: LogOptions) -> String {
    let stream = cluster.logs(&workload.reference, options).await.unwrap();
    let lines: Vec<_> = stream
        .map(|line| String::from_utf8(line.unwrap().to_vec()).unwrap())
        .collect()
        .await;
    lines.concat()
}

fn token_in(log: &str) -> TokenState {
    let mut scan = JupyterTokens.start();
    scan.push(log.as_bytes());
    scan.finish();
    scan.state().clone()
}

#[tokio::test(start_paused = true)]
async fn the_extractor_reads_the_output_of_a_jupyter_server() {
    let cluster = cluster();
    let injected = workload(1);
    let generated = Workload {
        secret: None,
        ..workload(2)
    };
    let mut open = workload(3);
    let variables = &mut open.secret.as_mut().unwrap().variables.0;
    variables.insert("JUPYTER_TOKEN".to_owned(), String::new());
    let mut other = Workload {
        secret: None,
        ..workload(4)
    };
    other.container.image = "nginx:1".to_owned();
    for workload in [&injected, &generated, &open, &other] {
        start(&cluster, workload).await;
    }
    assert_eq!(
        token_in(&read(&cluster, &injected, LogOptions::default()).await),
        TokenState::Configured
    );
    let first = token_in(&read(&cluster, &generated, LogOptions::default()).await);
    assert!(matches!(first, TokenState::Generated(_)), "{first:?}");
    assert_eq!(
        token_in(&read(&cluster, &open, LogOptions::default()).await),
        TokenState::Disabled
    );
    assert_eq!(
        read(&cluster, &other, LogOptions::default()).await,
        "nginx:1 started\n"
    );

    cluster.inject(&generated.reference.pod_id, Mishap::Exit);
    let mut events = Events::of(&cluster);
    events.until(|pod| pod.restarts == 1 && pod.ready).await;
    let second = token_in(&read(&cluster, &generated, LogOptions::default()).await);
    assert_ne!(first, second, "a restarted server has another token");
    let before = LogOptions::default().with_previous();
    assert_eq!(token_in(&read(&cluster, &generated, before).await), first);
}

#[tokio::test(start_paused = true)]
async fn lines_are_printed_during_the_start_and_end_with_the_container() {
    let cluster = cluster();
    let workload = workload(1);
    let mut events = Events::of(&cluster);
    cluster.apply(&workload).await.unwrap();
    events.until(|pod| pod.container.is_some()).await;
    let mut log = cluster.logs(&workload.reference, follow()).await.unwrap();
    let (mut times, mut text) = (Vec::new(), String::new());
    while !text.contains("?token=") {
        text += std::str::from_utf8(&log.next().await.unwrap().unwrap()).unwrap();
        times.push(millis(&cluster));
    }
    assert_eq!(times[0], 1300, "the first line comes with the container");
    assert!(
        times.windows(2).all(|pair| pair[0] < pair[1]),
        "one by one: {times:?}"
    );
    assert!(*times.last().unwrap() < 2000, "before it answers");
    cluster
        .remove(&workload.reference, VolumePolicy::Keep)
        .await
        .unwrap();
    let rest = timeout(Duration::from_secs(5), log.collect::<Vec<_>>())
        .await
        .expect("an end");
    let last = rest.last().unwrap().as_ref().unwrap();
    assert!(
        last.ends_with(b"ServerApp] received signal 15, stopping\n"),
        "{last:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn since_counts_whole_seconds_back() {
    let cluster = cluster();
    let workload = workload(1);
    start(&cluster, &workload).await;
    let since = |millis| LogOptions::default().with_since(Duration::from_millis(millis));
    let whole = read(&cluster, &workload, LogOptions::default()).await;
    assert_eq!(
        read(&cluster, &workload, since(1)).await,
        whole,
        "rounded up to one second"
    );
    tokio::time::advance(Duration::from_millis(700)).await;
    let part = read(&cluster, &workload, since(1000)).await;
    assert!(whole.ends_with(&part) && !part.is_empty() && part != whole);
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(read(&cluster, &workload, since(10_000)).await, "");
}

#[tokio::test(start_paused = true)]
async fn a_broken_connection_is_an_error_after_which_the_log_can_be_opened_again() {
    let cluster = cluster();
    let workload = workload(1);
    start(&cluster, &workload).await;
    let mut log = cluster
        .logs(&workload.reference, follow().with_tail(0))
        .await
        .unwrap();
    cluster.break_logs();
    let error = log.next().await.unwrap().unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (&ErrorKind::Unavailable, true)
    );
    assert!(log.next().await.is_none());
    let again = cluster
        .logs(&workload.reference, follow())
        .await
        .unwrap()
        .next()
        .await;
    assert!(again.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_container_chatters_until_it_ends() {
    let cluster = SimCluster::new(Settings {
        chatter: Some(Duration::from_secs(5)),
        ..Settings::default()
    });
    let workload = workload(1);
    start(&cluster, &workload).await;
    let lines = async || {
        let log = read(&cluster, &workload, LogOptions::default()).await;
        log.lines()
            .filter(|line| line.contains("GET /api/kernels"))
            .count()
    };
    let before = lines().await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(lines().await, before + 4);
    let mut follow = cluster.logs(&workload.reference, follow()).await.unwrap();
    cluster
        .remove(&workload.reference, VolumePolicy::Keep)
        .await
        .unwrap();
    let end = async { while follow.next().await.is_some() {} };
    timeout(Duration::from_mins(1), end)
        .await
        .expect("the log ends with its container");
}
