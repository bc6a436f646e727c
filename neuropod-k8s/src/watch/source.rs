//! A watch on one kind of object that goes on for ever.
//!
//! `kube::runtime::watcher` does nearly the same. It keeps bookmarks to itself, so that nobody learns when a resumed
//! watch has caught up; it takes a version that the API server has forgotten for any other failure when the answer
//! to the watch request itself says so, and asks for it again for ever; and it notices a silent connection only
//! after five minutes.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, stream};
use kube::Client;
use kube::api::{ListParams, WatchParams};
use kube::core::{Request, WatchEvent};
use neuropod_core::{Error, ErrorKind};
use tokio::time::{Instant, sleep, timeout};

use crate::api::error::Call;
use crate::api::kinds::Kind;
use crate::api::partial::{List, Partial};

/// How long the API server keeps a watch open. Seconds; it takes at most 5 minutes well.
const WATCH_SECONDS: u32 = 290;

/// As long as a watch is open that resumes after a break. The API server sends a bookmark 2 seconds before it ends
/// a watch, and else once a minute: so it is soon known that nothing more was missed.
const CATCH_UP_SECONDS: u32 = 5;

/// A connection that is silent for so long is dead: bookmarks come once a minute, but of events. Those are not in the
/// watch cache of the API server, which the bookmarks come from (`--default-watch-cache-size`).
const SILENCE: Duration = Duration::from_secs(150);

/// After so many failures in a row the version that is resumed from is itself suspect (an etcd that was restored
/// from a backup knows no such version, and says so in many ways).
const FAILURES_BEFORE_LIST: u32 = 6;

const PAGE: u32 = 500;

/// What a watch says.
#[derive(Debug)]
pub(super) enum Update<T> {
    /// All objects there are. Those that are not among them are gone.
    Listed(Vec<T>),
    Applied(T),
    Deleted(T),
    /// After a break: everything that happened meanwhile has been said.
    CaughtUp,
    /// The watch broke; it goes on by itself.
    Broken(Error),
}

/// Which objects.
#[derive(Debug, Clone)]
pub(super) struct Selection {
    pub(super) kind: Kind,
    pub(super) path: String,
    pub(super) labels: Option<String>,
    pub(super) fields: Option<String>,
}

impl Selection {
    fn call(&self, verb: &'static str) -> Call<'static> {
        Call::on_kind(verb, self.kind, None)
    }
}

type Events<T> = BoxStream<'static, Result<WatchEvent<T>, kube::Error>>;

pub(super) struct Source<T> {
    client: Client,
    selection: Selection,
    /// For a page of a list, and for the answer to a watch request.
    deadline: Duration,
    state: State<T>,
    failures: u32,
    backoff: ExponentialBackoff,
}

enum State<T> {
    List,
    /// Everything up to this version is known.
    Resume {
        version: String,
        caught_up: bool,
    },
    Watching {
        events: Events<T>,
        version: String,
        caught_up: bool,
        until: Instant,
    },
}

impl<T: Partial> Source<T> {
    pub(super) fn new(client: Client, selection: Selection, deadline: Duration) -> Self {
        Self {
            client,
            selection,
            deadline,
            state: State::List,
            failures: 0,
            backoff: backoff(),
        }
    }

    pub(super) fn stream(self) -> impl Stream<Item = Update<T>> + Send + 'static {
        let next = async |mut source: Self| {
            let update = source.next().await;
            Some((update, source))
        };
        Box::pin(stream::unfold(self, next))
    }

