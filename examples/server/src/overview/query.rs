//! The selection of pods.

use std::cmp::Ordering;

use neuropod::{Pod, Status};
use serde::Deserialize;
use utoipa::ToSchema;

use super::order::{Order, Sort};
use super::place::Place;
use crate::directory::Person;

/// The status of pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StatusFilter {
    /// Starting.
    Creating,
    /// Running.
    Running,
    /// Stopped.
    Stopped,
    /// Failed.
    Error,
}

impl StatusFilter {
    pub(super) fn fits(self, status: Status) -> bool {
        let wanted = match self {
            Self::Creating => Status::Creating,
            Self::Running => Status::Running,
            Self::Stopped => Status::Stopped,
            Self::Error => Status::Error,
        };
        wanted == status
    }
}

/// Selects pods.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pub(crate) status: Option<StatusFilter>,
    pub(crate) gpu: Option<String>,
    pub(crate) node: Option<String>,
    /// Their owner: an id or an e-mail address.
    pub(crate) owner: Option<String>,
    /// A part of their name, id, image or node, or of the name or address of their owner.
    pub(crate) search: Option<String>,
    pub(crate) sort: Sort,
    pub(crate) order: Order,
    pub(crate) after: Option<Place>,
    pub(crate) limit: usize,
}

impl Query {
    pub(super) fn compare(&self, one: &Place, other: &Place) -> Ordering {
        match self.order {
            Order::Asc => one.cmp(other),
            Order::Desc => other.cmp(one),
        }
    }

    /// Whether a pod matches, ignoring its status.
    pub(super) fn fits(&self, pod: &Pod, owner: Option<&Person>) -> bool {
        let is = |wanted: &Option<String>, value: &str| wanted.as_ref().is_none_or(|wanted| wanted == value);
        let is_theirs = self.owner.as_ref().is_none_or(|wanted| {
            wanted == pod.owner.as_str()
                || owner.is_some_and(|owner| owner.email.to_lowercase() == wanted.to_lowercase())
        });
        is(&self.gpu, pod.options.gpu())
            && is(&self.node, pod.node.as_deref().unwrap_or_default())
            && is_theirs
            && self.search.as_ref().is_none_or(|text| mentions(pod, owner, text))
    }
}

/// Whether a text occurs in the visible fields of a pod.
fn mentions(pod: &Pod, owner: Option<&Person>, text: &str) -> bool {
    let text = text.trim().to_lowercase();
    let has = |value: &str| value.to_lowercase().contains(&text);
    has(&pod.name)
        || has(pod.id.as_str())
        || has(pod.options.image())
        || pod.node.as_deref().is_some_and(has)
        || owner.is_some_and(|owner| has(&owner.email) || has(&owner.name))
}
