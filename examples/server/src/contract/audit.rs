//! The audit log.

use jiff::Timestamp;
use neuropod::store::AuditEntry;
use neuropod::store::audit::{AuditAction, AuditChange, AuditOutcome, AuditPerson, AuditTarget};
use serde::Serialize;
use utoipa::ToSchema;

/// A page of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditView {
    /// The entries, newest first.
    entries: Vec<AuditEntryView>,
    /// The cursor of the next page; null: this is the last page.
    next: Option<String>,
}

/// An action, or an attempt at one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditEntryView {
    /// Its id.
    id: String,
    /// The time.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The person who acted.
    who: PersonView,
    /// The network address of the request, if known.
    address: Option<String>,
    /// The action, such as `balance_set`.
    #[schema(value_type = String)]
    what: AuditAction,
    /// The target of the action.
    whom: TargetView,
    /// The value before, if it is short.
    before: Option<String>,
    /// The value since then.
    after: Option<String>,
    /// `done`, `refused`, `failed`, or `pending`: its result is unknown.
    outcome: &'static str,
    /// The error code, if it was refused or failed.
    code: Option<String>,
}

/// A person as they were at the time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PersonView {
    /// Their id.
    id: String,
    /// Their e-mail address.
    email: Option<String>,
}

/// The target of an action.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct TargetView {
    /// `platform`, `prices`, `user`, `pod`, `template`, `route` or `unknown`.
    kind: &'static str,
    /// Its id.
    id: Option<String>,
    /// The name of a pod or template, the e-mail address of a user, the method and path of a route.
    name: Option<String>,
    /// The owner of the pod.
    owner: Option<PersonView>,
}

impl AuditView {
    /// A page.
    pub(crate) fn of(entries: Vec<AuditEntry>, next: Option<String>) -> Self {
        Self {
            entries: entries.into_iter().map(Into::into).collect(),
            next,
        }
    }
}

impl From<AuditEntry> for AuditEntryView {
    fn from(entry: AuditEntry) -> Self {
        let AuditChange { before, after } = entry.change.unwrap_or_default();
        let (outcome, code) = match entry.outcome {
            AuditOutcome::Pending => ("pending", None),
            AuditOutcome::Done => ("done", None),
            AuditOutcome::Refused { code } => ("refused", Some(code)),
            AuditOutcome::Failed { code } => ("failed", Some(code)),
        };
        Self {
            id: entry.id.to_string(),
            at: entry.at,
            who: entry.actor.into(),
            address: entry.address.map(|address| address.to_string()),
            what: entry.action,
            whom: entry.target.into(),
            before,
            after,
            outcome,
            code,
        }
    }
}

impl From<AuditPerson> for PersonView {
    fn from(person: AuditPerson) -> Self {
        Self {
            id: person.id.to_string(),
            email: person.email,
        }
    }
}

impl From<AuditTarget> for TargetView {
    fn from(target: AuditTarget) -> Self {
        let bare = |kind| Self {
            kind,
            ..Self::default()
        };
        match target {
            AuditTarget::Platform => bare("platform"),
            AuditTarget::Prices => bare("prices"),
            AuditTarget::User(person) => Self {
                kind: "user",
                id: Some(person.id.to_string()),
                name: person.email,
                owner: None,
            },
            AuditTarget::Pod { id, name, owner } => Self {
                kind: "pod",
                id: Some(id.to_string()),
                name: Some(name),
                owner: Some(owner.into()),
            },
            AuditTarget::Template { id, name } => Self {
                kind: "template",
                id: Some(id),
                name: Some(name),
                owner: None,
            },
            AuditTarget::Route { path } => Self {
                kind: "route",
                name: Some(path),
                ..Self::default()
            },
            _ => bare("unknown"),
        }
    }
}
