//! The trait of audit logs, and their entries: who did what, to whom, from where, and with which result.

use std::fmt;
use std::net::IpAddr;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::{PodId, UserId};

/// The maximum number of entries of a page.
pub const MAX_AUDIT_ENTRIES: u32 = 500;

/// Stores the actions of administrators, and events that concern security.
///
/// A log only grows, except for [`forget`](Self::forget). It never contains secrets. The suite
/// `conformance::audit` (feature `conformance`) checks implementations.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AuditLog: Send + Sync + 'static {
    /// Stores an entry. One with the same id is replaced, unless it is [`Done`](AuditOutcome::Done): then it
    /// stays, and the call succeeds.
    async fn record(&self, entry: &AuditEntry) -> Result<()>;

    /// A page of entries, newest first; entries of the same moment by id.
    ///
    /// # Errors
    /// `Invalid` when the limit is 0 or more than [`MAX_AUDIT_ENTRIES`].
    async fn page(&self, options: &AuditOptions) -> Result<AuditPage>;

    /// Deletes all entries that are older than `time`.
    async fn forget(&self, time: Timestamp) -> Result<()>;
}

/// An action, or an attempt at one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Its id.
    pub id: AuditId,
    /// The time at which it began.
    pub at: Timestamp,
    /// The person who did it.
    pub actor: AuditPerson,
    /// The network address of the request, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The action.
    pub action: AuditAction,
    /// The target of the action.
    #[serde(default)]
    pub target: AuditTarget,
    /// The change, if it is short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<AuditChange>,
    /// The result.
    pub outcome: AuditOutcome,
}

impl AuditEntry {
    /// The texts by which [`AuditOptions::who`] finds it, in lower case.
    pub fn who_keys(&self) -> Vec<String> {
        self.actor.keys().collect()
    }

    /// The texts by which [`AuditOptions::whom`] finds it, in lower case.
    pub fn whom_keys(&self) -> Vec<String> {
        match &self.target {
            AuditTarget::User(person) => person.keys().collect(),
            AuditTarget::Pod { id, owner, .. } => owner.keys().chain([id.to_string()]).collect(),
            AuditTarget::Template { id, name } => vec![id.to_lowercase(), name.to_lowercase()],
            AuditTarget::Route { path } => vec![path.to_lowercase()],
            AuditTarget::Platform | AuditTarget::Prices | AuditTarget::Unknown => Vec::new(),
        }
    }
}

/// The id of an entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AuditId(String);

impl AuditId {
    /// An id that has not been used: 128 random bits.
    pub fn random() -> Self {
        Self::from_bits(rand::random())
    }

    /// The id with these 128 bits.
    pub fn from_bits(bits: u128) -> Self {
        Self(format!("{bits:032x}"))
    }

    /// The id as given.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AuditId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A person as they were when something happened: the entry stays when they are deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPerson {
    /// Their id.
    pub id: UserId,
    /// Their e-mail address, if the store knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

impl AuditPerson {
    fn keys(&self) -> impl Iterator<Item = String> {
        let id = self.id.as_str().to_lowercase();
        let email = self.email.as_ref().map(|email| email.to_lowercase());
        std::iter::once(id).chain(email)
    }
}

/// The action of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuditAction {
    /// Set the balance that an account can spend.
    BalanceSet,
    /// Added money to an account.
    CreditAdded,
    /// Set the daily limit of a user's spending.
    DailyCapSet,
    /// Suspended a user.
    UserSuspended,
    /// Let a suspended user start pods again.
    UserResumed,
    /// Stopped all pods of a user.
    UserPodsStopped,
    /// Deleted a user with everything they owned.
    UserDeleted,
    /// Set prices, or the credit of new clients.
    PricesSet,
    /// Created a template.
    TemplateCreated,
    /// Changed a template.
    TemplateChanged,
    /// Deleted a template.
    TemplateDeleted,
    /// Created a pod for somebody else.
    PodCreated,
    /// Started a pod of somebody else.
    PodStarted,
    /// Stopped a pod of somebody else.
    PodStopped,
    /// Restarted a pod of somebody else.
    PodRestarted,
    /// Deleted a pod of somebody else.
    PodDeleted,
    /// An administrator signed in.
    SignedIn,
    /// Somebody became an administrator, or ceased to be one.
    RoleChanged,
    /// Somebody who is not an administrator requested an action reserved for administrators.
    AccessRefused,
    /// An action that only a later version of this library knows.
    #[serde(other)]
    Unknown,
}

