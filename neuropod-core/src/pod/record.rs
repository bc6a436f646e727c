//! A stored pod: its desired and its observed state.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::cluster::observation::Step;
use crate::cluster::reason::{Reason, ReasonCode};
use crate::cluster::workload::VolumePolicy;
use crate::id::{PodId, UserId};
use crate::money::amount::Money;
use crate::money::billing::Spent;
use crate::money::meter::{Meter, Price};
use crate::naming::{Slug, UserHash};
use crate::pod::options::PodOptions;
use crate::pod::port::{JUPYTER_PORT, Port};
use crate::pod::wait::Wait;
use crate::token::TokenState;
use crate::token::secret::AccessToken;

/// The owner of a pod is warned once more this long before its volume is deleted. Seconds.
pub const VOLUME_MARK_SECONDS: i64 = 24 * 3600;

/// The number of faulty nodes that a pod remembers.
pub const MAX_FAILED_NODES: usize = 4;

/// A pod as the store keeps it. Public operations change [`desired`](Self::desired); the driver makes it true and
/// records what it observes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// The id.
    pub id: PodId,
    /// Counted up at every change, for compare-and-swap.
    pub version: u64,
    /// The user who owns the pod and pays for it.
    pub owner: UserId,
    /// The hash of the owner in every public name.
    pub owner_hash: UserHash,
    /// The user who created it: the owner, or an administrator for them.
    pub created_by: UserId,
    /// The name as its owner typed it.
    pub name: String,
    /// The name in host names; unique for each owner.
    pub slug: Slug,
    /// The template it was made from.
    pub template: Option<String>,
    /// The options that the owner chose, completed by defaults; they always have an image.
    pub options: PodOptions,
    /// The name of the workspace volume in the cluster.
    pub volume: String,
    /// The namespace, if the platform uses one per user.
    pub namespace: Option<String>,
    /// The desired state.
    pub desired: Desired,
    /// Counted up at every start and restart; the objects in the cluster carry it.
    pub run: u64,
    /// The observed status.
    pub status: Status,
    /// The current step towards the desired state.
    pub step: Step,
    /// Why it is not running.
    pub reason: Option<Reason>,
    /// The login to its Jupyter server.
    pub login: Login,
    /// The price of the last start or restart.
    pub price: Price,
    /// The state of metering.
    pub meter: Meter,
    /// The sum of all charges so far.
    pub charged: Money,
    /// The charges of the last day with any.
    pub spent: Option<Spent>,
    /// The daily cap of the owner, for all of their pods.
    pub owner_cap: Option<Money>,
    /// The scheduled deletion of its volume, because it is not paid for.
    pub volume_deletion: Option<VolumeDeletion>,
    /// When its container started, if it runs.
    pub started_at: Option<Timestamp>,
    /// The node of its container, as soon as one is assigned.
    pub node: Option<String>,
    /// The nodes that caused a failure of this pod, the latest last; at most [`MAX_FAILED_NODES`].
    pub failed_nodes: Vec<String>,
    /// How its last container ended, while the next one runs in the same pod object.
    pub last_end: Option<Reason>,
    /// How many times in a row a pod object of this run ended and was replaced.
    pub attempts: u32,
    /// When it began to fail, with no stable time since.
    pub failing_since: Option<Timestamp>,
    /// The event that it waits for, from the cluster or from a timer.
    pub wait: Option<Wait>,
    /// No new pod object is created before this time.
    pub retry_at: Option<Timestamp>,
    /// A digest of the request and its idempotency key, if it had one.
    pub request_digest: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its owner last requested a start, stop, restart or deletion.
    pub requested_at: Timestamp,
    /// When anything of this record last changed.
    pub updated_at: Timestamp,
}

impl Pod {
    /// The port of the Jupyter server, if there is one: 8888, else the first port with "jupyter" in its name.
    pub fn jupyter_port(&self) -> Option<u16> {
        if !self.options.has_jupyter() {
            return None;
        }
        let is_called_so = |port: &&Port| {
            let name = port.name.as_deref().unwrap_or_default();
            name.to_lowercase().contains("jupyter")
        };
        let ports = self.options.ports();
        let standard = ports.iter().find(|port| port.number == JUPYTER_PORT);
        standard
            .or_else(|| ports.iter().find(is_called_so))
            .map(|port| port.number)
    }

    /// Sets the desired state to stopped.
    pub(crate) fn stop(&mut self) {
        self.stop_with(Desired::Stopped);
    }

    /// Sets the desired state to stopped, with a reason that its owner sees.
    pub(crate) fn stop_because(&mut self, reason: Reason) {
        self.stop();
        self.reason = Some(reason);
    }

