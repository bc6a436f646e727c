//! Processors: who runs on which, how long somebody has run, and how much memory that takes.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

/// The processor of whoever is measured. `cargo xtask bench` puts this program on processor 0, which the servers that it
/// starts inherit.
pub(crate) const OF_PEERS: &str = "1";

/// The time that the threads of a process have run. The process has to be idle: while a thread runs, its time is late.
pub(crate) fn time_of(process: u32) -> Result<Duration> {
    let tasks = format!("/proc/{process}/task");
    let mut total = 0;
    for task in fs::read_dir(&tasks).with_context(|| tasks.clone())? {
        total += nanoseconds(&task.context("a thread")?.path().join("schedstat"))?;
    }
    Ok(Duration::from_nanos(total))
}

/// The memory of a process, in bytes.
pub(crate) fn memory_of(process: u32) -> Result<u64> {
    status_of(process, "VmRSS:")
}

/// The most memory that a process has had so far, in bytes.
pub(crate) fn most_memory_of(process: u32) -> Result<u64> {
    status_of(process, "VmHWM:")
}

fn status_of(process: u32, name: &'static str) -> Result<u64> {
    let path = format!("/proc/{process}/status");
    let status = fs::read_to_string(&path).with_context(|| path.clone())?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kibibytes = line.and_then(|rest| rest.split_whitespace().next());
    let kibibytes: u64 = kibibytes.context(name)?.parse()?;
    Ok(kibibytes * 1024)
}

/// The first number in `schedstat` of a thread. A thread that has ended meanwhile has none.
fn nanoseconds(path: &Path) -> Result<u64> {
    let Ok(text) = fs::read_to_string(path) else {
        return Ok(0);
    };
    let first = text.split_whitespace().next().unwrap_or_default();
    first
        .parse()
        .with_context(|| format!("{}: {text:?}", path.display()))
}
