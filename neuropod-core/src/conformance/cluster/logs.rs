//! Checks of `logs`, for stages whose containers print.

use std::time::Duration;

use futures::StreamExt;
use tokio::time::timeout;

use super::fixture::Case;
use super::stage::{Milestone, Stage};
use crate::cluster::backend::{LogOptions, LogStream};
use crate::cluster::observation::Observation;
use crate::cluster::workload::VolumePolicy;
use crate::error::kind::ErrorKind;

/// Checks of `logs`: existing lines, parts of them, lines as they are written, and the previous container.
///
/// # Panics
/// If a check fails.
pub async fn logs(stage: &dyn Stage) {
    let case = Case::new(stage, "logs");
    assert_eq!(refused(&case, whole()).await, ErrorKind::NotFound, "no pod");
    case.apply().await;
    assert_eq!(
        refused(&case, whole()).await,
        ErrorKind::InvalidState,
        "no container"
    );
    case.reach(Milestone::Running { ready: true }).await;
    case.until("a ready pod", is_running_with(0)).await;
    parts(&case).await;

    let before = LogOptions {
        previous: true,
        ..whole()
    };
    assert_eq!(
        refused(&case, before.clone()).await,
        ErrorKind::InvalidState,
        "no previous container"
    );
    let written = until_lines(&case, 2).await;
    let followed = open(&case, follow()).await;
    case.restart().await;
    case.until("a restart", is_running_with(1)).await;
    let first = drain(&case, followed).await;
    assert!(
        first.starts_with(&written),
        "from the first byte to the end of the container: {first:?}"
    );
    assert_eq!(
        read(&case, before).await,
        first,
        "the log of the container before"
    );

    let written = until_lines(&case, 2).await;
    let followed = open(&case, follow()).await;
    case.clear(VolumePolicy::Delete).await;
    let second = drain(&case, followed).await;
    assert!(
        second.starts_with(&written),
        "the log of the container that ran last: {second:?}"
    );
    assert_eq!(
        refused(&case, whole()).await,
        ErrorKind::NotFound,
        "the pod is gone"
    );
}

/// Parts of the existing log.
async fn parts(case: &Case<'_>) {
    let written = until_lines(case, 2).await;
    let lines: Vec<&str> = written.lines().collect();
    let hour = Some(Duration::from_hours(1));
    let tail = read(
        case,
        LogOptions {
            tail: Some(1),
            ..whole()
        },
    )
    .await;
    assert_eq!(
        tail.lines().collect::<Vec<_>>(),
        lines[lines.len() - 1..],
        "the last line"
    );
    let none = read(
        case,
        LogOptions {
            tail: Some(0),
            ..whole()
        },
    )
    .await;
    assert_eq!(none, "", "no line");
    let recent = read(
        case,
        LogOptions {
            since: hour,
            ..whole()
        },
    )
    .await;
    assert!(recent.starts_with(lines[0]), "all of it is younger than an hour");
    let both = LogOptions {
        tail: Some(1),
        since: hour,
        ..whole()
    };
    assert_eq!(read(case, both).await.lines().count(), 1, "both together");
    let timed = LogOptions {
        timestamps: true,
        ..whole()
    };
    let timed = read(case, timed).await;
    let (time, line) = timed.split_once(' ').unwrap_or_default();
    assert!(
        time.parse::<jiff::Timestamp>().is_ok() && line.starts_with(lines[0]),
        "the time before each line: {timed:?}"
    );
}

fn whole() -> LogOptions {
    LogOptions::default()
}

fn follow() -> LogOptions {
    LogOptions {
        follow: true,
        ..whole()
    }
}

fn is_running_with(restarts: u32) -> impl Fn(&Observation) -> bool {
    move |seen| {
        seen.pod
            .as_ref()
            .is_some_and(|pod| pod.ready && pod.restarts == restarts)
    }
}

async fn open(case: &Case<'_>, options: LogOptions) -> LogStream {
    match case.backend.logs(case.reference(), options.clone()).await {
        Ok(stream) => stream,
        Err(error) => panic!("logs with {options:?}: {error}"),
    }
}

async fn refused(case: &Case<'_>, options: LogOptions) -> ErrorKind {
    match case.backend.logs(case.reference(), options.clone()).await {
        Ok(_) => panic!("logs with {options:?} must fail"),
        Err(error) => error.kind().clone(),
    }
}

async fn read(case: &Case<'_>, options: LogOptions) -> String {
    let stream = open(case, options).await;
    drain(case, stream).await
}

/// The rest of a log.
async fn drain(case: &Case<'_>, mut stream: LogStream) -> String {
    let limit = case.stage.limit();
    let mut log = Vec::new();
    loop {
        let Ok(next) = timeout(limit, stream.next()).await else {
            panic!("the log neither ended nor went on within {limit:?}");
        };
        match next {
            Some(Ok(bytes)) => log.extend_from_slice(&bytes),
            Some(Err(error)) => panic!("the log broke: {error}"),
            None => return String::from_utf8_lossy(&log).into_owned(),
        }
    }
}

/// Waits for this many lines, and returns all that are there.
async fn until_lines(case: &Case<'_>, count: usize) -> String {
    let mut stream = open(case, follow()).await;
    let mut log = Vec::new();
    while memchr::memchr_iter(b'\n', &log).count() < count {
        match timeout(case.stage.limit(), stream.next()).await {
            Ok(Some(Ok(bytes))) => log.extend_from_slice(&bytes),
            other => panic!(
                "no {count} lines in {:?}: {other:?}",
                String::from_utf8_lossy(&log)
            ),
        }
    }
    read(case, whole()).await
}
