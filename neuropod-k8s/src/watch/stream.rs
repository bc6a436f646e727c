//! Joins the watches on pods and events into one stream.

use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use kube::Client;
use neuropod_core::cluster::ClusterEvent;

use super::source::{Selection, Source};
use super::tracker::{About, Item, Tracker};
use crate::api::kinds::Kind;
use crate::api::partial::{PartialEvent, PartialPod};
use crate::labels;

/// The changes of all pods of the platform in `namespace`, or in all namespaces.
pub(crate) fn watch(
    client: Client,
    instance: &str,
    namespace: Option<&str>,
    deadline: Duration,
) -> impl Stream<Item = ClusterEvent> + Send + 'static {
    let pods = Selection {
        kind: Kind::Pod,
        path: Kind::Pod.path(namespace),
        labels: Some(labels::of_all_pods(instance)),
        fields: None,
    };
    let events = About::ALL.into_iter().map(|about| {
        // Events about other pods come too. They are never reported, because the tracker does not know those pods.
        let selection = Selection {
            kind: Kind::Event,
            path: Kind::Event.path(namespace),
            labels: None,
            fields: Some(about.selector().into()),
        };
        let source = Source::<PartialEvent>::new(client.clone(), selection, deadline);
        source
            .stream()
            .map(move |update| Item::Events(about, update))
            .boxed()
    });
    let events = stream::select_all(events.collect::<Vec<_>>());
    let pods = Source::<PartialPod>::new(client, pods, deadline).stream();
    let items = stream::select(pods.map(Item::Pods), events);
    let mut tracker = Tracker::default();
    items.flat_map(move |item| stream::iter(tracker.handle(item)))
}
