//! The history of a pod before anybody looks at it.

use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use neuropod::{ErrorKind, Pod, PodId, PodStore};

/// Writes an effect of time into the record of a pod.
pub(super) async fn write(store: &dyn PodStore, id: &PodId, past: impl Fn(&mut Pod)) -> Result<Pod> {
    loop {
        let mut pod = store.get(id).await?.context("the pod is gone")?;
        past(&mut pod);
        match store.update(&pod).await {
            Err(error) if *error.kind() == ErrorKind::Conflict => {}
            other => return Ok(other?),
        }
    }
}

/// The time this many hours after `now`; negative: before.
pub(super) fn hours(now: Timestamp, hours: i64) -> Timestamp {
    now.saturating_add(SignedDuration::from_hours(hours))
        .unwrap_or(now)
}
