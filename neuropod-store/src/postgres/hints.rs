//! Hints of what other processes change, by NOTIFY and LISTEN: <https://www.postgresql.org/docs/current/sql-notify.html>.

use std::collections::{BTreeSet, VecDeque};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use neuropod_core::PodId;
use neuropod_core::store::PodHint;
use serde::{Deserialize, Serialize};
use sqlx::Executor;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::time::{sleep, timeout};

use super::database::Database;
use crate::json;

const CHANNEL: &str = "neuropod_pods";
/// The most pods in one notification, whose text must be shorter than 8000 bytes.
const PODS: usize = 200;
/// A connection that has been silent for this long is tested: its server may be gone without a word.
const SILENCE: Duration = Duration::from_mins(1);
/// How long connecting and testing may take, and the pause before the next attempt.
const PATIENCE: Duration = Duration::from_secs(5);

/// A notification.
#[derive(Serialize, Deserialize)]
struct Changed {
    /// The store that made the changes, and needs no hint of them.
    by: String,
    pods: Vec<PodId>,
}

/// Tells other processes what this one has changed.
///
/// It does so after the change, in a transaction of its own that waits for no disk, and for several changes at once: Postgres
/// commits one transaction with a notification at a time.
#[derive(Clone)]
pub(super) struct Announcer {
    database: Database,
    by: Arc<str>,
    queue: Arc<Mutex<Queue>>,
}

#[derive(Default)]
struct Queue {
    pods: BTreeSet<PodId>,
    is_being_sent: bool,
}

impl Announcer {
    pub(super) fn new(database: Database) -> Self {
        Self {
            database,
            by: PodId::random().as_str().into(),
            queue: Arc::default(),
        }
    }

    /// Announces that the record of this pod was changed. Does not wait, and may fail.
    pub(super) fn announce(&self, pod: &PodId) {
        let mut queue = self.queue();
        queue.pods.insert(pod.clone());
        if !mem::replace(&mut queue.is_being_sent, true) {
            let this = self.clone();
            tokio::spawn(async move { this.send_all().await });
        }
    }

    async fn send_all(&self) {
        while let Some(pods) = self.next() {
            let pods: Vec<_> = pods.into_iter().collect();
            for pods in pods.chunks(PODS) {
                let by = self.by.to_string();
                let pods = pods.to_vec();
                let Ok(text) = json::to_text(&Changed { by, pods }) else {
                    continue;
                };
                let statement = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(text);
                if let Err(error) = self.database.write(statement).await {
                    tracing::debug!(%error, "others learn later what was changed");
                }
            }
        }
    }

    /// All pods in the queue; `None` if there are none, and the next one begins to send anew.
    fn next(&self) -> Option<BTreeSet<PodId>> {
        let mut queue = self.queue();
        let pods = mem::take(&mut queue.pods);
        queue.is_being_sent = !pods.is_empty();
        queue.is_being_sent.then_some(pods)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What other stores announce from now on.
    pub(super) fn hints(&self) -> BoxStream<'static, PodHint> {
        let receiver = Receiver {
            address: self.database.address().clone(),
            own: self.by.clone(),
            listener: None,
            received: VecDeque::new(),
            missed: false,
        };
        stream::unfold(receiver, |mut receiver| async move {
            let hint = receiver.next().await;
            Some((hint, receiver))
        })
        .boxed()
    }
}

/// Receives what others announce.
struct Receiver {
    address: PgConnectOptions,
    /// The name under which this store announces its own changes.
    own: Arc<str>,
    listener: Option<PgListener>,
    received: VecDeque<PodId>,
    /// Whether others may have announced something while there was no connection.
    missed: bool,
}

impl Receiver {
    async fn next(&mut self) -> PodHint {
        loop {
            if let Some(pod) = self.received.pop_front() {
                return PodHint::Changed(pod);
            }
            let Some(listener) = &mut self.listener else {
                self.listener = listen(self.address.clone()).await;
                if self.listener.is_none() {
                    self.missed = true;
                    sleep(PATIENCE).await;
                } else if mem::take(&mut self.missed) {
                    return PodHint::Missed;
                }
                continue;
            };
            let is_alive = match timeout(SILENCE, listener.try_recv()).await {
                Ok(Ok(Some(notification))) => {
                    let changed = json::parse::<Changed>(notification.payload());
                    let others = changed.ok().filter(|changed| changed.by != *self.own);
                    self.received
                        .extend(others.into_iter().flat_map(|changed| changed.pods));
                    true
                }
                Ok(Ok(None) | Err(_)) => false,
                Err(_) => matches!(timeout(PATIENCE, listener.execute("SELECT 1")).await, Ok(Ok(_))),
            };
            if !is_alive {
                self.listener = None;
                self.missed = true;
            }
        }
    }
}

/// A connection that listens; `None` if there is none now. It has a pool of its own, so that a dead one keeps nobody waiting.
async fn listen(address: PgConnectOptions) -> Option<PgListener> {
    let connect = async {
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(PATIENCE)
            .connect_lazy_with(address);
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        Ok::<_, sqlx::Error>(listener)
    };
    match timeout(PATIENCE, connect).await {
        Ok(Ok(listener)) => Some(listener),
        Ok(Err(error)) => {
            tracing::debug!(%error, "no connection for hints of what others change");
            None
        }
        Err(_) => None,
    }
}