    /// Whether it was stopped because its owner is suspended.
    pub(crate) fn is_suspended(&self) -> bool {
        let reason = self.reason.as_ref();
        reason.is_some_and(|reason| reason.code == ReasonCode::Suspended)
    }

    /// Sets the desired state to deleted.
    pub(crate) fn delete(&mut self, volume: VolumePolicy) {
        self.stop_with(Desired::Deleted { volume });
    }

    fn stop_with(&mut self, desired: Desired) {
        self.desired = desired;
        self.status = Status::Stopped;
        self.step = Step::Stopping;
        self.reason = None;
    }

    /// The deletion time of the volume, if its owner must be warned now: deletion was just scheduled, or has come within
    /// a day since `before`.
    pub(crate) fn volume_warning(&self, before: &Self) -> Option<Timestamp> {
        let at = self.volume_deletion?.at;
        let threshold = at
            .saturating_sub(SignedDuration::from_secs(VOLUME_MARK_SECONDS))
            .ok()?;
        let charged = before.volume_charged_until().zip(self.volume_charged_until());
        let passed = charged.is_some_and(|(before, now)| before < threshold && threshold <= now);
        (before.volume_deletion.is_none() || passed).then_some(at)
    }

    fn volume_charged_until(&self) -> Option<Timestamp> {
        let pending = self.meter.pending.map(|pending| pending.period.from);
        pending.or(self.meter.volume_from)
    }

    /// Whether its volume must be deleted at `now`, by this record.
    pub(crate) fn loses_volume(&self, now: Timestamp) -> bool {
        let is_time = self
            .volume_deletion
            .is_some_and(|deletion| !deletion.done && (deletion.decided || deletion.at <= now));
        self.desired == Desired::Stopped && is_time
    }

    /// Whether its volume has been deleted. Until it is started again, it neither keeps nor pays for a new volume of the
    /// same name.
    pub(crate) fn has_lost_volume(&self) -> bool {
        let done = self.volume_deletion.is_some_and(|deletion| deletion.done);
        self.desired == Desired::Stopped && done
    }

    /// Whether its running time is limited by a daily cap, of its own or of its owner.
    pub fn has_cap(&self) -> bool {
        self.options.daily_cap.is_some() || self.owner_cap.is_some()
    }

    /// What it has cost up to `now`: its charges, and what has accrued since the last one.
    pub fn cost(&self, now: Timestamp) -> Money {
        self.charged + self.meter.accrued(now)
    }

    /// Whether it has been deleted, even if some of it is still in the cluster.
    pub fn is_deleted(&self) -> bool {
        matches!(self.desired, Desired::Deleted { .. })
    }
}

/// The scheduled deletion of a stopped pod's volume, because its owner has not paid for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeDeletion {
    /// The time of deletion. Paying for another hour of the volume before then cancels it.
    pub at: Timestamp,
    /// Whether that time has passed without payment.
    pub decided: bool,
    /// Whether the volume has been deleted.
    #[serde(default)]
    pub done: bool,
}

/// The desired state of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum Desired {
    /// It runs.
    Running,
    /// Only its volume is in the cluster.
    Stopped,
    /// Nothing of it is in the cluster, and its record is removed.
    Deleted {
        /// Whether its volume is kept.
        volume: VolumePolicy,
    },
}

/// The status of a pod, in the words of the HTTP contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// On its way to running.
    Creating,
    /// Its container runs and responds.
    Running,
    /// It was stopped; its remaining objects in the cluster are being removed.
    Stopped,
    /// It failed; the reason says why, and whether it is retried.
    Error,
}

impl Status {
    /// The status as the contract writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Error => "error",
        }
    }
}

/// The login to the Jupyter server of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Login {
    /// The token that the platform injects into this run.
    pub injected: Option<AccessToken>,
    /// The token state found in the log of the container.
    pub found: TokenState,
    /// The container run of that log.
    pub container: Option<String>,
    /// The time up to which that log was read. If the port was found closed later, another server may use it now.
    pub read_at: Option<Timestamp>,
}

impl Login {
    /// The token that opens the server. A token found in the log takes precedence over the injected one.
    pub fn token(&self) -> Option<&AccessToken> {
        match &self.found {
            TokenState::Generated(token) => Some(token),
            // A server with an empty token requires none.
            TokenState::Unknown | TokenState::Configured => {
                self.injected.as_ref().filter(|token| !token.expose().is_empty())
            }
            TokenState::Disabled | TokenState::Password => None,
        }
    }

    /// Whether the way to log in is known, with or without a token.
    pub fn is_known(&self) -> bool {
        self.injected.is_some() || self.found != TokenState::Unknown
    }
}
