//! The entries of an account, page by page.

use std::collections::HashMap;

use futures::{Stream, stream};
use neuropod::money::LedgerEntry;
use neuropod::money::billing::EntryOptions;
use neuropod::{Actor, Error, Platform, PodId, UserId};

use crate::contract::failure::Failure;

/// The entries of an account in a range of time.
pub(super) struct Ledger {
    platform: Platform,
    actor: Actor,
    user: UserId,
    options: EntryOptions,
}

/// The entries of the account of `user` that `options` select, as this one may see them.
pub(super) fn ledger(platform: &Platform, actor: Actor, user: UserId, options: EntryOptions) -> Ledger {
    Ledger {
        platform: platform.clone(),
        actor,
        user,
        options,
    }
}

impl Ledger {
    /// Page by page, oldest first: no more than one is in memory. No page is empty.
    pub(super) fn pages(&self) -> impl Stream<Item = Result<Vec<LedgerEntry>, Error>> + Send + use<> {
        let Self {
            platform,
            actor,
            user,
            options,
        } = self;
        let begin = (
            platform.clone(),
            actor.clone(),
            user.clone(),
            Some(options.clone()),
        );
        stream::try_unfold(begin, |(platform, actor, user, options)| async {
            let Some(mut options) = options else {
                return Ok(None);
            };
            let page = platform.entries(&actor, &user, &options).await?;
            let Some(last) = page.last() else {
                return Ok(None);
            };
            options.after = last.number;
            let is_full = page.len() >= usize::try_from(options.limit).unwrap_or(usize::MAX);
            let next = is_full.then_some(options);
            Ok(Some((page, (platform, actor, user, next))))
        })
    }

    /// The names of the pods that are there, for entries that don't say them.
    pub(super) async fn names_of_pods(&self) -> Result<HashMap<PodId, String>, Failure> {
        let pods = self.platform.list_all(&self.actor, Some(&self.user)).await?;
        Ok(pods.into_iter().map(|pod| (pod.id, pod.name)).collect())
    }
}
