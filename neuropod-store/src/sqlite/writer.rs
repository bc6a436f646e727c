//! The connection that writes, and the queue of steps before it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use backon::BackoffBuilder;
use futures::future::BoxFuture;
use neuropod_core::{Error, Result};
use sqlx::sqlite::SqlitePool;
use sqlx::{Connection, Sqlite, SqliteConnection, Transaction};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::failure;
use super::file::File;
use super::lock::{LOCK_TIMEOUT, lock_retries};

/// The longest time for a step. A step waits for the lock at most twice (for the batch before it, then for its own), so
/// only a disk that hangs takes this long.
const DEADLINE: Duration = Duration::from_secs(15);

type Work = Box<dyn for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<()>> + Send>;

/// A step in the queue.
struct Job {
    work: Work,
    done: oneshot::Sender<Result<()>>,
}

/// Runs steps in batches: one transaction holds all steps that are queued, so that they share one wait for the disk.
///
/// Each step has a savepoint, so that a failed step is rolled back alone. A step sees the effects of the steps before
/// it, so no result, success or error, is reported before the whole transaction is on the disk.
pub(super) struct Writer {
    file: File,
    /// A pool of one connection, which replaces it if it breaks.
    connection: SqlitePool,
    queue: Mutex<Vec<Job>>,
    batch_lock: tokio::sync::Mutex<()>,
}

impl Writer {
    pub(super) fn new(file: File, connection: SqlitePool) -> Self {
        Self {
            file,
            connection,
            queue: Mutex::default(),
            batch_lock: tokio::sync::Mutex::default(),
        }
    }

    /// Runs `work` as one atomic step, and returns when it is on the disk. If this future is dropped before that, the
    /// step is done completely or not at all.
    pub(super) async fn step<T, W>(self: &Arc<Self>, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        let (result, returned) = oneshot::channel();
        let work: Work = Box::new(move |connection| {
            Box::pin(async move {
                // Sending fails if the caller has dropped its future; the step still counts.
                let _ = result.send(work(connection).await?);
                Ok(())
            })
        });
        let (done, reported) = oneshot::channel();
        self.queue().push(Job { work, done });
        let writer = Arc::clone(self);
        // In a task of its own, because a batch has steps of several callers and must survive the drop of any of them.
        tokio::spawn(async move { writer.run_batch().await });
        timeout(DEADLINE, reported)
            .await
            .map_err(failure::no_answer)?
            .map_err(failure::broken_off)??;
        returned.await.map_err(failure::broken_off)
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Vec<Job>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs all queued steps in one transaction, once the previous batch is done.
    async fn run_batch(&self) {
        let _lock = self.batch_lock.lock().await;
        let jobs = std::mem::take(&mut *self.queue());
        let (work, callers): (Vec<_>, Vec<_>) = jobs
            .into_iter()
            .filter(|job| !job.done.is_closed())
            .map(|job| (job.work, job.done))
            .unzip();
        if work.is_empty() {
            // The previous batch included these steps.
            return;
        }
        // Sending fails if a caller has dropped its future, which is fine.
        match self.write(work).await {
            Ok(results) => {
                for (done, result) in callers.into_iter().zip(results) {
                    let _ = done.send(result);
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for done in callers {
                    let _ = done.send(Err(failure::shared(&error)));
                }
            }
        }
    }

    /// Returns the result of each step, or an error if the transaction failed and none of them is done.
    async fn write(&self, work: Vec<Work>) -> Result<Vec<Result<()>>> {
        self.file.check()?;
        let mut connection = self.connection.acquire().await.map_err(failure::from_sqlx)?;
        let results = transact(&mut connection, work).await;
        if results.is_err() {
            // SQLite rolls some transactions back itself while sqlx believes them open, so the connection is discarded.
            connection.close_on_drop();
        }
        let results = results?;
        self.file.check()?;
        Ok(results)
    }

    /// Keeps everybody from writing as long as the returned transaction is open.
    pub(super) async fn lock(&self) -> Result<Transaction<'static, Sqlite>> {
        self.file.check()?;
        let deadline = Instant::now() + LOCK_TIMEOUT;
        let mut retries = lock_retries().build();
        loop {
            let begun = self.connection.begin_with("BEGIN IMMEDIATE").await;
            let error = match begun.map_err(failure::from_sqlx) {
                Ok(transaction) => return Ok(transaction),
                Err(error) => error,
            };
            sleep(pause_after(error, &mut retries, deadline)?).await;
        }
    }

    /// Closes the connection, once it is idle.
    pub(super) async fn close(&self) {
        self.connection.close().await;
    }
}

/// Runs all steps in one transaction, once no other process holds the lock.
///
/// The lock is retried here, because SQLite itself tries only ten times a second and can starve while other processes
/// write without pause: <https://www.sqlite.org/c3ref/busy_timeout.html>.
async fn transact(connection: &mut SqliteConnection, work: Vec<Work>) -> Result<Vec<Result<()>>> {
    let deadline = Instant::now() + LOCK_TIMEOUT;
    let mut retries = lock_retries().build();
    loop {
        let begun = connection.begin_with("BEGIN IMMEDIATE; SAVEPOINT step").await;
        let error = match begun.map_err(failure::from_sqlx) {
            Ok(transaction) => return run_steps(transaction, work).await,
            Err(error) => error,
        };
        sleep(pause_after(error, &mut retries, deadline)?).await;
    }
}

/// How long to wait for the lock before the next attempt, or the error if there is none.
fn pause_after(
    error: Error,
    pauses: &mut impl Iterator<Item = Duration>,
    deadline: Instant,
) -> Result<Duration> {
    match pauses.next() {
        Some(pause) if error.is_retryable() && Instant::now() < deadline => Ok(pause),
        _ => Err(error),
    }
}

/// Runs each step from a savepoint on, and commits. Fails if the transaction is lost.
async fn run_steps(mut transaction: Transaction<'_, Sqlite>, work: Vec<Work>) -> Result<Vec<Result<()>>> {
    let mut results: Vec<Result<()>> = Vec::with_capacity(work.len());
    for work in work {
        if results.last().is_some_and(Result::is_ok) {
            let next = sqlx::raw_sql("RELEASE step; SAVEPOINT step");
            let next = next.execute(&mut *transaction).await;
            next.map_err(failure::from_sqlx)?;
        }
        let result = work(&mut transaction).await;
        if result.is_err() {
            let undone = sqlx::raw_sql("ROLLBACK TO step").execute(&mut *transaction).await;
            if undone.is_err() {
                // The error rolled the whole transaction back.
                return result.map(|()| results);
            }
        }
        results.push(result);
    }
    transaction.commit().await.map_err(failure::from_sqlx)?;
    Ok(results)
}
