//! Documents of the old database as read, and how they relate to those already in the destination.

use std::collections::BTreeSet;

use mongodb::bson::Document;
use neuropod_core::store::ListOptions;
use neuropod_core::store::Store;
use neuropod_core::{Pod, Result, Template, User};

use super::finding::{Finding, Oddity};
use super::pod;
use super::user::Account;

/// A document and the result of reading it.
pub(super) struct Item<D> {
    /// Its `_id` as text.
    pub(super) id: String,
    pub(super) collection: &'static str,
    pub(super) document: Document,
    pub(super) read: Read<D>,
    pub(super) findings: Vec<Finding>,
}

pub(super) enum Read<D> {
    /// It was migrated before.
    Done(D),
    ToMigrate(D),
    SetAside,
    /// It is ignored.
    LeftAlone,
}

impl<D> Item<D> {
    pub(super) fn done(&self) -> Option<&D> {
        match &self.read {
            Read::Done(read) => Some(read),
            _ => None,
        }
    }

    pub(super) fn to_migrate_mut(&mut self) -> Option<&mut D> {
        match &mut self.read {
            Read::ToMigrate(read) => Some(read),
            _ => None,
        }
    }

    /// The migrated or parsed value.
    pub(super) fn value(&self) -> Option<&D> {
        match &self.read {
            Read::Done(read) | Read::ToMigrate(read) => Some(read),
            _ => None,
        }
    }

    pub(super) fn report(&mut self, oddity: Oddity) {
        self.findings
            .push(Finding::new(self.collection, &self.id, oddity));
    }
}

/// The documents that are already in the destination.
#[derive(Default)]
pub(super) struct Existing {
    pub(super) users: Vec<User>,
    pub(super) templates: Vec<Template>,
    pub(super) pods: Vec<Pod>,
}

impl Existing {
    pub(super) async fn read(store: &dyn Store, in_place: bool) -> Result<Self> {
        if in_place {
            // The source is the destination.
            return Ok(Self::default());
        }
        let mut pods = Vec::new();
        let mut options = ListOptions {
            include_deleted: true,
            ..ListOptions::default()
        };
        loop {
            let page = store.list(&options).await?;
            pods.extend(page.pods);
            let Some(next) = page.next else { break };
            options.after = Some(next);
        }
        Ok(Self {
            users: store.users().await?,
            templates: store.templates().await?,
            pods,
        })
    }

    /// Marks documents that an earlier run migrated.
    pub(super) fn mark_done(
        &self,
        templates: &mut [Item<Template>],
        users: &mut [Item<(User, Account)>],
        pods: &mut [Item<Pod>],
    ) {
        let ids: BTreeSet<_> = self.templates.iter().map(|template| &template.id).collect();
        mark_done(templates, |template| ids.contains(&template.id));
        let ids: BTreeSet<_> = self.users.iter().map(|user| &user.id).collect();
        mark_done(users, |(user, _)| ids.contains(&user.id));
        let ids: BTreeSet<_> = self.pods.iter().map(|pod| &pod.id).collect();
        // A pod whose id was a duplicate got the id of its document.
        mark_done(pods, |pod| ids.contains(&pod.id));
        let mut seen = BTreeSet::new();
        for item in pods {
            let twice = item.done().is_some_and(|pod| !seen.insert(pod.id.clone()));
            let own = pod::id_from(&item.id);
            if twice
                && !ids.contains(&own)
                && let Read::Done(pod) = std::mem::replace(&mut item.read, Read::LeftAlone)
            {
                item.read = Read::ToMigrate(pod);
            }
        }
    }
}

fn mark_done<D>(items: &mut [Item<D>], is_there: impl Fn(&D) -> bool) {
    for item in items {
        item.read = match std::mem::replace(&mut item.read, Read::LeftAlone) {
            Read::ToMigrate(read) if is_there(&read) => {
                item.findings.clear();
                Read::Done(read)
            }
            read => read,
        };
    }
}
