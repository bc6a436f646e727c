//! Reading and following the log of a container.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, StreamExt};
use jiff::Timestamp;

use super::Shared;
use super::log::Line;
use super::world::World;
use crate::cluster::backend::{LogOptions, LogStream};
use crate::cluster::workload::WorkloadRef;
use crate::error::kind::{Error, ErrorKind, Result};

/// What a container printed and will print. It outlives the pod object while somebody reads it.
#[derive(Debug, Default)]
pub(super) struct Log {
    lines: Vec<Line>,
    closed: bool,
}

pub(super) type SharedLog = Arc<Mutex<Log>>;

impl Log {
    pub(super) fn new(lines: Vec<Line>) -> SharedLog {
        Arc::new(Mutex::new(Self { lines, closed: false }))
    }

    pub(super) fn with<R>(log: &SharedLog, change: impl FnOnce(&mut Self) -> R) -> R {
        change(&mut log.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Nothing more is printed.
    pub(super) fn close(&mut self, now: Timestamp) {
        self.lines.retain(|line| line.at <= now);
        self.closed = true;
    }

    /// Everything is printed by now.
    pub(super) fn hasten(&mut self, now: Timestamp) {
        for line in &mut self.lines {
            line.at = line.at.min(now);
        }
    }

    /// One more line is printed.
    pub(super) fn print(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// After this line nothing more is printed.
    pub(super) fn print_last(&mut self, now: Timestamp, last: Option<Line>) {
        self.lines.retain(|line| line.at <= now);
        self.lines.extend(last);
    }

    /// How many lines are there.
    fn written(&self, now: Timestamp) -> usize {
        self.lines.partition_point(|line| line.at <= now)
    }

    /// The first line that `options` ask for.
    fn first(&self, options: &LogOptions, now: Timestamp) -> usize {
        let written = self.written(now);
        let since = options.since.map_or(0, |since| {
            let begin = now.saturating_sub(whole_seconds(since)).unwrap_or(Timestamp::MIN);
            self.lines.partition_point(|line| line.at < begin)
        });
        let tail = options.tail.and_then(|tail| usize::try_from(tail).ok());
        since
            .max(tail.map_or(0, |tail| written.saturating_sub(tail)))
            .min(written)
    }
}

/// Rounded up, at least one second.
fn whole_seconds(since: Duration) -> Duration {
    let round = u64::from(since.subsec_nanos() > 0);
    Duration::from_secs(since.as_secs().saturating_add(round).max(1))
}

impl World {
    /// The log of a container of the pod, and which breaks of the connections are over.
    pub(super) fn open_log(&self, reference: &WorkloadRef, previous: bool) -> Result<(SharedLog, u64)> {
        let Some(pod) = self.pod(&reference.pod_id) else {
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
            Some(run) => Ok((Arc::clone(&run.log), self.log_breaks)),
            None => Err(Error::new(
                ErrorKind::InvalidState,
                format!("the pod {} {problem}", reference.name),
            )),
        }
    }
}

/// The part of the log that `options` ask for.
pub(super) fn stream(shared: &Arc<Shared>, log: SharedLog, breaks: u64, options: &LogOptions) -> LogStream {
    let (now, timestamps) = (shared.look(|world| world.now), options.timestamps);
    let (first, written) = Log::with(&log, |log| (log.first(options, now), log.written(now)));
    if !options.follow {
        let lines = Log::with(&log, |log| log.lines[first..written].to_vec());
        return stream::iter(lines)
            .map(move |line| Ok(bytes(&line, timestamps)))
            .boxed();
    }
    let state = Some((shared.waiting(), log, first));
    stream::unfold(state, move |state| async move {
        let (mut waiting, log, next) = state?;
        loop {
            let (now, due, now_breaks) =
                waiting.look(|world| (world.now, world.next_due(), world.log_breaks))?;
            if now_breaks != breaks {
                let error = Error::new(ErrorKind::Unavailable, "the connection to the kubelet broke");
                return Some((Err(error), None));
            }
            let (line, closed) = Log::with(&log, |log| (log.lines.get(next).cloned(), log.closed));
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

fn bytes(line: &Line, timestamps: bool) -> Bytes {
    let at = if timestamps {
        format!("{} ", line.at)
    } else {
        String::new()
    };
    Bytes::from(format!("{at}{}\n", line.text))
}
