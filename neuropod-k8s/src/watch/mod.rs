//! One stream of changes for all pods, from two watches: one on the pods, one on the warnings about pods.

mod source;
#[cfg(test)]
mod tests;
mod tracker;

use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use kube::Client;
use neuropod_core::ClusterEvent;

use self::source::{Selection, Source};
use self::tracker::{Item, Tracker};
use crate::kind::Kind;
use crate::labels;
use crate::slim::{SlimEvent, SlimPod};
use crate::status::ABOUT_PODS;

/// The changes of all pods of the platform in `namespace`, or in all.
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
    // Those about pods of others come too, and are never told: their pods are not known.
    let warnings = Selection {
        kind: Kind::Event,
        path: Kind::Event.path(namespace),
        labels: None,
        fields: Some(ABOUT_PODS.into()),
    };
    let pods = Source::<SlimPod>::new(client.clone(), pods, deadline).stream();
    let warnings = Source::<SlimEvent>::new(client, warnings, deadline).stream();
    let items = stream::select(pods.map(Item::Pods), warnings.map(Item::Warnings));
    let mut tracker = Tracker::default();
    items.flat_map(move |item| stream::iter(tracker.take(item)))
}
