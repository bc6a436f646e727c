//! Reading a container's log until it tells how to log in.

use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use tokio::time::{Instant, sleep, timeout_at};

use super::Inner;
use super::round::Follow;
use crate::cluster::backend::{LogOptions, LogStream};
use crate::error::kind::Result;
use crate::id::PodId;
use crate::pod::record::Desired;
use crate::token::TokenState;

/// How long a log is read in all, from when it could be read first. A server that has not told by then does not tell.
const WINDOW: Duration = Duration::from_mins(10);
/// How long it is read on after it told something that is not settled: the announcement of the server corrects what came
/// before it.
const LINGER: Duration = Duration::from_secs(30);
/// How long to wait before a log that broke off is read again from its first byte; each time that it can't be read at
/// all it is twice as long, up to the longest.
const PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// By how much more of a log is asked for than was written since a time: the clocks of platform and node differ. Which
/// lines count is told by the node's clock alone.
const MARGIN: Duration = Duration::from_mins(1);

/// Takes the times from the lines of a log, and the lines away that were written before one.
struct Since {
    at: Timestamp,
    /// The time of the line that has begun, as far as it has come.
    time: Vec<u8>,
    /// Whether the line counts whose time is known.
    counts: Option<bool>,
}

impl Since {
    fn new(at: Timestamp) -> Self {
        Self {
            at,
            time: Vec::new(),
            counts: None,
        }
    }

    /// What of the next piece of the log was written later.
    fn later(&mut self, chunk: &[u8]) -> Vec<u8> {
        let mut later = Vec::with_capacity(chunk.len());
        for byte in chunk {
            match self.counts {
                Some(counts) => {
                    if counts {
                        later.push(*byte);
                    }
                }
                None if *byte == b' ' => {
                    let time = std::str::from_utf8(&self.time).ok();
                    let time: Option<Timestamp> = time.and_then(|time| time.parse().ok());
                    self.counts = Some(time.is_some_and(|time| time >= self.at));
                }
                // No time is that long.
                None if self.time.len() > 64 => self.counts = Some(false),
                None => self.time.push(*byte),
            }
            if *byte == b'\n' {
                self.time.clear();
                self.counts = None;
            }
        }
        later
    }
}

impl Inner {
    /// Reads the log of one container run and writes down what it tells.
    pub(super) async fn follow(&self, id: &PodId, follow: &Follow) {
        // Closed never: it fails only then.
        let Ok(_place) = self.log_places.acquire().await else {
            return;
        };
        self.read(id, follow).await;
        if follow.since.is_some()
            && let Err(error) = self.write_down(id, follow, None).await
        {
            // It is read once more then.
            tracing::debug!(pod = %id, %error, "that a log was read can't be written down");
        }
    }

    async fn read(&self, id: &PodId, follow: &Follow) {
        let (mut end, mut pause) = (None, PAUSE);
        while end.is_none_or(|end| Instant::now() < end) {
            match self.open_log(follow).await {
                Ok(log) => {
                    pause = PAUSE;
                    let end = *end.get_or_insert(Instant::now() + WINDOW);
                    match self.read_log(id, follow, log, end).await {
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
            if !self.is_needed(id, follow).await {
                return;
            }
        }
        tracing::info!(pod = %id, "the log never told how to log in");
    }

    /// Whether anybody still waits for what this log tells: a place to read logs is not to be wasted.
    async fn is_needed(&self, id: &PodId, follow: &Follow) -> bool {
        match self.store.get(id).await {
            Ok(pod) => pod.is_some_and(|pod| {
                pod.desired == Desired::Running && pod.login.container.as_deref() == Some(&follow.container)
            }),
            // Not known now, so it is read on.
            Err(_) => true,
        }
    }

    async fn open_log(&self, follow: &Follow) -> Result<LogStream> {
        let age = |at| {
            let age = self.clock.now().duration_since(at);
            Duration::try_from(age).unwrap_or_default() + MARGIN
        };
        let options = LogOptions {
            follow: true,
            since: follow.since.map(age),
            timestamps: follow.since.is_some(),
            ..LogOptions::default()
        };
        self.cluster.logs(&follow.reference, options).await
    }

    /// Reads the log once from its first byte. Answers whether it is done with.
    async fn read_log(&self, id: &PodId, follow: &Follow, mut log: LogStream, end: Instant) -> Result<bool> {
        let mut scan = self.tokens.start();
        let mut since = follow.since.map(Since::new);
        let mut until = end;
        loop {
            let Ok(chunk) = timeout_at(until, log.next()).await else {
                // Time is up: told or not, that was it.
                return Ok(true);
            };
            let (told, ended) = match chunk {
                Some(chunk) => match &mut since {
                    Some(since) => (scan.push(&since.later(&chunk?)), false),
                    None => (scan.push(&chunk?), false),
                },
                None => (scan.finish(), true),
            };
            if let Some(state) = told {
                until = until.min(Instant::now() + LINGER);
                if !self.write_down(id, follow, Some(state)).await? {
                    return Ok(true);
                }
            }
            if scan.is_settled() {
                // What is printed from now on can only pretend to be the server.
                return Ok(true);
            }
            if ended {
                return Ok(*scan.state() != TokenState::Unknown);
            }
        }
    }

    /// Writes down what the log tells, and until when it was read. Answers `false` when the container is not the current
    /// one any more.
    async fn write_down(&self, id: &PodId, follow: &Follow, state: Option<TokenState>) -> Result<bool> {
        let mut current = true;
        let read_at = follow.since.max(Some(self.clock.now()));
        self.change(id, |pod| {
            current = pod.login.container.as_deref() == Some(&follow.container);
            if current {
                pod.login.read_at = read_at;
                if let Some(state) = &state {
                    pod.login.found.clone_from(state);
                }
            }
            Ok(())
        })
        .await?;
        self.touched.add(id);
        Ok(current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_were_written_since_count_however_the_log_is_cut() {
        let log = "2026-01-02T03:04:05.9Z old\n2026-01-02T03:04:06Z at once\n\nno time at all\n\
                   2026-01-02T03:04:05Z old\n2026-01-02T04:04:06.000000001+01:00 later\n2026-01-02T03:04:07Z \nlast";
        for size in [1, 2, 7, 1000] {
            let mut since = Since::new("2026-01-02T03:04:06Z".parse().unwrap());
            let later: Vec<_> = log
                .as_bytes()
                .chunks(size)
                .flat_map(|chunk| since.later(chunk))
                .collect();
            assert_eq!(
                String::from_utf8(later).unwrap(),
                "at once\nlater\n\n",
                "in pieces of {size}"
            );
        }
        let mut since = Since::new(Timestamp::UNIX_EPOCH);
        assert_eq!(since.later(&vec![b'x'; 1 << 20]), b"");
        assert!(since.time.capacity() < 1000);
        assert_eq!(since.later(b"\n2026-01-02T03:04:05Z a"), b"a");
    }
}
