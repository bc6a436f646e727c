//! The last measured usage of pods.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use jiff::Timestamp;
use neuropod::cluster::{Catalogue, Usage};
use neuropod::{Pod, PodId};
use serde::Serialize;
use utoipa::ToSchema;

/// A figure older than this is no longer shown.
const STALE: jiff::SignedDuration = jiff::SignedDuration::from_mins(2);

/// The usage of a pod.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stats {
    /// Use of its processor time, in percent; 0 if unknown.
    pub(crate) cpu_usage: f64,
    /// Use of its memory, in percent; 0 if unknown.
    pub(crate) memory_usage: f64,
    /// Use of its GPU, in percent; 0 if unknown.
    pub(crate) gpu_usage: f64,
    /// The running time of its container, in seconds.
    pub(crate) uptime: i64,
    /// The time of the measurement; without one, the time of the pod's last change.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) last_updated: Timestamp,
    /// Which of the figures were measured.
    pub(crate) known: Known,
}

/// Which figures were measured: a 0 among the others means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Known {
    /// Of the processor.
    pub(crate) cpu: bool,
    /// Of the memory.
    pub(crate) memory: bool,
    /// Of the GPU.
    pub(crate) gpu: bool,
}

impl Stats {
    fn of(
        pod: &Pod,
        now: Timestamp,
        measured_at: Option<Timestamp>,
        [cpu, memory, gpu]: [Option<f64>; 3],
    ) -> Self {
        Self {
            cpu_usage: cpu.unwrap_or(0.0),
            memory_usage: memory.unwrap_or(0.0),
            gpu_usage: gpu.unwrap_or(0.0),
            uptime: pod
                .started_at
                .map_or(0, |since| now.duration_since(since).as_secs().max(0)),
            last_updated: measured_at.unwrap_or(pod.updated_at),
            known: Known {
                cpu: cpu.is_some(),
                memory: memory.is_some(),
                gpu: gpu.is_some(),
            },
        }
    }

    /// The same without the fields that change as time passes.
    pub(crate) fn without_time(&self) -> Self {
        Self {
            uptime: 0,
            last_updated: Timestamp::UNIX_EPOCH,
            ..self.clone()
        }
    }
}

/// The last figures of all pods.
#[derive(Debug, Default)]
pub(crate) struct Figures(RwLock<HashMap<PodId, Usage>>);

impl Figures {
    /// The current usage of a pod.
    pub(crate) fn stats_of(&self, pod: &Pod, catalogue: &Catalogue, now: Timestamp) -> Stats {
        let figures = self.0.read().unwrap_or_else(PoisonError::into_inner);
        // The usage of an earlier container says nothing about the one that runs.
        let fresh = |usage: &&Usage| {
            pod.started_at.is_some_and(|since| usage.at >= since) && now.duration_since(usage.at) < STALE
        };
        let Some(usage) = figures.get(&pod.id).filter(fresh) else {
            return Stats::of(pod, now, None, [None; 3]);
        };
        let size = catalogue.get(pod.options.gpu()).map(|gpu| gpu.size);
        let memory = size.map(|size| u64::from(size.memory_mib) << 20);
        let figures = [
            share(usage.cpu_millis, size.map(|size| size.cpu_millis.into())),
            share(usage.memory_bytes, memory),
            usage.gpu_percent.map(|percent| round(percent.into())),
        ];
        Stats::of(pod, now, Some(usage.at), figures)
    }

    /// The recent measurements.
    pub(super) fn fresh(&self, now: Timestamp) -> Vec<Usage> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let fresh = known
            .values()
            .filter(|usage| now.duration_since(usage.at) < STALE);
        fresh.cloned().collect()
    }

    /// Replaces the figures. Returns the pods whose figures have changed.
    pub(super) fn set(&self, usage: Vec<Usage>) -> Vec<PodId> {
        let fresh: HashMap<_, _> = usage
            .into_iter()
            .map(|usage| (usage.pod_id.clone(), usage))
            .collect();
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let changed = fresh.iter().filter(|(id, usage)| known.get(*id) != Some(usage));
        let changed = changed.map(|(id, _)| id.clone()).collect();
        *known = fresh;
        changed
    }
}

/// The share of `all`, in percent.
#[expect(clippy::cast_precision_loss, reason = "percentages, for people")]
pub(super) fn share(used: Option<u64>, all: Option<u64>) -> Option<f64> {
    let all = all.filter(|all| *all > 0)?;
    Some(round((used? as f64 / all as f64 * 100.0).clamp(0.0, 100.0)))
}

/// Rounds to one decimal.
fn round(percent: f64) -> f64 {
    (percent * 10.0).round() / 10.0
}
