//! Joins the watches on pods, on what belongs to them, and on events into one stream.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use futures::stream::{self, BoxStream, SelectAll};
use futures::{Stream, StreamExt};
use kube::Client;
use neuropod_core::cluster::ClusterEvent;
use tokio::time::{Instant, sleep_until};

use super::aliveness::Aliveness;
use super::source::{Selection, Source, Update};
use super::tracker::{About, Item, Tracker};
use crate::api::kinds::Kind;
use crate::api::partial::{Partial, PartialEvent, PartialObject, PartialPod};
use crate::config::{Exposure, KubeConfig};
use crate::labels;

/// How long the watches on events about nodes and claims stay open after all pods have become ready. Opening them makes the API
/// server read all events.
const EVENTS_STAY: Duration = Duration::from_mins(5);

/// The changes of all pods of the platform in `namespace`, or in all namespaces.
pub(crate) fn watch(
    client: Client,
    config: &KubeConfig,
    namespace: Option<&str>,
) -> impl Stream<Item = ClusterEvent> + Send + 'static {
    let sources = Sources {
        client,
        deadline: config.deadline,
        namespace: namespace.map(str::to_owned),
    };
    let pods =
        sources.open::<PartialPod>(sources.selection(Kind::Pod, Some(labels::of_all_pods(&config.instance))));
    let kinds = beside_pods(config);
    let objects = kinds.iter().enumerate().map(|(index, &kind)| {
        let selection = Selection {
            changes_only: true,
            ..sources.selection(kind, Some(labels::of_platform(&config.instance)))
        };
        let source = sources.open::<PartialObject>(selection);
        source.map(move |update| (index, update)).boxed()
    });
    let warnings = sources.open_events(About::Pods);
    let joined = Joined {
        pods,
        warnings,
        objects: stream::select_all(objects.collect::<Vec<_>>()),
        unready: SelectAll::new(),
        unready_until: None,
        tracker: Tracker::default(),
        aliveness: Aliveness::of(&kinds),
        sources,
        reports: VecDeque::new(),
    };
    stream::unfold(Box::new(joined), |mut joined| async move {
        Some((joined.next().await?, joined))
    })
}

/// The kinds of objects beside pods that are watched. None if Secrets are copied: their originals have no labels to watch
/// them by, so that only regular inventories show that one has changed.
pub(crate) fn beside_pods(config: &KubeConfig) -> Vec<Kind> {
    if config.namespace_per_user && !config.secret_names().is_empty() {
        return Vec::new();
    }
    let route = match config.exposure {
        Exposure::Ingress(_) => Kind::Ingress,
        Exposure::Gateway(_) => Kind::HttpRoute,
    };
    vec![
        Kind::Service,
        route,
        Kind::Secret,
        Kind::NetworkPolicy,
        Kind::PersistentVolumeClaim,
    ]
}

/// Opens watches.
struct Sources {
    client: Client,
    deadline: Duration,
    namespace: Option<String>,
}

impl Sources {
    fn selection(&self, kind: Kind, labels: Option<String>) -> Selection {
        Selection {
            kind,
            path: kind.path(self.namespace.as_deref()),
            labels,
            fields: None,
            changes_only: false,
        }
    }

    fn open<T: Partial>(&self, selection: Selection) -> BoxStream<'static, Update<T>> {
        Source::new(self.client.clone(), selection, self.deadline)
            .stream()
            .boxed()
    }

    /// A watch on events. Events about other pods come too. They are never reported, because the tracker does not know
    /// those pods.
    fn open_events(&self, about: About) -> BoxStream<'static, Item> {
        let selection = Selection {
            fields: Some(about.selector().into()),
            ..self.selection(Kind::Event, None)
        };
        let source = self.open::<PartialEvent>(selection);
        source.map(move |update| Item::Events(about, update)).boxed()
    }
}

/// All watches, and what they have shown.
struct Joined {
    pods: BoxStream<'static, Update<PartialPod>>,
    objects: SelectAll<BoxStream<'static, (usize, Update<PartialObject>)>>,
    /// Events about pods. They also show that the port of a pod that is ready was closed for a moment.
    warnings: BoxStream<'static, Item>,
    /// Events for [`About::UNREADY`]; empty while no pod needs them.
    unready: SelectAll<BoxStream<'static, Item>>,
    /// When those watches end; `None`: they are not open, or needed.
    unready_until: Option<Instant>,
    tracker: Tracker,
    aliveness: Aliveness,
    sources: Sources,
    /// What has not been handed out yet.
    reports: VecDeque<ClusterEvent>,
}

impl Joined {
    async fn next(&mut self) -> Option<ClusterEvent> {
        loop {
            if let Some(event) = self.reports.pop_front() {
                return Some(event);
            }
            let until = self.unready_until;
            tokio::select! {
                update = self.pods.next() => {
                    let update = update?;
                    let alive = self.aliveness.pods(&update);
                    self.handle(Item::Pods(update));
                    self.reports.extend(alive);
                }
                Some((index, update)) = self.objects.next() => {
                    self.reports.extend(self.aliveness.objects(index, &update));
                }
                item = self.warnings.next() => self.handle(item?),
                Some(item) = self.unready.next() => self.handle(item),
                () = async { sleep_until(until.unwrap_or_else(Instant::now)).await }, if until.is_some() => {
                    self.unready.clear();
                    self.unready_until = None;
                    self.tracker.forget_unready();
                }
            }
        }
    }

    fn handle(&mut self, item: Item) {
        self.reports.extend(self.tracker.handle(item));
        if self.tracker.has_unready() {
            self.unready_until = None;
            if self.unready.is_empty() {
                let events = About::UNREADY.map(|about| self.sources.open_events(about));
                self.unready = stream::select_all(events);
            }
        } else if !self.unready.is_empty() {
            let end = || Instant::now() + EVENTS_STAY;
            self.unready_until.get_or_insert_with(end);
        }
    }
}
