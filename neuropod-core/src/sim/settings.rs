//! The settings of a simulated cluster, with the duration of everything in it.

use std::time::Duration;

use jiff::Timestamp;

/// The settings of a simulated cluster, with the duration of everything in it.
///
/// ```
/// use std::time::Duration;
/// use neuropod_core::sim::Settings;
///
/// let slow = Settings { pull: Duration::from_secs(20 * 60), ..Settings::default() };
/// assert!(slow.pull > slow.schedule);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The seed of identities and generated tokens: the same seed gives the same values.
    pub seed: u64,
    /// The time on the cluster's clock when it is made.
    pub epoch: Timestamp,
    /// From the pod object to the choice of a node.
    pub schedule: Duration,
    /// From the choice of a node to the mounted volume.
    pub prepare: Duration,
    /// From the mounted volume to the pulled image.
    pub pull: Duration,
    /// From the pulled image to the running container.
    pub start: Duration,
    /// From the running container to the first connection it accepts; its log is written in this time.
    pub ready: Duration,
    /// From the request to end to the end of a container; at most its grace period.
    pub terminate: Duration,
    /// How often a container prints a line once it has started; `None`: never.
    pub chatter: Option<Duration>,
    /// From a call to its effect, and again from its effect to its return.
    pub latency: Duration,
    /// How many logs may be read at a time; another one fails with [`RateLimited`](crate::ErrorKind::RateLimited).
    /// `None`: any number.
    pub log_streams: Option<usize>,
    /// From a change to its event.
    pub watch_delay: Duration,
    /// How often a watch reports that it is [alive](crate::cluster::ClusterEvent::Alive). It then also reports that objects
    /// other than pods were [altered](crate::cluster::ClusterEvent::Altered). `None`: it reports pods only.
    pub heartbeat: Option<Duration>,
    /// What the cluster states as its [`route_delay`](crate::ClusterBackend::route_delay).
    pub route_delay: Duration,
    /// The GPUs of the nodes.
    pub gpus: Vec<GpuPool>,
    /// Whether a volume can only be on one node at a time, which all its pods have to share.
    pub one_node_volumes: bool,
}

/// Nodes with GPUs of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuPool {
    /// The extended resource.
    pub resource: String,
    /// The nodes' label `nvidia.com/gpu.product`; `None`: the pool fits any model.
    pub model: Option<String>,
    /// The number of GPUs.
    pub total: u32,
}

impl Default for Settings {
    /// A quick cluster with eight GPUs of any model: a pod runs after 1.3 seconds and is ready after two.
    fn default() -> Self {
        Self {
            seed: 0,
            // 2026-01-01T00:00:00Z.
            epoch: Timestamp::constant(1_767_225_600, 0),
            schedule: Duration::from_millis(100),
            prepare: Duration::from_millis(200),
            pull: Duration::from_millis(800),
            start: Duration::from_millis(200),
            ready: Duration::from_millis(700),
            terminate: Duration::from_millis(500),
            chatter: None,
            latency: Duration::from_millis(5),
            log_streams: None,
            watch_delay: Duration::ZERO,
            heartbeat: Some(Duration::from_mins(1)),
            route_delay: Duration::ZERO,
            gpus: vec![GpuPool {
                resource: "nvidia.com/gpu".to_owned(),
                model: None,
                total: 8,
            }],
            one_node_volumes: false,
        }
    }
}

impl Settings {
    /// A cluster in which nothing happens by itself, for a test that causes everything with
    /// [`SimCluster::step`](super::SimCluster::step).
    pub fn still() -> Self {
        let never = Duration::from_hours(24 * 365);
        Self {
            schedule: never,
            prepare: never,
            pull: never,
            start: never,
            ready: never,
            terminate: never,
            ..Self::default()
        }
    }
}
