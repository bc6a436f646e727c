//! Faults at the n-th call: wrappers over the traits that count every call into any of them and let one go wrong.
//!
//! A test that runs a story once for every call and every [`Fault`] has tried each point at which a platform can fail:
//!
//! ```
//! use std::sync::Arc;
//!
//! use neuropod_core::ClusterBackend;
//! use neuropod_core::sim::{Settings, SimCluster};
//! use neuropod_core::sim::faults::{Fault, Faults};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
//! # runtime.block_on(async {
//! let cluster = Arc::new(SimCluster::new(Settings::default()));
//! for n in 1.. {
//!     let faults = Faults::at(n, Fault::ErrorBefore);
//!     let backend = faults.cluster(cluster.clone());
//!     let first = backend.usage().await;
//!     let second = backend.inventory().await;
//!     if faults.calls() < n {
//!         break;
//!     }
//!     assert_eq!((first.is_err(), second.is_err()), (n == 1, n == 2), "{:?}", faults.call(n));
//! }
//! # });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod accounts;
mod backend;

use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::billing::Billing;
use crate::cluster::ClusterBackend;
use crate::error::{Error, ErrorKind, Result};
use crate::store::PodStore;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The call fails with [`ErrorKind::Unavailable`] and has no effect.
    ErrorBefore,
    /// The call takes effect, and its answer is lost: it fails with [`ErrorKind::Timeout`].
    ErrorAfter,
    /// The process ends before the call has an effect: neither it nor any later call returns.
    CrashBefore,
    /// The call takes effect, and the process ends before it returns.
    CrashAfter,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::ErrorBefore,
        Self::ErrorAfter,
        Self::CrashBefore,
        Self::CrashAfter,
    ];
}

/// A plan of what goes wrong, shared by all that it wraps. Clones are the same plan.
#[derive(Clone)]
pub struct Faults {
    plan: Option<(usize, Fault)>,
    calls: Arc<Mutex<Vec<&'static str>>>,
    crashed: Arc<watch::Sender<bool>>,
}

impl Faults {
    /// Nothing goes wrong; the calls are counted.
    pub fn none() -> Self {
        Self::new(None)
    }

    /// The `n`th call, counted from 1, goes wrong.
    pub fn at(n: usize, fault: Fault) -> Self {
        Self::new(Some((n, fault)))
    }

    fn new(plan: Option<(usize, Fault)>) -> Self {
        Self {
            plan,
            calls: Arc::default(),
            crashed: Arc::new(watch::Sender::new(false)),
        }
    }

    /// The backend with these faults. Opening its watch and each event of it count as calls, and so does each piece
    /// of a log. An error there is a gap: of a watch, the event is lost, and a second later what changed is told anew;
    /// a log ends with an error.
    pub fn cluster(&self, inner: Arc<dyn ClusterBackend>) -> Arc<dyn ClusterBackend> {
        Arc::new(backend::FaultyCluster {
            faults: self.clone(),
            inner,
        })
    }

    /// The store with these faults.
    pub fn store(&self, inner: Arc<dyn PodStore>) -> Arc<dyn PodStore> {
        Arc::new(accounts::FaultyStore {
            faults: self.clone(),
            inner,
        })
    }

    /// The accounts with these faults.
    pub fn billing(&self, inner: Arc<dyn Billing>) -> Arc<dyn Billing> {
        Arc::new(accounts::FaultyBilling {
            faults: self.clone(),
            inner,
        })
    }

    /// How many calls there were, in all that is wrapped together.
    pub fn calls(&self) -> usize {
        self.with_calls(|calls| calls.len())
    }

    /// The name of the `n`th call, such as `cluster.apply`.
    pub fn call(&self, n: usize) -> Option<&'static str> {
        self.with_calls(|calls| calls.get(n.checked_sub(1)?).copied())
    }

    /// Waits for the process to have ended. From then on no wrapped call has an effect; the test drops the platform.
    pub async fn crashed(&self) {
        let mut crashed = self.crashed.subscribe();
        // The sender lives as long as `self`.
        let _ = crashed.wait_for(|crashed| *crashed).await;
    }

    /// Whether the process has ended.
    pub fn has_crashed(&self) -> bool {
        *self.crashed.borrow()
    }

    fn with_calls<R>(&self, look: impl FnOnce(&mut Vec<&'static str>) -> R) -> R {
        look(&mut self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts a call and answers what goes wrong with it.
    fn count(&self, name: &'static str) -> Option<Fault> {
        let n = self.with_calls(|calls| {
            calls.push(name);
            calls.len()
        });
        self.plan.filter(|(at, _)| *at == n).map(|(_, fault)| fault)
    }

    /// Ends the process.
    async fn crash<R>(&self) -> R {
        self.crashed.send_replace(true);
        pending().await
    }

    /// Goes on only in a process that has not ended.
    async fn alive(&self) {
        if self.has_crashed() {
            pending::<()>().await;
        }
    }

    /// Makes a call, with what goes wrong.
    async fn pass<R>(&self, name: &'static str, call: impl Future<Output = Result<R>>) -> Result<R> {
        self.alive().await;
        match self.count(name) {
            None => {
                let answer = call.await;
                self.alive().await;
                answer
            }
            Some(Fault::ErrorBefore) => Err(refused(name)),
            Some(Fault::ErrorAfter) => {
                call.await?;
                Err(Error::new(
                    ErrorKind::Timeout,
                    format!("injected: the answer of {name} was lost"),
                ))
            }
            Some(Fault::CrashBefore) => self.crash().await,
            Some(Fault::CrashAfter) => {
                // Nobody is left to hear the answer.
                drop(call.await);
                self.crash().await
            }
        }
    }
}

fn refused(name: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("injected: {name} was refused"))
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.plan.and_then(|(n, _)| self.call(n));
        f.debug_struct("Faults")
            .field("plan", &self.plan)
            .field("call", &name)
            .field("calls", &self.calls())
            .finish_non_exhaustive()
    }
}
