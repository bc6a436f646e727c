//! The record of a key: the change made under it.

use jiff::Timestamp;
use neuropod_core::money::billing::{Drawn, PostingKind};
use neuropod_core::{Money, PodId, UserId};
use serde::{Deserialize, Serialize};

/// The change made under a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub(crate) enum Record {
    /// The key was released before anything was held under it, so that a late hold fails.
    Closed,
    /// Money was held.
    Held {
        user: UserId,
        /// The amount that the call asked for.
        amount: Money,
        /// The amount that is held now.
        held: Money,
        /// The pod that the hold is for; `None` in records of earlier versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pod: Option<PodId>,
        /// The name of that pod; `None` as above.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pod_name: Option<String>,
        /// How the hold ended; `None` while it is open.
        end: Option<End>,
    },
    /// Money was added or taken.
    Posted {
        user: UserId,
        posting: PostingKind,
        amount: Money,
    },
    /// Usage was charged.
    Drawn {
        user: UserId,
        hold: Option<String>,
        amount: Money,
        top_up: Money,
        drawn: Drawn,
    },
    /// Charges of a pod were folded, and the records of their keys removed.
    Folded {
        user: UserId,
        /// The latest end of their periods.
        until: Timestamp,
    },
}

/// How a hold ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum End {
    /// Part of it was charged and the rest released, in one step: by earlier versions.
    Settled(Money),
    /// The rest of it was released.
    Released,
}

impl Record {
    /// The user whose account was changed.
    pub(crate) fn user(&self) -> Option<&UserId> {
        match self {
            Self::Closed => None,
            Self::Held { user, .. }
            | Self::Posted { user, .. }
            | Self::Drawn { user, .. }
            | Self::Folded { user, .. } => Some(user),
        }
    }
}
