//! [`Faults`]: counts calls and decides which go wrong.

use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::fault::Fault;
use super::plan::FaultPlan;
use crate::error::kind::Result;

/// Chooses the calls that go wrong, in all traits wrapped by it. Clones share one plan and one count.
#[derive(Clone)]
pub struct Faults {
    progress: Arc<Mutex<Progress>>,
    crashed: Arc<watch::Sender<bool>>,
}

struct Progress {
    plan: FaultPlan,
    calls: Vec<&'static str>,
    /// The first call that went wrong, and how.
    first: Option<(&'static str, Fault)>,
}

impl Faults {
    /// Nothing goes wrong; the calls are counted.
    pub fn none() -> Self {
        Self::new(FaultPlan::None)
    }

    /// The `n`th call that this fault [concerns](Fault::concerns), counted from 1, goes wrong.
    pub fn at_call(n: usize, fault: Fault) -> Self {
        Self::lasting(n, fault, Duration::ZERO)
    }

    /// The `n`th call that this fault concerns, counted from 1, goes wrong, and for this long all other such
    /// calls after it.
    pub fn lasting(n: usize, fault: Fault, time: Duration) -> Self {
        Self::new(FaultPlan::at_call(n, fault, time))
    }

    /// Of a thousand calls, `per_mille` go wrong on average, each with one of the faults that concern it, until
    /// [`heal`](Self::heal). Crashes and lack of money are excluded. The same seed makes the same choices.
    pub fn random(seed: u64, per_mille: u32) -> Self {
        Self::new(FaultPlan::random(seed, per_mille))
    }

    fn new(plan: FaultPlan) -> Self {
        Self {
            progress: Arc::new(Mutex::new(Progress {
                plan,
                calls: Vec::new(),
                first: None,
            })),
            crashed: Arc::new(watch::Sender::new(false)),
        }
    }

    /// From now on nothing goes wrong.
    pub fn heal(&self) {
        self.with_progress(|progress| progress.plan = FaultPlan::None);
    }

    /// The number of calls so far, in all traits wrapped by it.
    pub fn calls(&self) -> usize {
        self.with_progress(|progress| progress.calls.len())
    }

    /// The name of the `n`th call, such as `cluster.apply`.
    pub fn call(&self, n: usize) -> Option<&'static str> {
        self.with_progress(|progress| progress.calls.get(n.checked_sub(1)?).copied())
    }

    /// The name of the first call that went wrong, if any.
    pub fn injected(&self) -> Option<&'static str> {
        self.with_progress(|progress| progress.first.map(|(call, _)| call))
    }

    /// Waits until the process has crashed. From then on no wrapped call has an effect; the test drops the platform.
    pub async fn crashed(&self) {
        let mut crashed = self.crashed.subscribe();
        // The sender lives as long as `self`.
        let _ = crashed.wait_for(|crashed| *crashed).await;
    }

    /// Whether the process has crashed.
    pub fn has_crashed(&self) -> bool {
        *self.crashed.borrow()
    }

    fn with_progress<R>(&self, change: impl FnOnce(&mut Progress) -> R) -> R {
        change(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts a call and returns its fault, if any.
    pub(super) fn count(&self, name: &'static str) -> Option<Fault> {
        self.with_progress(|progress| {
            progress.calls.push(name);
            let fault = progress.plan.next(name)?;
            progress.first.get_or_insert((name, fault));
            Some(fault)
        })
    }

    /// Crashes the process: never returns.
    pub(super) async fn crash<R>(&self) -> R {
        self.crashed.send_replace(true);
        pending().await
    }

    /// Returns only if the process has not crashed.
    pub(super) async fn alive(&self) {
        if self.has_crashed() {
            pending::<()>().await;
        }
    }

    /// Makes a call, with its fault if it has one.
    pub(super) async fn pass<R>(
        &self,
        name: &'static str,
        call: impl Future<Output = Result<R>>,
    ) -> Result<R> {
        self.alive().await;
        match self.count(name) {
            None => {
                let result = call.await;
                self.alive().await;
                result
            }
            Some(fault @ Fault::ErrorAfter) => {
                call.await?;
                Err(fault.error(name))
            }
            Some(Fault::Late) => {
                let result = call.await;
                sleep(Fault::LATENESS).await;
                self.alive().await;
                result
            }
            Some(Fault::CrashBefore) => self.crash().await,
            Some(Fault::CrashAfter) => {
                // Nobody receives the result.
                drop(call.await);
                self.crash().await
            }
            Some(fault) => Err(fault.error(name)),
        }
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_progress(|progress| {
            f.debug_struct("Faults")
                .field("plan", &progress.plan)
                .field("injected", &progress.first)
                .field("calls", &progress.calls.len())
                .finish_non_exhaustive()
        })
    }
}