impl AuditAction {
    /// Every action that this version records.
    pub const ALL: [Self; 19] = [
        Self::BalanceSet,
        Self::CreditAdded,
        Self::DailyCapSet,
        Self::UserSuspended,
        Self::UserResumed,
        Self::UserPodsStopped,
        Self::UserDeleted,
        Self::PricesSet,
        Self::TemplateCreated,
        Self::TemplateChanged,
        Self::TemplateDeleted,
        Self::PodCreated,
        Self::PodStarted,
        Self::PodStopped,
        Self::PodRestarted,
        Self::PodDeleted,
        Self::SignedIn,
        Self::RoleChanged,
        Self::AccessRefused,
    ];

    /// A stable, machine-readable name in `snake_case`, as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BalanceSet => "balance_set",
            Self::CreditAdded => "credit_added",
            Self::DailyCapSet => "daily_cap_set",
            Self::UserSuspended => "user_suspended",
            Self::UserResumed => "user_resumed",
            Self::UserPodsStopped => "user_pods_stopped",
            Self::UserDeleted => "user_deleted",
            Self::PricesSet => "prices_set",
            Self::TemplateCreated => "template_created",
            Self::TemplateChanged => "template_changed",
            Self::TemplateDeleted => "template_deleted",
            Self::PodCreated => "pod_created",
            Self::PodStarted => "pod_started",
            Self::PodStopped => "pod_stopped",
            Self::PodRestarted => "pod_restarted",
            Self::PodDeleted => "pod_deleted",
            Self::SignedIn => "signed_in",
            Self::RoleChanged => "role_changed",
            Self::AccessRefused => "access_refused",
            Self::Unknown => "unknown",
        }
    }
}

/// The target of an action.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
#[non_exhaustive]
pub enum AuditTarget {
    /// The platform as a whole.
    #[default]
    Platform,
    /// The price list.
    Prices,
    /// A user.
    User(AuditPerson),
    /// A pod.
    Pod {
        /// Its id.
        id: PodId,
        /// Its name.
        name: String,
        /// Its owner.
        owner: AuditPerson,
    },
    /// A template.
    Template {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
    },
    /// An address of an application.
    Route {
        /// The method and the path.
        path: String,
    },
    /// A target that only a later version of this library knows.
    #[serde(other)]
    Unknown,
}

/// A change, in machine-readable values: amounts as decimal numbers, `true` and `false`, names of roles.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AuditChange {
    /// The value before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The value since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl AuditChange {
    /// The maximum length of each text in characters; the rest is cut off.
    pub const MAX_LEN: usize = 300;

    /// A change from one value to another; `None`: there was or is none.
    pub fn new(before: Option<String>, after: Option<String>) -> Self {
        let cut = |text: String| text.chars().take(Self::MAX_LEN).collect();
        Self {
            before: before.map(cut),
            after: after.map(cut),
        }
    }
}

/// The result of an action.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum AuditOutcome {
    /// It has begun. If this never changes, the process ended in the middle, or the result could not be
    /// written: whether the action took effect is unknown.
    Pending,
    /// It was done.
    Done,
    /// It was refused, and nothing changed.
    Refused {
        /// The reason: [`ErrorKind::code`].
        code: String,
    },
    /// Something failed; a part of it may have been done.
    Failed {
        /// The error: [`ErrorKind::code`].
        code: String,
    },
}

impl AuditOutcome {
    /// The result of a call.
    pub fn of<T>(result: &Result<T>) -> Self {
        match result {
            Ok(_) => Self::Done,
            Err(error) => Self::of_error(error),
        }
    }

