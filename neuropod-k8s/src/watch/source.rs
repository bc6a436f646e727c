//! A watch on one kind of object that never ends.
//!
//! It moves between three states: `List` fetches all objects, `Resume` opens a watch from a known version, `Watching` reads
//! its events.
//!
//! `kube::runtime::watcher` does nearly the same, with three differences. It does not pass bookmarks on, so its users can't
//! know when a resumed watch has caught up. When the API server rejects a watch request because it has forgotten the
//! version, it retries with the same version for ever. And it notices a silent connection only after five minutes.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, stream};
use kube::Client;
use kube::api::ListParams;
use kube::core::{Request, WatchEvent};
use neuropod_core::{Error, ErrorKind};
use tokio::time::{Instant, sleep, timeout};

use crate::api::error::Call;
use crate::api::kinds::Kind;
use crate::api::partial::{List, Partial};

/// How long the API server should keep a watch open, in seconds. Each opening is a request, and a dead connection is noticed
/// by its silence.
const WATCH_SECONDS: u32 = 20 * 60;

/// How long a watch stays open that resumes after a break, in seconds. The API server sends a bookmark 2 seconds before it
/// ends a watch, and otherwise once a minute. A short watch therefore soon shows that no event was missed.
const CATCH_UP_SECONDS: u32 = 5;

/// A connection that is silent for this long is dead, as bookmarks come once a minute.
const SILENCE: Duration = Duration::from_secs(150);
/// After this long without events, a watch on events is opened again, to see whether the API server responds. It gets no
/// bookmarks: they come from the watch cache of the API server, which has no events (`--default-watch-cache-size`).
const EVENT_SILENCE: Duration = Duration::from_mins(5);

/// After this many failures in a row the watch lists again, because the version itself may be the cause: an etcd that was
/// restored from a backup does not know it, and reports that in many ways.
const FAILURES_BEFORE_LIST: u32 = 6;

const PAGE: u32 = 500;

/// The response to a watch has whole objects, or only their metadata.
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/// An update from a watch.
#[derive(Debug)]
pub(crate) enum Update<T> {
    /// All relevant objects that exist. All others are gone. Of a watch [on changes](Selection::changes_only): any object may have
    /// changed.
    Listed(Vec<T>),
    Applied(T),
    Deleted(T),
    /// After a break: all changes that happened meanwhile have been reported.
    CaughtUp,
    /// All changes up to now have been reported.
    Alive,
    /// The watch broke. It resumes by itself.
    Broken(Error),
}

/// The objects to watch.
#[derive(Debug, Clone)]
pub(crate) struct Selection {
    pub(crate) kind: Kind,
    pub(crate) path: String,
    pub(crate) labels: Option<String>,
    pub(crate) fields: Option<String>,
    /// Only the fact of a change matters: the objects that exist are not listed, and have nothing but their metadata.
    pub(crate) changes_only: bool,
}

impl Selection {
    fn call(&self, verb: &'static str) -> Call<'static> {
        Call::on_kind(verb, self.kind, None)
    }

    /// The request for a watch of so many seconds. kube's own permits no more than 295.
    fn watch(&self, seconds: u32, version: &str) -> http::Result<http::Request<Vec<u8>>> {
        let mut query = form_urlencoded::Serializer::new(format!("{}?", self.path));
        query
            .append_pair("watch", "true")
            .append_pair("timeoutSeconds", &seconds.to_string())
            .append_pair("allowWatchBookmarks", "true")
            .append_pair("resourceVersion", version);
        for (name, selector) in [("labelSelector", &self.labels), ("fieldSelector", &self.fields)] {
            if let Some(selector) = selector {
                query.append_pair(name, selector);
            }
        }
        let request = http::Request::get(query.finish());
        let request = if self.changes_only {
            request.header(http::header::ACCEPT, METADATA)
        } else {
            request
        };
        request.body(Vec::new())
    }
}

type Events<T> = BoxStream<'static, Result<WatchEvent<T>, kube::Error>>;

pub(crate) struct Source<T> {
    client: Client,
    selection: Selection,
    /// The longest time for a whole list, and for the response to a watch request.
    deadline: Duration,
    state: State<T>,
    failures: u32,
    backoff: ExponentialBackoff,
    /// The pause before the next request, after a failure.
    pause: Option<Duration>,
}

enum State<T> {
    /// Nothing is known, or the version is no longer usable. Next: `Resume`, or `List` again after a failure.
    List,
    /// All changes up to this version have been reported. Next: `Watching`; `List` if the version is forgotten or requests
    /// keep failing.
    Resume { version: String, caught_up: bool },
    /// The watch is open. Next: `Resume` when it ends or breaks; `List` if the version is forgotten.
    Watching {
        events: Events<T>,
        version: String,
        caught_up: bool,
        /// When the API server is expected to end it.
        until: Instant,
    },
}

impl<T: Partial> Source<T> {
    pub(crate) fn new(client: Client, selection: Selection, deadline: Duration) -> Self {
        Self {
            client,
            selection,
            deadline,
            state: State::List,
            failures: 0,
            backoff: backoff(),
            pause: None,
        }
    }

