//! Keeps the nodes and pods with GPUs up to date while somebody asks for them.
//!
//! Listing all pods of a large cluster takes seconds of the API server, and the figures are asked for with each quote. The first
//! question opens a watch on the nodes and one on the pods of all namespaces; later ones are answered from memory. As long as a
//! watch is broken or forbidden, each question lists instead: an answer is never older than the watch can know.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use kube::Client;
use neuropod_core::cluster::NodeGpus;
use neuropod_core::{Error, ErrorKind, Result};
use tokio::sync::watch::{Receiver, Sender, channel};
use tokio::time::{sleep, timeout};

use super::fetch;
use super::node::Node;
use super::stock::by_node;
use super::tenant::Tenant;
use crate::api::kinds::Kind;
use crate::api::partial::Partial;
use crate::api::request::Requests;
use crate::watch::{Outage, Selection, Source, Update};

/// The watches end when nobody has asked for this long.
const IDLE: Duration = Duration::from_mins(10);

/// A platform that may not list or watch tries again after this long: somebody may have granted the right.
const REFUSED: Duration = Duration::from_mins(10);

/// The watches on nodes and pods, while they run.
#[derive(Default)]
pub(crate) struct GpuWatch(Mutex<Option<Running>>);

/// Dropping it ends the watches.
struct Running {
    asked: Sender<()>,
    seen: Receiver<Seen>,
}

impl GpuWatch {
    /// The GPUs of the cluster, by node, with the pods that use them. `None` as in [`fetch::fetch`], which answers where the
    /// watches can't.
    pub(crate) async fn gpus(
        &self,
        requests: &Requests,
        deadline: Duration,
        instance: &str,
    ) -> Result<Option<Vec<NodeGpus>>> {
        let mut seen = self.seen(requests.client(), deadline);
        let first = async {
            let settled = seen.wait_for(Seen::is_settled).await;
            Ok(settled.ok().and_then(|seen| seen.stock(instance)))
        };
        match requests.in_time(first).await? {
            Some(gpus) => Ok(Some(gpus)),
            None => fetch::fetch(requests, instance).await,
        }
    }

    /// What the watches show. They begin if they don't run.
    fn seen(&self, client: &Client, deadline: Duration) -> Receiver<Seen> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let running = match running
            .take()
            .filter(|running| running.seen.has_changed().is_ok())
        {
            Some(before) => {
                before.asked.send_replace(());
                running.insert(before)
            }
            None => running.insert(Running::start(client, deadline)),
        };
        running.seen.clone()
    }
}

impl Running {
    fn start(client: &Client, deadline: Duration) -> Self {
        let selection = |kind: Kind, fields: Option<&str>| Selection {
            kind,
            path: kind.path(None),
            labels: None,
            fields: fields.map(str::to_owned),
            changes_only: false,
        };
        let nodes = Source::new(client.clone(), selection(Kind::Node, None), deadline);
        let pods = selection(Kind::Pod, Some(fetch::ON_A_NODE));
        let pods = Source::new(client.clone(), pods, deadline);
        let (asked, questions) = channel(());
        let (shows, seen) = channel(Seen::default());
        tokio::spawn(watch(nodes, pods, questions, shows));
        Self { asked, seen }
    }
}

/// Follows both watches until nobody asks any more, or until a refusal is [so old](REFUSED) that the next question tries again.
async fn watch(nodes: Source<Node>, pods: Source<Tenant>, mut asked: Receiver<()>, shows: Sender<Seen>) {
    let idle = async { while let Ok(Ok(())) = timeout(IDLE, asked.changed()).await {} };
    let follow = async {
        tokio::select! {
            () = follow("nodes", nodes, &shows, |seen| &mut seen.nodes) => {}
            () = follow("the pods of all namespaces", pods, &shows, |seen| &mut seen.tenants) => {}
        }
        sleep(REFUSED).await;
    };
    tokio::select! {
        () = idle => {}
        () = follow => {}
    }
    // Receivers would keep the objects.
    shows.send_replace(Seen::default());
}

/// Records the updates of one watch, until the API server refuses it.
async fn follow<T: Partial>(
    name: &'static str,
    source: Source<T>,
    shows: &Sender<Seen>,
    known: fn(&mut Seen) -> &mut Known<T>,
) {
    let mut outage = Outage::default();
    let mut updates = source.stream();
    while let Some(update) = updates.next().await {
        let refused = match &update {
            Update::Broken(error) if is_refusal(error) => {
                tracing::debug!(%error, "GPUs are counted by lists: the platform may not watch {name}");
                true
            }
            Update::Broken(error) => {
                outage.broke(name, error);
                false
            }
            _ => {
                outage.ended(name);
                false
            }
        };
        shows.send_modify(|seen| known(seen).update(update));
        if refused {
            return;
        }
    }
}

/// Whether the same request would be refused again. Credentials that are being renewed are not a refusal.
fn is_refusal(error: &Error) -> bool {
    *error.kind() == ErrorKind::PermissionDenied && !error.is_retryable()
}

/// The nodes and pods with GPUs, as the watches show them.
#[derive(Default)]
struct Seen {
    nodes: Known<Node>,
    tenants: Known<Tenant>,
}

impl Seen {
    /// Whether the first lists have come, or can't be waited for.
    fn is_settled(&self) -> bool {
        let states = [self.nodes.state, self.tenants.state];
        states.contains(&State::Broken) || !states.contains(&State::Unlisted)
    }

    /// The GPUs, unless a watch may have missed a change.
    fn stock(&self, instance: &str) -> Option<Vec<NodeGpus>> {
        let are_current = self.nodes.state == State::Current && self.tenants.state == State::Current;
        are_current.then(|| {
            by_node(
                self.nodes.objects.values(),
                self.tenants.objects.values(),
                instance,
            )
        })
    }
}

/// The relevant objects of one kind, by uid.
struct Known<T> {
    objects: HashMap<String, T>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The first list has not come. Next: `Current`, or `Broken`.
    Unlisted,
    /// All changes have been seen. Next: `Broken`.
    Current,
    /// Changes may have been missed. Next: `Current`, when all of them have come.
    Broken,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self {
            objects: HashMap::new(),
            state: State::Unlisted,
        }
    }
}

impl<T: Partial> Known<T> {
    fn update(&mut self, update: Update<T>) {
        match update {
            Update::Listed(objects) => {
                let by_uid = |object: T| (object.meta().uid.clone(), object);
                self.objects = objects.into_iter().map(by_uid).collect();
                self.state = State::Current;
            }
            Update::Applied(object) if object.is_relevant() => {
                self.objects.insert(object.meta().uid.clone(), object);
            }
            // A pod that ends leaves the selection, which the API server reports as a deletion.
            Update::Applied(object) | Update::Deleted(object) => {
                self.objects.remove(&object.meta().uid);
            }
            Update::CaughtUp => self.state = State::Current,
            Update::Alive => {}
            Update::Broken(_) => self.state = State::Broken,
        }
    }
}
