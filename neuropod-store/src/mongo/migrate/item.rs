//! The documents of a collection as they are read, beside what another store has already.

use std::collections::BTreeSet;

use mongodb::bson::Document;
use neuropod_core::store::ListOptions;
use neuropod_core::store::Store;
use neuropod_core::{Pod, Result, Template, User};

use super::finding::{Finding, Oddity};
use super::pod;
use super::user::Account;

/// A document, as far as it was read.
pub(super) struct Item<D> {
    /// Its `_id` as text.
    pub(super) id: String,
    pub(super) collection: &'static str,
    pub(super) document: Document,
    pub(super) read: Read<D>,
    pub(super) findings: Vec<Finding>,
}

pub(super) enum Read<D> {
    /// It is as this library writes it.
    Done(D),
    ToTake(D),
    SetAside,
    /// It stays where it is.
    LeftAlone,
}

impl<D> Item<D> {
    pub(super) fn done(&self) -> Option<&D> {
        match &self.read {
            Read::Done(read) => Some(read),
            _ => None,
        }
    }

    pub(super) fn taken_mut(&mut self) -> Option<&mut D> {
        match &mut self.read {
            Read::ToTake(read) => Some(read),
            _ => None,
        }
    }

    /// What it is, or will be.
    pub(super) fn value(&self) -> Option<&D> {
        match &self.read {
            Read::Done(read) | Read::ToTake(read) => Some(read),
            _ => None,
        }
    }

    pub(super) fn tell(&mut self, oddity: Oddity) {
        self.findings
            .push(Finding::new(self.collection, &self.id, oddity));
    }
}

/// What another store has already.
#[derive(Default)]
pub(super) struct There {
    pub(super) users: Vec<User>,
    pub(super) templates: Vec<Template>,
    pub(super) pods: Vec<Pod>,
}

impl There {
    pub(super) async fn read(store: &dyn Store, in_place: bool) -> Result<Self> {
        if in_place {
            // It is the same.
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

    /// Marks what was carried over before.
    pub(super) fn mark(
        &self,
        templates: &mut [Item<Template>],
        users: &mut [Item<(User, Account)>],
        pods: &mut [Item<Pod>],
    ) {
        let ids: BTreeSet<_> = self.templates.iter().map(|template| &template.id).collect();
        mark(templates, |template| ids.contains(&template.id));
        let ids: BTreeSet<_> = self.users.iter().map(|user| &user.id).collect();
        mark(users, |(user, _)| ids.contains(&user.id));
        let ids: BTreeSet<_> = self.pods.iter().map(|pod| &pod.id).collect();
        // One that has another's id got one of its own.
        mark(pods, |pod| ids.contains(&pod.id));
        let mut seen = BTreeSet::new();
        for item in pods {
            let twice = item.done().is_some_and(|pod| !seen.insert(pod.id.clone()));
            let own = pod::id_from(&item.id);
            if twice
                && !ids.contains(&own)
                && let Read::Done(pod) = std::mem::replace(&mut item.read, Read::LeftAlone)
            {
                item.read = Read::ToTake(pod);
            }
        }
    }
}

fn mark<D>(items: &mut [Item<D>], is_there: impl Fn(&D) -> bool) {
    for item in items {
        item.read = match std::mem::replace(&mut item.read, Read::LeftAlone) {
            Read::ToTake(read) if is_there(&read) => {
                item.findings.clear();
                Read::Done(read)
            }
            read => read,
        };
    }
}
