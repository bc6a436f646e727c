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
//!     if faults.struck().is_none() {
//!         break;
//!     }
//!     assert_eq!((first.is_err(), second.is_err()), (n == 1, n == 2), "{:?}", faults.call(n));
//! }
//! # });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod accounts;
mod backend;
mod fault;
mod plan;

use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

pub use self::fault::Fault;
use self::plan::Plan;
use crate::cluster::backend::ClusterBackend;
use crate::error::kind::Result;
use crate::money::billing::Billing;
use crate::store::audit::AuditLog;
use crate::store::traits::Store;

/// A plan of what goes wrong, shared by all that it wraps. Clones are the same plan.
#[derive(Clone)]
pub struct Faults {
    state: Arc<Mutex<State>>,
    crashed: Arc<watch::Sender<bool>>,
}

struct State {
    plan: Plan,
    calls: Vec<&'static str>,
    /// The first call that went wrong, and how.
    struck: Option<(&'static str, Fault)>,
}

impl Faults {
    /// Nothing goes wrong; the calls are counted.
    pub fn none() -> Self {
        Self::new(Plan::None)
    }

    /// The `n`th call that [can](Fault::concerns) go wrong so, counted from 1, does.
    pub fn at(n: usize, fault: Fault) -> Self {
        Self::lasting(n, fault, Duration::ZERO)
    }

    /// The `n`th call that can go wrong so, counted from 1, does, and for so long every other one after it.
    pub fn lasting(n: usize, fault: Fault, time: Duration) -> Self {
        Self::new(Plan::at(n, fault, time))
    }

    /// Of a thousand calls so many go wrong, each in one of the ways in which it can, until all is [healed](Self::heal).
    /// Neither crashes nor a lack of money are among them. The same seed, the same choices.
    pub fn random(seed: u64, per_mille: u32) -> Self {
        Self::new(Plan::random(seed, per_mille))
    }

    fn new(plan: Plan) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                plan,
                calls: Vec::new(),
                struck: None,
            })),
            crashed: Arc::new(watch::Sender::new(false)),
        }
    }

    /// From now on nothing goes wrong.
    pub fn heal(&self) {
        self.with_state(|state| state.plan = Plan::None);
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
    pub fn store(&self, inner: Arc<dyn Store>) -> Arc<dyn Store> {
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

    /// The audit log with these faults.
    pub fn audit(&self, inner: Arc<dyn AuditLog>) -> Arc<dyn AuditLog> {
        Arc::new(accounts::FaultyAudit {
            faults: self.clone(),
            inner,
        })
    }

    /// How many calls there were, in all that is wrapped together.
    pub fn calls(&self) -> usize {
        self.with_state(|state| state.calls.len())
    }

    /// The name of the `n`th call, such as `cluster.apply`.
    pub fn call(&self, n: usize) -> Option<&'static str> {
        self.with_state(|state| state.calls.get(n.checked_sub(1)?).copied())
    }

    /// The name of the first call that went wrong; `None`: none did.
    pub fn struck(&self) -> Option<&'static str> {
        self.with_state(|state| state.struck.map(|(call, _)| call))
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

    fn with_state<R>(&self, look: impl FnOnce(&mut State) -> R) -> R {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts a call and answers what goes wrong with it.
    fn count(&self, name: &'static str) -> Option<Fault> {
        self.with_state(|state| {
            state.calls.push(name);
            let fault = state.plan.next(name)?;
            state.struck.get_or_insert((name, fault));
            Some(fault)
        })
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
            Some(fault @ Fault::ErrorAfter) => {
                call.await?;
                Err(fault.error(name))
            }
            Some(Fault::Late) => {
                let answer = call.await;
                sleep(Fault::LATENESS).await;
                self.alive().await;
                answer
            }
            Some(Fault::CrashBefore) => self.crash().await,
            Some(Fault::CrashAfter) => {
                // Nobody is left to hear the answer.
                drop(call.await);
                self.crash().await
            }
            Some(fault) => Err(fault.error(name)),
        }
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_state(|state| {
            f.debug_struct("Faults")
                .field("plan", &state.plan)
                .field("struck", &state.struck)
                .field("calls", &state.calls.len())
                .finish_non_exhaustive()
        })
    }
}