    fn of_error(error: &Error) -> Self {
        let code = error.kind().code().to_owned();
        let refused = matches!(
            error.kind(),
            ErrorKind::Invalid(_)
                | ErrorKind::NotFound
                | ErrorKind::Forbidden
                | ErrorKind::AlreadyExists
                | ErrorKind::InvalidState
                | ErrorKind::InsufficientFunds { .. }
                | ErrorKind::SpendCapReached { .. }
                | ErrorKind::Conflict
        );
        if refused {
            Self::Refused { code }
        } else {
            Self::Failed { code }
        }
    }
}

/// Selects entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditOptions {
    /// Only actions of this person: their id or their whole e-mail address, ignoring case.
    pub who: Option<String>,
    /// Only this action.
    pub action: Option<AuditAction>,
    /// Only actions on this person, on their pods, or on this pod or template: an id, an address or the name of
    /// a template, in full, ignoring case.
    pub whom: Option<String>,
    /// Only actions that began at this time or later.
    pub from: Option<Timestamp>,
    /// Only actions that began before this time.
    pub until: Option<Timestamp>,
    /// Only entries after this place, which are older.
    pub after: Option<AuditCursor>,
    /// At most this many; 1 to [`MAX_AUDIT_ENTRIES`].
    pub limit: u32,
}

impl Default for AuditOptions {
    fn default() -> Self {
        Self {
            who: None,
            action: None,
            whom: None,
            from: None,
            until: None,
            after: None,
            limit: 100,
        }
    }
}

impl AuditOptions {
    /// Only what this person did.
    pub fn with_who(mut self, who: impl Into<String>) -> Self {
        self.who = Some(who.into());
        self
    }

    /// Only this action.
    pub fn with_action(mut self, action: AuditAction) -> Self {
        self.action = Some(action);
        self
    }

    /// Only what was done to this person, pod or template.
    pub fn with_whom(mut self, whom: impl Into<String>) -> Self {
        self.whom = Some(whom.into());
        self
    }

    /// Only what began at this time or later.
    pub fn with_from(mut self, time: Timestamp) -> Self {
        self.from = Some(time);
        self
    }

    /// Only what began before this time.
    pub fn with_until(mut self, time: Timestamp) -> Self {
        self.until = Some(time);
        self
    }

    /// Only those after this place, which are older.
    pub fn with_after(mut self, place: AuditCursor) -> Self {
        self.after = Some(place);
        self
    }

    /// At most so many; 1 to [`MAX_AUDIT_ENTRIES`].
    pub fn with_limit(mut self, entries: u32) -> Self {
        self.limit = entries;
        self
    }
}

/// A place in a log, which is sorted by time and id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AuditCursor {
    /// The beginning of the last action before this place.
    pub at: Timestamp,
    /// Its id.
    pub id: AuditId,
}

/// A page of entries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AuditPage {
    /// The entries, newest first.
    pub entries: Vec<AuditEntry>,
    /// The place where the next page begins; `None`: this is the last page.
    pub next: Option<AuditCursor>,
}

impl AuditPage {
    /// These entries; the next page begins at `next`.
    pub fn new(entries: Vec<AuditEntry>, next: Option<AuditCursor>) -> Self {
        Self { entries, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_have_the_names_that_are_stored() {
        for action in AuditAction::ALL {
            assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
        }
    }

    #[test]
    fn an_entry_of_a_later_version_can_be_read() {
        let entry = serde_json::json!({
            "id": "1", "at": "2026-01-01T00:00:00Z", "actor": { "id": "ana" },
            "action": "volume_shared", "target": { "kind": "volume", "id": "7" }, "outcome": { "kind": "done" },
        });
        let entry: AuditEntry = serde_json::from_value(entry).unwrap();
        assert_eq!(
            (entry.action, entry.target),
            (AuditAction::Unknown, AuditTarget::Unknown)
        );
    }

    #[test]
    fn a_long_value_is_cut() {
        let change = AuditChange::new(None, Some("ñ".repeat(1000)));
        assert_eq!(change.after.unwrap().chars().count(), AuditChange::MAX_LEN);
    }
}
