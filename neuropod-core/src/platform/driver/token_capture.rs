//! Reading a container's log until it shows the access token.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout_at};

use super::log_times::LinesSince;
use crate::clock::SteadyClock;
use crate::cluster::backend::{ClusterBackend, LogOptions, LogStream};
use crate::cluster::workload::WorkloadRef;
use crate::error::kind::Result;
use crate::id::PodId;
use crate::platform::records::Records;
use crate::pod::record::Desired;
use crate::token::{TokenExtractor, TokenState};

/// The number of logs that are read concurrently: each is a connection of its own to the cluster.
const MAX_LOGS: usize = 64;
/// How long a log is read in all, from when it could be read first. A server that has not printed its token by
/// then never does.
const WINDOW: Duration = Duration::from_mins(10);
/// How long a log is read on after a token that is not final: the announcement of the server corrects earlier
/// tokens.
const LINGER: Duration = Duration::from_secs(30);
/// How long to wait before an interrupted log is read again from its first byte. Each time that it can't be
/// read at all, the wait doubles, up to the longest.
const PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How much earlier than needed a part of a log is requested: the clocks of platform and node differ. The
/// node's clock alone decides which lines count.
const MARGIN: Duration = Duration::from_mins(1);

/// A log to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Capture {
    pub(super) reference: WorkloadRef,
    pub(super) container: String,
    /// Only later lines.
    pub(super) since: Option<Timestamp>,
}

/// Reads logs for tokens and stores the results.
pub(super) struct TokenCapture {
    cluster: Arc<dyn ClusterBackend>,
    tokens: Arc<dyn TokenExtractor>,
    records: Arc<Records>,
    clock: Arc<SteadyClock>,
    /// One permit for each log that may be read at a time.
    permits: Semaphore,
}

impl TokenCapture {
    pub(super) fn new(
        cluster: Arc<dyn ClusterBackend>,
        tokens: Arc<dyn TokenExtractor>,
        records: Arc<Records>,
        clock: Arc<SteadyClock>,
    ) -> Self {
        Self {
            cluster,
            tokens,
            records,
            clock,
            permits: Semaphore::new(MAX_LOGS),
        }
    }

    /// Reads the log of one container run and stores the result.
    pub(super) async fn run(&self, id: &PodId, capture: &Capture) {
        // It fails only if the semaphore is closed, which never happens.
        let Ok(_permit) = self.permits.acquire().await else {
            return;
        };
        self.read(id, capture).await;
        if capture.since.is_some()
            && let Err(error) = self.store(id, capture, None).await
        {
            // The log is read once more then.
            tracing::debug!(pod = %id, %error, "it can't be stored that the log was read");
        }
    }

    async fn read(&self, id: &PodId, capture: &Capture) {
        let (mut end, mut pause) = (None, PAUSE);
        while end.is_none_or(|end| Instant::now() < end) {
            match self.open_log(capture).await {
                Ok(log) => {
                    pause = PAUSE;
                    let end = *end.get_or_insert(Instant::now() + WINDOW);
                    match self.read_log(id, capture, log, end).await {
                        Ok(true) => return,
                        Ok(false) => {}
                        Err(error) => tracing::debug!(pod = %id, %error, "the log broke off"),
                    }
                }
                Err(error) => {
                    tracing::debug!(pod = %id, %error, "the log can't be read now");
                    pause = LONGEST_PAUSE.min(pause * 2);
                }
            }
            sleep(pause).await;
            if !self.is_needed(id, capture).await {
                return;
            }
        }
        tracing::info!(pod = %id, "the log never said how to log in");
    }

    /// Whether a capture is still needed for this log: the permits are few.
    async fn is_needed(&self, id: &PodId, capture: &Capture) -> bool {
        match self.records.get(id).await {
            Ok(pod) => pod.is_some_and(|pod| {
                pod.desired == Desired::Running && pod.login.container.as_deref() == Some(&capture.container)
            }),
            // Unknown now, so reading continues.
            Err(_) => true,
        }
    }

    async fn open_log(&self, capture: &Capture) -> Result<LogStream> {
        let age = |at| {
            let age = self.clock.now().duration_since(at);
            Duration::try_from(age).unwrap_or_default() + MARGIN
        };
        let options = LogOptions {
            follow: true,
            since: capture.since.map(age),
            timestamps: capture.since.is_some(),
            ..LogOptions::default()
        };
        self.cluster.logs(&capture.reference, options).await
    }

    /// Reads the log once from its first byte. Returns `true` if it need not be read again.
    async fn read_log(
        &self,
        id: &PodId,
        capture: &Capture,
        mut log: LogStream,
        end: Instant,
    ) -> Result<bool> {
        let mut scan = self.tokens.start();
        let mut since = capture.since.map(LinesSince::new);
        let mut until = end;
        loop {
            let Ok(chunk) = timeout_at(until, log.next()).await else {
                // Time is up, with or without a token.
                return Ok(true);
            };
            let (found, ended) = match chunk {
                Some(chunk) => match &mut since {
                    Some(since) => (scan.push(&since.filter(&chunk?)), false),
                    None => (scan.push(&chunk?), false),
                },
                None => (scan.finish(), true),
            };
            if let Some(state) = found {
                until = until.min(Instant::now() + LINGER);
                if !self.store(id, capture, Some(state)).await? {
                    return Ok(true);
                }
            }
            if scan.is_settled() {
                // Later lines can only imitate the server.
                return Ok(true);
            }
            if ended {
                return Ok(*scan.state() != TokenState::Unknown);
            }
        }
    }

    /// Stores the result of the log, and the time until which it was read. Returns `false` when the container
    /// is no longer the current one.
    async fn store(&self, id: &PodId, capture: &Capture, state: Option<TokenState>) -> Result<bool> {
        let mut current = true;
        let read_at = capture.since.max(Some(self.clock.now()));
        self.records
            .change(id, |pod| {
                current = pod.login.container.as_deref() == Some(&capture.container);
                if current {
                    pod.login.read_at = read_at;
                    if let Some(state) = &state {
                        pod.login.found.clone_from(state);
                    }
                }
                Ok(())
            })
            .await?;
        self.records.wakeups.wake(id);
        Ok(current)
    }
}