    pub(crate) fn stream(self) -> impl Stream<Item = Update<T>> + Send + 'static {
        let next = async |mut source: Self| {
            let update = source.next().await;
            Some((update, source))
        };
        Box::pin(stream::unfold(self, next))
    }

    async fn next(&mut self) -> Update<T> {
        if let Some(pause) = self.pause.take() {
            sleep(pause).await;
        }
        loop {
            // Each step sets the next state itself, unless it is `List`.
            let update = match std::mem::replace(&mut self.state, State::List) {
                State::List => Some(self.list().await),
                State::Resume { version, caught_up } => self.resume(version, caught_up).await,
                State::Watching {
                    events,
                    version,
                    caught_up,
                    until,
                } => self.follow(events, version, caught_up, until).await,
            };
            match update {
                Some(Update::Broken(error)) => return Update::Broken(error),
                Some(update) => {
                    self.failures = 0;
                    self.backoff = backoff();
                    return update;
                }
                None => {}
            }
        }
    }

    async fn list(&mut self) -> Update<T> {
        let pages = list_pages(self.client.clone(), self.selection.clone());
        match timeout(self.deadline, pages).await {
            Ok(Ok((objects, version))) => {
                self.state = State::Resume {
                    version,
                    caught_up: true,
                };
                Update::Listed(objects)
            }
            Ok(Err(error)) => {
                let error = self.selection.call("list").failed(error);
                self.broken(error, None)
            }
            Err(elapsed) => {
                let error =
                    Error::new(ErrorKind::Timeout, "the list did not come in time").with_source(elapsed);
                self.broken(error, None)
            }
        }
    }

    async fn resume(&mut self, version: String, caught_up: bool) -> Option<Update<T>> {
        let seconds = if caught_up {
            WATCH_SECONDS
        } else {
            CATCH_UP_SECONDS
        };
        let opened = open(self.client.clone(), self.selection.watch(seconds, &version));
        match timeout(self.deadline, opened).await {
            Ok(Ok(events)) => {
                self.state = State::Watching {
                    events,
                    version,
                    caught_up,
                    until: Instant::now() + Duration::from_secs(seconds.into()),
                };
                None
            }
            Ok(Err(kube::Error::Api(status))) if is_forgotten(status.code) => None,
            Ok(Err(error)) => {
                let error = self.selection.call("watch").failed(error);
                Some(self.broken(error, Some(version)))
            }
            Err(elapsed) => {
                let error =
                    Error::new(ErrorKind::Timeout, "the watch did not open in time").with_source(elapsed);
                Some(self.broken(error, Some(version)))
            }
        }
    }

