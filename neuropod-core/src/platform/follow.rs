//! Reading a container's log until it tells how to log in.

use std::time::Duration;

use futures::StreamExt;
use tokio::time::{Instant, sleep, timeout_at};

use super::Inner;
use super::round::Follow;
use crate::cluster::{LogOptions, LogStream};
use crate::error::Result;
use crate::id::PodId;
use crate::pod::Desired;
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

impl Inner {
    /// Reads the log of one container run and writes down what it tells.
    pub(super) async fn follow(&self, id: &PodId, follow: &Follow) {
        // Closed never: it fails only then.
        let Ok(_place) = self.log_places.acquire().await else {
            return;
        };
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
        let options = LogOptions {
            follow: true,
            ..LogOptions::default()
        };
        self.cluster.logs(&follow.reference, options).await
    }

    /// Reads the log once from its first byte. Answers whether it is done with.
    async fn read_log(&self, id: &PodId, follow: &Follow, mut log: LogStream, end: Instant) -> Result<bool> {
        let mut scan = self.tokens.start();
        let mut until = end;
        loop {
            let Ok(chunk) = timeout_at(until, log.next()).await else {
                // Time is up: told or not, that was it.
                return Ok(true);
            };
            let (told, ended) = match chunk {
                Some(chunk) => (scan.push(&chunk?), false),
                None => (scan.finish(), true),
            };
            if let Some(state) = told {
                until = until.min(Instant::now() + LINGER);
                if !self.write_down(id, follow, state).await? {
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

    /// Answers `false` when the container is not the current one any more.
    async fn write_down(&self, id: &PodId, follow: &Follow, state: TokenState) -> Result<bool> {
        let mut current = true;
        self.change(id, |pod| {
            current = pod.login.container.as_deref() == Some(&follow.container);
            if current {
                pod.login.found = state.clone();
            }
            Ok(())
        })
        .await?;
        self.touched.add(id);
        Ok(current)
    }
}
