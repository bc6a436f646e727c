//! Reading a container's log until it shows the access token.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::log_places::{LogLimits, Rank};
use super::log_queue::{LogQueue, Place};
use super::log_times::LinesSince;
use super::log_turns::Window;
use crate::clock::SteadyClock;
use crate::cluster::backend::{ClusterBackend, LogOptions, LogStream};
use crate::cluster::workload::WorkloadRef;
use crate::error::kind::{ErrorKind, Result};
use crate::id::PodId;
use crate::platform::records::Records;
use crate::pod::record::{Desired, Pod, Status};
use crate::token::{TokenExtractor, TokenState};

/// How many logs are open at a time. Each is a connection to the API server, and one from there to a kubelet, which
/// watches a file for it. A node with GPUs seldom has 32 pods that start at the same time; one that has serves its other
/// clients as well. The total is for us and the API server: most of these connections are silent.
const LIMITS: LogLimits = LogLimits { node: 32, total: 256 };
/// How long to wait before an interrupted log is read again from its first byte. Each time that it can't be read at all, or
/// not for longer than the last wait, the wait doubles, up to the longest.
const PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// The shortest pause between two turns of a log, however urgent it becomes.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// How much earlier than needed a part of a log is requested: the clocks of platform and node differ. The
/// node's clock alone decides which lines count.
const MARGIN: Duration = Duration::from_mins(1);

/// A log to be read.
#[derive(Debug, Clone)]
pub(super) struct Capture {
    pub(super) reference: WorkloadRef,
    pub(super) container: String,
    /// Only later lines.
    pub(super) since: Option<Timestamp>,
    /// The node that serves it.
    pub(super) node: Option<String>,
    /// How urgent it is now.
    pub(super) rank: Rank,
}

impl Capture {
    /// The log of a pod's container, from its start or since a server in it was restarted.
    pub(super) fn new(
        pod: &Pod,
        reference: WorkloadRef,
        container: String,
        since: Option<Timestamp>,
    ) -> Self {
        let rank = match pod.status {
            // The server that was restarted has another token than the one in the link.
            _ if since.is_some() => Rank::Awaited,
            _ if pod.login.is_known() => Rank::Confirming,
            Status::Running => Rank::Awaited,
            _ => Rank::Starting,
        };
        Self {
            reference,
            container,
            since,
            node: pod.node.clone(),
            rank,
        }
    }

    /// Whether both are the same part of the same log.
    pub(super) fn is_same_log(&self, other: &Self) -> bool {
        let Self {
            reference,
            container,
            since,
            node: _,
            rank: _,
        } = self;
        (reference, container, since) == (&other.reference, &other.container, &other.since)
    }
}

/// How a turn at reading a log ended, if the log has to be read again.
enum TurnEnd {
    /// Nothing of it is needed any more.
    Done,
    /// The log is silent, and another needs its place.
    Silent,
    /// The cluster has no place for another log.
    Refused { retry_after: Duration },
    /// The log can't be opened, ended or broke off.
    Broken,
}

