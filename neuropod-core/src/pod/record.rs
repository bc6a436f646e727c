//! A stored pod: what its owner wants, and what is known of it.

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

/// How long before its volume goes the owner of a pod is told once more. Seconds.
pub const VOLUME_MARK_SECONDS: i64 = 24 * 3600;

/// How many nodes a pod remembers that were at fault when it failed on them.
pub const MAX_FAILED_NODES: usize = 4;

/// A pod as the store keeps it. Public operations change [`desired`](Self::desired); the driver makes it true and
/// writes down what it sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Its id.
    pub id: PodId,
    /// Counted up at every change, for compare-and-swap.
    pub version: u64,
    /// Who owns it and pays for it.
    pub owner: UserId,
    /// The hash of the owner in every public name.
    pub owner_hash: UserHash,
    /// Who created it: the owner, or an administrator for them.
    pub created_by: UserId,
    /// The name as its owner typed it.
    pub name: String,
    /// The name in host names; unique for each owner.
    pub slug: Slug,
    /// The template it was made from.
    pub template: Option<String>,
    /// What its owner has chosen: complete, with an image.
    pub options: PodOptions,
    /// The name of the workspace volume in the cluster.
    pub volume: String,
    /// The namespace, where the platform uses one per user.
    pub namespace: Option<String>,
    /// What should be.
    pub desired: Desired,
    /// Counted up at every start and restart; the objects in the cluster carry it.
    pub run: u64,
    /// How it is.
    pub status: Status,
    /// How far it is on its way there.
    pub step: Step,
    /// Why it is not running.
    pub reason: Option<Reason>,
    /// How one logs in to its Jupyter server.
    pub login: Login,
    /// The price of the last start or restart.
    pub price: Price,
    /// What is being paid.
    pub meter: Meter,
    /// All that was charged for it so far.
    pub charged: Money,
    /// What was charged for it on the last day that any was charged for.
    pub spent: Option<Spent>,
    /// What its owner may spend on a day, for all of their pods.
    pub owner_cap: Option<Money>,
    /// That its volume goes, because nobody pays for it.
    pub volume_deletion: Option<VolumeDeletion>,
    /// Since when its container runs, where it does.
    pub started_at: Option<Timestamp>,
    /// The node that its container runs on, or will.
    pub node: Option<String>,
    /// The nodes that were at fault when it failed on them, the latest last; at most [`MAX_FAILED_NODES`].
    pub failed_nodes: Vec<String>,
    /// How its last container ended, while the next one runs in the same pod object.
    pub last_end: Option<Reason>,
    /// How often in a row a pod object of this run ended and was made anew.
    pub attempts: u32,
    /// Since when it has been failing, with no stable time in between.
    pub failing_since: Option<Timestamp>,
    /// What it waits for that the cluster or time has to bring about.
    pub wait: Option<Wait>,
    /// No new pod object before this time.
    pub retry_at: Option<Timestamp>,
    /// A digest of the request and its idempotency key, where it had one.
    pub request_digest: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its owner last asked for a start, stop, restart or deletion.
    pub requested_at: Timestamp,
    /// When anything of this record last changed.
    pub updated_at: Timestamp,
}

impl Pod {
    /// The port of the Jupyter server, where there is one: 8888, else the first port whose name says so.
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

    /// Its owner wants it stopped.
    pub(crate) fn stop(&mut self) {
        self.end(Desired::Stopped);
    }

    /// It is stopped for this reason, which its owner is shown.
    pub(crate) fn stop_because(&mut self, reason: Reason) {
        self.stop();
        self.reason = Some(reason);
    }

    /// Whether it was stopped because its owner is suspended.
    pub(crate) fn is_suspended(&self) -> bool {
        let reason = self.reason.as_ref();
        reason.is_some_and(|reason| reason.code == ReasonCode::Suspended)
    }

    /// Its owner wants it deleted.
    pub(crate) fn delete(&mut self, volume: VolumePolicy) {
        self.end(Desired::Deleted { volume });
    }

    fn end(&mut self, desired: Desired) {
        self.desired = desired;
        self.status = Status::Stopped;
        self.step = Step::Stopping;
        self.reason = None;
    }

    /// When its volume goes, where its owner is to be told now: as it was known `before` it did not go, or that was
    /// longer than a day away.
    pub(crate) fn passed_volume_mark(&self, before: &Self) -> Option<Timestamp> {
        let at = self.volume_deletion?.at;
        let mark = at
            .saturating_sub(SignedDuration::from_secs(VOLUME_MARK_SECONDS))
            .ok()?;
        let charged = before.volume_charged_until().zip(self.volume_charged_until());
        let passed = charged.is_some_and(|(before, now)| before < mark && mark <= now);
        (before.volume_deletion.is_none() || passed).then_some(at)
    }

    fn volume_charged_until(&self) -> Option<Timestamp> {
        let due = self.meter.due.map(|due| due.period.from);
        due.or(self.meter.volume_from)
    }

    /// Whether its volume goes at `now`, as far as this record tells.
    pub(crate) fn loses_volume(&self, now: Timestamp) -> bool {
        let due = self
            .volume_deletion
            .is_some_and(|deletion| !deletion.done && (deletion.decided || deletion.at <= now));
        self.desired == Desired::Stopped && due
    }

    /// Whether its volume is gone: it neither keeps nor pays for another one of the same name, until it is started.
    pub(crate) fn has_lost_volume(&self) -> bool {
        let done = self.volume_deletion.is_some_and(|deletion| deletion.done);
        self.desired == Desired::Stopped && done
    }

    /// Whether it has been deleted, even if some of it is still in the cluster.
    pub fn is_deleted(&self) -> bool {
        matches!(self.desired, Desired::Deleted { .. })
    }
}

/// That the volume of a stopped pod goes, because its owner has not paid for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeDeletion {
    /// When. Until then it is enough to pay for another hour of it.
    pub at: Timestamp,
    /// Whether that time has come and it was not paid for.
    pub decided: bool,
    /// Whether it is gone since then.
    #[serde(default)]
    pub done: bool,
}

/// What should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum Desired {
    /// It runs.
    Running,
    /// Nothing of it is in the cluster but its volume.
    Stopped,
    /// Nothing of it is in the cluster, and its record goes.
    Deleted {
        /// What becomes of its volume.
        volume: VolumePolicy,
    },
}

/// How a pod is, in the words of the HTTP contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// On its way to running.
    Creating,
    /// Its container runs and answers.
    Running,
    /// It was stopped; what is left of it in the cluster goes away.
    Stopped,
    /// It failed; the reason says why and whether it is tried again.
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

/// How one logs in to the Jupyter server of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Login {
    /// The token that the platform injects into this run.
    pub injected: Option<AccessToken>,
    /// What the log of the container says.
    pub found: TokenState,
    /// The container run whose log says so.
    pub container: Option<String>,
    /// Until when that log was read. A port that was found closed after that is another server's by now.
    pub read_at: Option<Timestamp>,
}

impl Login {
    /// The token to open the server with. What the server says of itself comes before what was injected.
    pub fn token(&self) -> Option<&AccessToken> {
        match &self.found {
            TokenState::Generated(token) => Some(token),
            // With an empty one the server asks for none.
            TokenState::Unknown | TokenState::Configured => {
                self.injected.as_ref().filter(|token| !token.expose().is_empty())
            }
            TokenState::Disabled | TokenState::Password => None,
        }
    }

    /// Whether it is known how to log in, with a token or without.
    pub fn is_known(&self) -> bool {
        self.injected.is_some() || self.found != TokenState::Unknown
    }
}
