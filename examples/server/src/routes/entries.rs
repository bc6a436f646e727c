//! The entries of an account, page by page.

use std::collections::HashMap;

use futures::{Stream, stream};
use neuropod::money::LedgerEntry;
use neuropod::money::billing::EntryOptions;
use neuropod::{Actor, Error, Platform, PodId, UserId};

use super::time_range::TimeRange;
use crate::contract::failure::Failure;

/// The entries of an account that are for a range of time.
pub(super) struct Ledger {
    platform: Platform,
    actor: Actor,
    user: UserId,
    range: TimeRange,
}

/// The entries of the account of `user` that are for a range of time, as this one may see them.
pub(super) fn ledger(platform: &Platform, actor: Actor, user: UserId, range: TimeRange) -> Ledger {
    Ledger {
        platform: platform.clone(),
        actor,
        user,
        range,
    }
}

impl Ledger {
    /// Page by page, oldest first: no more than one is in memory. A page may be empty, where no entry of it is for the range.
    pub(super) fn pages(&self) -> impl Stream<Item = Result<Vec<LedgerEntry>, Error>> + Send + use<> {
        let Self {
            platform,
            actor,
            user,
            range: TimeRange { from, until },
        } = self;
        let (from, until) = (*from, *until);
        let options = Some(EntryOptions::effective_from(from));
        let begin = (platform.clone(), actor.clone(), user.clone(), options);
        stream::try_unfold(begin, move |(platform, actor, user, options)| async move {
            let Some(mut options) = options else {
                return Ok(None);
            };
            let mut page = platform.entries(&actor, &user, &options).await?;
            let Some(last) = page.last() else {
                return Ok(None);
            };
            options.after = last.number;
            let is_full = page.len() >= usize::try_from(options.limit).unwrap_or(usize::MAX);
            let next = is_full.then_some(options);
            page.retain(|entry| entry.is_within(from, until));
            Ok(Some((page, (platform, actor, user, next))))
        })
    }

    /// The names of the pods that are there, for entries that don't say them.
    pub(super) async fn names_of_pods(&self) -> Result<HashMap<PodId, String>, Failure> {
        let pods = self.platform.list_all(&self.actor, Some(&self.user)).await?;
        Ok(pods.into_iter().map(|pod| (pod.id, pod.name)).collect())
    }
}