    async fn next(&mut self) -> Update<T> {
        loop {
            // Whatever goes wrong in a step leaves a state to go on from.
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
                self.broken(error, None).await
            }
            Err(elapsed) => {
                let error =
                    Error::new(ErrorKind::Timeout, "the list did not come in time").with_source(elapsed);
                self.broken(error, None).await
            }
        }
    }

    async fn resume(&mut self, version: String, caught_up: bool) -> Option<Update<T>> {
        let seconds = if caught_up {
            WATCH_SECONDS
        } else {
            CATCH_UP_SECONDS
        };
        let params = WatchParams {
            label_selector: self.selection.labels.clone(),
            field_selector: self.selection.fields.clone(),
            timeout: Some(seconds),
            bookmarks: true,
            send_initial_events: false,
        };
        let request = Request::new(&self.selection.path).watch(&params, &version);
        let opened = open(self.client.clone(), request);
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
                Some(self.broken(error, Some(version)).await)
            }
            Err(elapsed) => {
                let error =
                    Error::new(ErrorKind::Timeout, "the watch did not open in time").with_source(elapsed);
                Some(self.broken(error, Some(version)).await)
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
        let event = match timeout(SILENCE, events.next()).await {
            Ok(Some(Ok(event))) => event,
            Ok(Some(Err(error))) => {
                let error = self.selection.call("watch").failed(error);
                return Some(self.broken(error, Some(version)).await);
            }
            Ok(None) => return self.ended(version, caught_up, until).await,
            // Nothing may have happened: it is asked again, and that is what tells whether anybody answers.
            Err(_) if self.selection.kind == Kind::Event => {
                self.state = State::Resume { version, caught_up };
                return None;
            }
            Err(elapsed) => {
                let error =
                    Error::new(ErrorKind::Timeout, "the watch has fallen silent").with_source(elapsed);
                return Some(self.broken(error, Some(version)).await);
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
                let update = (!caught_up).then_some(Update::CaughtUp);
                (bookmark.metadata.resource_version, update)
            }
            WatchEvent::Error(status) if is_forgotten(status.code) => return None,
            WatchEvent::Error(status) => {
                let error = self.selection.call("watch").failed(kube::Error::Api(status));
                return Some(self.broken(error, Some(version)).await);
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

    /// The API server ends a watch when its time is over. Before that it was cut off, which looks the same.
    async fn ended(&mut self, version: String, caught_up: bool, until: Instant) -> Option<Update<T>> {
        // It counts from when it got the request.
        let early = Instant::now() + Duration::from_secs(1) < until;
        if early {
            let error = Error::new(ErrorKind::Unavailable, "the watch was cut off");
            return Some(self.broken(error, Some(version)).await);
        }
        self.state = State::Resume {
            version,
            caught_up: true,
        };
        (!caught_up).then_some(Update::CaughtUp)
    }

    /// Waits, and goes on from `version`, or with a new list where there is none.
    async fn broken(&mut self, error: Error, version: Option<String>) -> Update<T> {
        self.failures += 1;
        self.state = match version {
            Some(version) if self.failures < FAILURES_BEFORE_LIST => State::Resume {
                version,
                caught_up: false,
            },
            _ => State::List,
        };
        if let Some(wait) = self.backoff.next() {
            sleep(error.retry_after().map_or(wait, |asked| wait.max(asked))).await;
        }
        Update::Broken(error)
    }
}

/// All pages, and the version that they are of.
async fn list_pages<T: Partial>(
    client: Client,
    selection: Selection,
) -> Result<(Vec<T>, String), kube::Error> {
    let request = Request::new(&selection.path);
    let mut page = ListParams {
        label_selector: selection.labels,
        field_selector: selection.fields,
        limit: Some(PAGE),
        ..ListParams::default()
    };
    let mut objects = Vec::new();
    loop {
        let list = request.list(&page).map_err(kube::Error::BuildRequest)?;
        let list: List<T> = client.request(list).await?;
        objects.extend(list.items);
        if list.metadata.next.is_empty() {
            return Ok((objects, list.metadata.resource_version));
        }
        page.continue_token = Some(list.metadata.next);
    }
}

async fn open<T: Partial>(
    client: Client,
    request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
) -> Result<Events<T>, kube::Error> {
    let request = request.map_err(kube::Error::BuildRequest)?;
    let events = client.request_events::<T>(request).await?;
    Ok(events.boxed())
}

/// The version is older than what etcd keeps.
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
