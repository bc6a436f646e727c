//! Reads and follows the log of a container.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, StreamExt};

use super::log_buffer::{LogBuffer, SharedLog};
use super::log_text::LogLine;
use super::shared::Shared;
use super::state::ClusterState;
use crate::cluster::backend::{LogOptions, LogStream};
use crate::cluster::workload::WorkloadRef;
use crate::error::kind::{Error, ErrorKind, Result};

/// The log of a container of the pod, and how often the log connections have been broken so far.
pub(super) fn find_log(
    cluster: &ClusterState,
    reference: &WorkloadRef,
    previous: bool,
) -> Result<(SharedLog, u64)> {
    let Some(pod) = cluster.pod(&reference.pod_id) else {
        return Err(Error::new(
            ErrorKind::NotFound,
            format!("there is no pod {}", reference.name),
        ));
    };
    let (run, problem) = if previous {
        (&pod.previous, "has no container before this one")
    } else {
        (&pod.container, "is waiting for its container to start")
    };
    match run {
        Some(run) => Ok((Arc::clone(&run.log), cluster.log_breaks)),
        None => Err(Error::new(
            ErrorKind::InvalidState,
            format!("the pod {} {problem}", reference.name),
        )),
    }
}

/// Streams the part of the log that `options` select. A followed log ends with an error when the connections
/// have been broken more often than `breaks`.
pub(super) fn stream_log(
    shared: &Arc<Shared>,
    log: SharedLog,
    breaks: u64,
    options: &LogOptions,
) -> LogStream {
    let (now, timestamps) = (shared.read(|cluster| cluster.now), options.timestamps);
    if !options.follow {
        let lines = LogBuffer::with(&log, |log| log.printed(options, now));
        return stream::iter(lines)
            .map(move |line| Ok(bytes(&line, timestamps)))
            .boxed();
    }
    let first = LogBuffer::with(&log, |log| log.first_index(options, now));
    let reader = Some((shared.waiting(), log, first));
    stream::unfold(reader, move |reader| async move {
        let (mut waiting, log, next) = reader?;
        loop {
            let (now, due, now_breaks) =
                waiting.read(|cluster| (cluster.now, cluster.agenda.next_due(), cluster.log_breaks))?;
            if now_breaks != breaks {
                let error = Error::new(ErrorKind::Unavailable, "the connection to the kubelet broke");
                return Some((Err(error), None));
            }
            let (line, closed) = LogBuffer::with(&log, |log| log.line(next));
            match line {
                Some(line) if line.at <= now => {
                    return Some((Ok(bytes(&line, timestamps)), Some((waiting, log, next + 1))));
                }
                None if closed => return None,
                line => {
                    waiting
                        .until(line.map(|line| line.at).into_iter().chain(due).min())
                        .await;
                }
            }
        }
    })
    .boxed()
}

fn bytes(line: &LogLine, timestamps: bool) -> Bytes {
    let at = if timestamps {
        format!("{} ", line.at)
    } else {
        String::new()
    };
    Bytes::from(format!("{at}{}\n", line.text))
}
