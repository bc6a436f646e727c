//! The log of one container, including lines that it will print later.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::log_text::LogLine;
use crate::cluster::backend::LogOptions;

/// The lines of a container, each with its time, which may be in the future. Readers keep it after the pod
/// object is gone.
#[derive(Debug, Default)]
pub(super) struct LogBuffer {
    lines: Vec<LogLine>,
    closed: bool,
}

pub(super) type SharedLog = Arc<Mutex<LogBuffer>>;

impl LogBuffer {
    pub(super) fn new(lines: Vec<LogLine>) -> SharedLog {
        Arc::new(Mutex::new(Self { lines, closed: false }))
    }

    pub(super) fn with<R>(log: &SharedLog, change: impl FnOnce(&mut Self) -> R) -> R {
        change(&mut log.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Drops the future lines, because the container has ended.
    pub(super) fn close(&mut self, now: Timestamp) {
        self.lines.retain(|line| line.at <= now);
        self.closed = true;
    }

    /// Prints all future lines now.
    pub(super) fn hasten(&mut self, now: Timestamp) {
        for line in &mut self.lines {
            line.at = line.at.min(now);
        }
    }

    /// Adds a line.
    pub(super) fn print(&mut self, line: LogLine) {
        self.lines.push(line);
    }

    /// Replaces the future lines by this one.
    pub(super) fn print_last(&mut self, now: Timestamp, last: Option<LogLine>) {
        self.lines.retain(|line| line.at <= now);
        self.lines.extend(last);
    }

    /// The line at this index, and whether no more lines will be added.
    pub(super) fn line(&self, index: usize) -> (Option<LogLine>, bool) {
        (self.lines.get(index).cloned(), self.closed)
    }

    /// The lines printed by now that `options` select.
    pub(super) fn printed(&self, options: &LogOptions, now: Timestamp) -> Vec<LogLine> {
        self.lines[self.first_index(options, now)..self.printed_count(now)].to_vec()
    }

    /// The index of the first line that `options` select.
    pub(super) fn first_index(&self, options: &LogOptions, now: Timestamp) -> usize {
        let printed = self.printed_count(now);
        let since = options.since.map_or(0, |since| {
            let begin = now.saturating_sub(whole_seconds(since)).unwrap_or(Timestamp::MIN);
            self.lines.partition_point(|line| line.at < begin)
        });
        let tail = options.tail.and_then(|tail| usize::try_from(tail).ok());
        since
            .max(tail.map_or(0, |tail| printed.saturating_sub(tail)))
            .min(printed)
    }

    fn printed_count(&self, now: Timestamp) -> usize {
        self.lines.partition_point(|line| line.at <= now)
    }
}

/// Rounded up, at least one second.
fn whole_seconds(since: Duration) -> Duration {
    let round = u64::from(since.subsec_nanos() > 0);
    Duration::from_secs(since.as_secs().saturating_add(round).max(1))
}
