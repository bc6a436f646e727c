//! The connection that writes, and those who wait for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use backon::BackoffBuilder;
use futures::future::BoxFuture;
use neuropod_core::Result;
use sqlx::sqlite::SqlitePool;
use sqlx::{Connection, Sqlite, SqliteConnection, Transaction};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::database::{PATIENCE, pauses};
use super::failure;
use super::file::File;

/// After this long a write that has no answer gets an error: longer than another process may keep the lock from those
/// before it and then from itself, so only a disk that hangs takes as long.
const DEADLINE: Duration = Duration::from_secs(15);

type Work = Box<dyn for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<()>> + Send>;

/// A step that waits for its turn.
struct Job {
    work: Work,
    answer: oneshot::Sender<Result<()>>,
}

/// Writes in transactions of all that waits: the disk is waited for once for all of them, however many they are.
///
/// Every step in a transaction is a savepoint, so that one that fails leaves the others. As each has seen what those
/// before it did, none is answered, well or badly, before all of it is on the disk.
pub(super) struct Writer {
    file: File,
    /// One, which is replaced if it breaks.
    connection: SqlitePool,
    waiting: Mutex<Vec<Job>>,
    turn: tokio::sync::Mutex<()>,
}

impl Writer {
    pub(super) fn new(file: File, connection: SqlitePool) -> Self {
        Self {
            file,
            connection,
            waiting: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// Does `work` as one step, all of it or nothing, and answers when it is on the disk. If this future is dropped
    /// before, all of it or nothing is done.
    pub(super) async fn step<T, W>(self: &Arc<Self>, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        let (result, returned) = oneshot::channel();
        let work: Work = Box::new(move |connection| {
            Box::pin(async move {
                // It fails where nobody wants to know any more.
                let _ = result.send(work(connection).await?);
                Ok(())
            })
        });
        let (answer, answered) = oneshot::channel();
        self.waiting().push(Job { work, answer });
        let writer = Arc::clone(self);
        // A task of its own: it goes on for the others when one of them is dropped.
        tokio::spawn(async move { writer.write_what_waits().await });
        timeout(DEADLINE, answered)
            .await
            .map_err(failure::no_answer)?
            .map_err(failure::broken_off)??;
        returned.await.map_err(failure::broken_off)
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Job>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write_what_waits(&self) {
        let _turn = self.turn.lock().await;
        let jobs = std::mem::take(&mut *self.waiting());
        let (work, answers): (Vec<_>, Vec<_>) = jobs
            .into_iter()
            .filter(|job| !job.answer.is_closed())
            .map(|job| (job.work, job.answer))
            .unzip();
        if work.is_empty() {
            // Another one's turn has taken it along.
            return;
        }
        // Whoever does not want an answer any more gets none.
        match self.write(work).await {
            Ok(results) => {
                for (answer, result) in answers.into_iter().zip(results) {
                    let _ = answer.send(result);
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for answer in answers {
                    let _ = answer.send(Err(failure::shared(&error)));
                }
            }
        }
    }

    /// Answers what became of each, or why nothing of all is done.
    async fn write(&self, work: Vec<Work>) -> Result<Vec<Result<()>>> {
        self.file.check()?;
        let mut connection = self.connection.acquire().await.map_err(failure::from_sqlx)?;
        let results = together(&mut connection, work).await;
        if results.is_err() {
            // SQLite undoes some transactions by itself, and then the driver has another idea of it.
            connection.close_on_drop();
        }
        let results = results?;
        self.file.check()?;
        Ok(results)
    }

    /// Closes the connection, once what is under way is done.
    pub(super) async fn close(&self) {
        self.connection.close().await;
    }
}

/// Does all in one transaction, once the other processes leave it the file.
///
/// Left to itself SQLite asks for a lock ten times a second, and does not get it for long while others write all the
/// time: <https://www.sqlite.org/c3ref/busy_timeout.html>.
async fn together(connection: &mut SqliteConnection, work: Vec<Work>) -> Result<Vec<Result<()>>> {
    let deadline = Instant::now() + PATIENCE;
    let mut pauses = pauses().build();
    loop {
        let begun = connection.begin_with("BEGIN IMMEDIATE; SAVEPOINT step").await;
        let error = match begun.map_err(failure::from_sqlx) {
            Ok(transaction) => return steps(transaction, work).await,
            Err(error) => error,
        };
        match pauses.next() {
            Some(pause) if error.is_retryable() && Instant::now() < deadline => sleep(pause).await,
            _ => return Err(error),
        }
    }
}

/// Does each from a savepoint on, and commits. Fails where the transaction is lost.
async fn steps(mut transaction: Transaction<'_, Sqlite>, work: Vec<Work>) -> Result<Vec<Result<()>>> {
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
                // What went wrong has taken all with it.
                return result.map(|()| results);
            }
        }
        results.push(result);
    }
    transaction.commit().await.map_err(failure::from_sqlx)?;
    Ok(results)
}
