//! Reads and follows the log of a container.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use futures::stream::{self, StreamExt};

use super::log_buffer::{LogBuffer, SharedLog};
use super::log_text::LogLine;
use super::shared::Shared;
use super::state::ClusterState;
use crate::cluster::backend::{LogOptions, LogStream};
use crate::cluster::workload::WorkloadRef;
use crate::error::kind::{Error, ErrorKind, Result};

/// The log of a container.
pub(super) struct FoundLog {
    log: SharedLog,
    node: String,
    /// How often the log connections had been broken when it was found.
    breaks: u64,
}

/// A log that is being read, until this is dropped.
struct OpenLog {
    cluster: Weak<Shared>,
    node: String,
}

impl OpenLog {
    fn new(shared: &Arc<Shared>, node: String) -> Result<Self> {
        shared.read(|cluster| cluster.open_logs.open(&node, cluster.settings.log_streams))?;
        let cluster = Arc::downgrade(shared);
        Ok(Self { cluster, node })
    }
}

impl Drop for OpenLog {
    fn drop(&mut self) {
        if let Some(shared) = self.cluster.upgrade() {
            shared.read(|cluster| cluster.open_logs.close(&self.node));
        }
    }
}

/// The log of a container of the pod.
pub(super) fn find_log(cluster: &ClusterState, reference: &WorkloadRef, previous: bool) -> Result<FoundLog> {
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
        Some(run) => Ok(FoundLog {
            log: Arc::clone(&run.log),
            node: pod.node().unwrap_or_default(),
            breaks: cluster.log_breaks,
        }),
        None => Err(Error::new(
            ErrorKind::InvalidState,
            format!("the pod {} {problem}", reference.name),
        )),
    }
}

/// Streams the part of the log that `options` select. A followed log ends with an error when the connections
/// have been broken more often than when the log was found.
///
/// # Errors
/// `RateLimited` if too many logs are being read.
pub(super) fn stream_log(shared: &Arc<Shared>, found: FoundLog, options: &LogOptions) -> Result<LogStream> {
    let FoundLog { log, node, breaks } = found;
    let open = OpenLog::new(shared, node)?;
    let (now, timestamps) = (shared.read(|cluster| cluster.now), options.timestamps);
    if !options.follow {
        let lines = LogBuffer::with(&log, |log| log.printed(options, now));
        let lines = stream::iter(lines).map(move |line| {
            let _while_it_is_read = &open;
            Ok(bytes(&line, timestamps))
        });
        return Ok(lines.boxed());
    }
    let first = LogBuffer::with(&log, |log| log.first_index(options, now));
    let reader = Some((shared.waiting(), log, first, open));
    let lines = stream::unfold(reader, move |reader| async move {
        let (mut waiting, log, next, open) = reader?;
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
                    return Some((Ok(bytes(&line, timestamps)), Some((waiting, log, next + 1, open))));
                }
                None if closed => return None,
                line => {
                    waiting
                        .until(line.map(|line| line.at).into_iter().chain(due).min())
                        .await;
                }
            }
        }
    });
    Ok(lines.boxed())
}

fn bytes(line: &LogLine, timestamps: bool) -> Bytes {
    let at = if timestamps {
        format!("{} ", line.at)
    } else {
        String::new()
    };
    Bytes::from(format!("{at}{}\n", line.text))
}