    async fn follow(
        &mut self,
        mut events: Events<T>,
        version: String,
        caught_up: bool,
        until: Instant,
    ) -> Option<Update<T>> {
        let silence = match self.selection.kind {
            Kind::Event => EVENT_SILENCE,
            _ => SILENCE,
        };
        let event = match timeout(silence, events.next()).await {
            Ok(Some(Ok(event))) => event,
            Ok(Some(Err(error))) => {
                let error = self.selection.call("watch").failed(error);
                return Some(self.broken(error, Some(version)));
            }
            Ok(None) => return self.ended(version, caught_up, until),
            // There may have been no events. Opening a new watch shows whether the API server responds.
            Err(_) if self.selection.kind == Kind::Event => {
                self.state = State::Resume { version, caught_up };
                return None;
            }
            Err(elapsed) => {
                let error =
                    Error::new(ErrorKind::Timeout, "the watch has fallen silent").with_source(elapsed);
                return Some(self.broken(error, Some(version)));
            }
        };
        let (version, update) = match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => (
                object.meta().resource_version.clone(),
                Some(Update::Applied(object)),
            ),
            WatchEvent::Deleted(object) => (
                object.meta().resource_version.clone(),
                Some(Update::Deleted(object)),
            ),
            WatchEvent::Bookmark(bookmark) => {
                let update = if caught_up {
                    Update::Alive
                } else {
                    Update::CaughtUp
                };
                (bookmark.metadata.resource_version, Some(update))
            }
            WatchEvent::Error(status) if is_forgotten(status.code) => return None,
            WatchEvent::Error(status) => {
                let error = self.selection.call("watch").failed(kube::Error::Api(status));
                return Some(self.broken(error, Some(version)));
            }
        };
        self.state = State::Watching {
            events,
            version,
            caught_up: caught_up || matches!(update, Some(Update::CaughtUp)),
            until,
        };
        update
    }

    /// The API server ends a watch when its time is over. A stream that ends earlier was cut off.
    fn ended(&mut self, version: String, caught_up: bool, until: Instant) -> Option<Update<T>> {
        // The API server counts from when it received the request.
        let early = Instant::now() + Duration::from_secs(1) < until;
        if early {
            let error = Error::new(ErrorKind::Unavailable, "the watch was cut off");
            return Some(self.broken(error, Some(version)));
        }
        self.state = State::Resume {
            version,
            caught_up: true,
        };
        (!caught_up).then_some(Update::CaughtUp)
    }

    /// The next state, after a pause, resumes from `version`, or lists again if there is none.
    fn broken(&mut self, error: Error, version: Option<String>) -> Update<T> {
        self.failures += 1;
        self.state = match version {
            Some(version) if self.failures < FAILURES_BEFORE_LIST => State::Resume {
                version,
                caught_up: false,
            },
            _ => State::List,
        };
        let asked = error.retry_after();
        self.pause = self
            .backoff
            .next()
            .map(|wait| asked.map_or(wait, |asked| wait.max(asked)));
        Update::Broken(error)
    }
}

/// All objects, from all pages, and the version that they belong to. If only changes matter, there are no objects.
async fn list_pages<T: Partial>(
    client: Client,
    selection: Selection,
) -> Result<(Vec<T>, String), kube::Error> {
    let request = Request::new(&selection.path);
    let only_version = selection.changes_only;
    let mut page = ListParams {
        label_selector: selection.labels,
        field_selector: selection.fields,
        limit: Some(if only_version { 1 } else { PAGE }),
        ..ListParams::default()
    };
    let mut objects = Vec::new();
    loop {
        let list = if only_version {
            request.list_metadata(&page)
        } else {
            request.list(&page)
        };
        let list: List<T> = client.request(list.map_err(kube::Error::BuildRequest)?).await?;
        if only_version {
            return Ok((objects, list.metadata.resource_version));
        }
        objects.extend(list.items.into_iter().filter(T::is_relevant));
        if list.metadata.next.is_empty() {
            return Ok((objects, list.metadata.resource_version));
        }
        page.continue_token = Some(list.metadata.next);
    }
}

async fn open<T: Partial>(
    client: Client,
    request: http::Result<http::Request<Vec<u8>>>,
) -> Result<Events<T>, kube::Error> {
    let request = request
        .map_err(kube::core::request::Error::BuildRequest)
        .map_err(kube::Error::BuildRequest)?;
    let events = client.request_events::<T>(request).await?;
    Ok(events.boxed())
}

/// Whether the status code means that etcd no longer keeps the version.
fn is_forgotten(code: u16) -> bool {
    code == 410
}

fn backoff() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(30))
        .without_max_times()
        .with_jitter()
        .build()
}