/// Reads logs for tokens and stores the results.
pub(super) struct TokenCapture {
    cluster: Arc<dyn ClusterBackend>,
    tokens: Arc<dyn TokenExtractor>,
    records: Arc<Records>,
    clock: Arc<SteadyClock>,
    queue: LogQueue,
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
            queue: LogQueue::new(LIMITS),
        }
    }

    /// Reads the log of one container run and stores the result. Each value of `rank` says how urgent the log is now,
    /// and ends a pause between two turns.
    pub(super) async fn run(&self, id: &PodId, capture: &Capture, rank: watch::Receiver<Rank>) {
        self.read(id, capture, rank).await;
        if capture.since.is_some()
            && let Err(error) = self.store(id, capture, None).await
        {
            // The log is read once more then.
            tracing::debug!(pod = %id, %error, "it can't be stored that the log was read");
        }
    }

    /// Reads the log in turns, each from its first byte: a silent log gives its place to others and is read again after
    /// a pause.
    async fn read(&self, id: &PodId, capture: &Capture, mut rank: watch::Receiver<Rank>) {
        let reader = self.queue.reader(capture.node.clone());
        let mut window = Window::new(Instant::now());
        let mut broken = PAUSE;
        loop {
            let urgency = window.rank(*rank.borrow());
            let place = reader.place(urgency).await;
            let begun = Instant::now();
            let end = self.turn(id, capture, place, &mut window).await;
            if window.is_over(Instant::now()) {
                break;
            }
            if !matches!(end, TurnEnd::Broken) || begun.elapsed() > broken {
                broken = PAUSE;
            }
            match end {
                TurnEnd::Done => break,
                TurnEnd::Broken => {
                    pause_until_urgent(broken, PAUSE, &mut rank).await;
                    broken = LONGEST_PAUSE.min(broken * 2);
                }
                TurnEnd::Silent => {
                    let pause = window.pause(Instant::now(), self.queue.surplus());
                    // With a token nothing is urgent any more.
                    let shortest = if window.has_token() { pause } else { SHORTEST_PAUSE };
                    pause_until_urgent(pause, shortest, &mut rank).await;
                }
                TurnEnd::Refused { retry_after } => {
                    let pause = window.pause(Instant::now(), self.queue.surplus());
                    pause_until_urgent(pause.max(retry_after), retry_after.max(SHORTEST_PAUSE), &mut rank)
                        .await;
                }
            }
            if !self.is_needed(id, capture).await {
                return;
            }
        }
        if !window.has_token() {
            tracing::info!(pod = %id, "the log never said how to log in");
        }
    }

    /// Opens the log and reads it until nothing of it is needed any more, it ends, or another log needs the place.
    async fn turn(&self, id: &PodId, capture: &Capture, place: Place<'_>, window: &mut Window) -> TurnEnd {
        let log = match self.open_log(capture).await {
            Ok(log) => log,
            Err(error) => {
                tracing::debug!(pod = %id, %error, "the log can't be read now");
                if *error.kind() != ErrorKind::RateLimited {
                    return TurnEnd::Broken;
                }
                place.note_refused();
                let retry_after = error.retry_after().unwrap_or_default();
                return TurnEnd::Refused { retry_after };
            }
        };
        place.note_opened();
        let end = self.read_log(id, capture, log, &place, window).await;
        end.unwrap_or_else(|error| {
            tracing::debug!(pod = %id, %error, "the log broke off");
            window.forget_token();
            TurnEnd::Broken
        })
    }

    /// Whether a capture is still needed for this log: the places are few.
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

    /// Reads the log once from its first byte.
    async fn read_log(
        &self,
        id: &PodId,
        capture: &Capture,
        mut log: LogStream,
        place: &Place<'_>,
        window: &mut Window,
    ) -> Result<TurnEnd> {
        let mut scan = self.tokens.start();
        let mut since = capture.since.map(LinesSince::new);
        let mut turn = window.begin_turn(Instant::now());
        let mut is_silent = false;
        loop {
            let chunk = tokio::select! {
                // A log that never pauses must not hide that its time is up.
                biased;
                () = sleep_until(window.end_of(&turn)) => return Ok(TurnEnd::Done),
                () = place.recalled() => return Ok(TurnEnd::Silent),
                () = sleep_until(turn.silent_at()), if !is_silent => {
                    is_silent = true;
                    place.rest();
                    continue;
                }
                chunk = log.next() => chunk,
            };
            turn.note_output(Instant::now());
            let (found, ended) = match chunk {
                Some(chunk) => match &mut since {
                    Some(since) => (scan.push(&since.filter(&chunk?)), false),
                    None => (scan.push(&chunk?), false),
                },
                None => (scan.finish(), true),
            };
            if let Some(state) = found {
                if !self.store(id, capture, Some(state)).await? {
                    return Ok(TurnEnd::Done);
                }
                window.note_token(Instant::now());
            }
            if scan.is_settled() {
                // Later lines can only imitate the server.
                return Ok(TurnEnd::Done);
            }
            if ended {
                let is_known = *scan.state() != TokenState::Unknown;
                return Ok(if is_known { TurnEnd::Done } else { TurnEnd::Broken });
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

/// Pauses for this long, but only `shortest` if the log becomes urgent.
async fn pause_until_urgent(pause: Duration, shortest: Duration, rank: &mut watch::Receiver<Rank>) {
    let shortest = shortest.min(pause);
    rank.mark_unchanged();
    sleep(shortest).await;
    // It fails if nobody can make the log urgent any more, because the task is about to be stopped.
    timeout(pause.saturating_sub(shortest), rank.changed()).await.ok();
}
