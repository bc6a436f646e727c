//! The platform: what an application calls, and the driver that makes it true.
//!
//! A call checks, writes what is wanted into the store and answers. [`Platform::run`] is the driver: it watches the
//! cluster and brings every pod to where its record says it should be, however often it is interrupted. Any number of
//! processes may call and drive on one store and one cluster.

mod audit;
mod builder;
mod change;
mod create;
mod credit;
mod driver;
mod follow;
mod idempotency;
mod money;
mod owner;
mod read;
mod resync;
mod round;
mod templates;
mod updates;
mod users;
mod view;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::SignedDuration;
use tokio::sync::{Notify, Semaphore};

pub use self::audit::AuditEvent;
use self::audit::Recorder;
pub use self::builder::PlatformBuilder;
pub use self::money::AccountChange;
use self::updates::Feed;
pub use self::updates::Update;
use crate::clock::SteadyClock;
use crate::cluster::backend::ClusterBackend;
use crate::cluster::catalogue::Catalogue;
use crate::cluster::plan::Layout;
use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::PodId;
use crate::money::amount::Money;
use crate::money::billing::Billing;
use crate::money::currency::Currency;
use crate::money::pricing::{PriceList, PricePolicy};
use crate::naming::Naming;
use crate::pod::image::ImageRules;
use crate::pod::record::Pod;
use crate::reconcile::{self, Action, Deadlines};
use crate::store::traits::PodStore;
use crate::token::TokenExtractor;

/// A platform of personal pods on one cluster, one store and one billing. Clones are the same platform.
///
/// The crate's facade, `neuropod`, has a whole example.
#[derive(Clone)]
pub struct Platform(Arc<Inner>);

struct Inner {
    cluster: Arc<dyn ClusterBackend>,
    store: Arc<dyn PodStore>,
    billing: Arc<dyn Billing>,
    tokens: Arc<dyn TokenExtractor>,
    audit: Option<Recorder>,
    clock: SteadyClock,
    naming: Naming,
    images: ImageRules,
    catalogue: Catalogue,
    prices: PriceList,
    price_policy: PricePolicy,
    layout: Layout,
    currency: Currency,
    opening_credit: Money,
    daily_cap: Option<Money>,
    max_pods: u32,
    volume_grace: Option<SignedDuration>,
    deadlines: Deadlines,
    /// In seconds, most first.
    low_balance_marks: Vec<i64>,
    feed: Feed,
    touched: Touched,
    /// One for each log that may be read at a time.
    log_places: Semaphore,
}

/// Logs that the driver reads at a time: each is a connection of its own to the cluster.
const MAX_LOGS: usize = 64;
/// How often a change of a record is begun anew because somebody else was quicker: a call that never answers is worse
/// than one that says so.
const MAX_CONFLICTS: usize = 100;

impl Platform {
    /// Begins a platform: cluster, store, billing and naming have to be given.
    pub fn builder() -> PlatformBuilder {
        PlatformBuilder::default()
    }

    /// How this platform makes names.
    pub fn naming(&self) -> &Naming {
        &self.0.naming
    }

    /// Which registries images may come from.
    pub fn image_rules(&self) -> &ImageRules {
        &self.0.images
    }

    /// The currency of all amounts.
    pub fn currency(&self) -> &Currency {
        &self.0.currency
    }

    /// The GPU types on offer.
    pub fn catalogue(&self) -> &Catalogue {
        &self.0.catalogue
    }
}

impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Platform")
            .field("naming", &self.0.naming)
            .finish_non_exhaustive()
    }
}

impl Inner {
    /// Stores a changed record and tells subscribers.
    async fn save(&self, pod: &Pod) -> Result<Pod> {
        let stored = self
            .store
            .update(&Pod {
                updated_at: self.clock.now(),
                ..pod.clone()
            })
            .await?;
        self.feed.publish(&stored);
        Ok(stored)
    }

    /// Carries out what billing is asked for, and answers the record as it should be afterwards.
    async fn pay(&self, pod: &Pod, action: &Action) -> Result<Option<Pod>> {
        let next = match action {
            Action::Hold(hold) => {
                self.may_be_paid(pod).await?;
                self.billing.hold(hold).await?;
                reconcile::done(pod, action)
            }
            Action::Release { key } => {
                self.billing.release(key).await?;
                reconcile::done(pod, action)
            }
            Action::Draw(draw) => {
                let drawn = self.billing.draw(draw).await?;
                reconcile::drawn(pod, draw, &drawn, self.volume_grace, self.clock.now())
            }
            _ => return Ok(reconcile::done(pod, action)),
        };
        self.feed.account(&pod.owner);
        Ok(next)
    }

    /// Changes a record until no one else changes it at the same time.
    ///
    /// # Errors
    /// `Conflict` when somebody else always does.
    async fn change(&self, id: &PodId, mut change: impl FnMut(&mut Pod) -> Result<()>) -> Result<Pod> {
        let mut conflicts = 0;
        loop {
            let mut pod = self.store.get(id).await?.ok_or_else(not_found)?;
            let before = pod.clone();
            change(&mut pod)?;
            if pod == before {
                return Ok(pod);
            }
            match self.save(&pod).await {
                Err(error) if *error.kind() == ErrorKind::Conflict && conflicts < MAX_CONFLICTS => {
                    conflicts += 1;
                }
                Err(error) if *error.kind() == ErrorKind::NotFound => return Err(not_found()),
                other => return other,
            }
        }
    }

    /// Changes a record, where there still is one, and lets the driver know.
    async fn change_if_there(&self, id: &PodId, change: impl Fn(&mut Pod)) -> Result<()> {
        let changed = self.change(id, |pod| {
            change(pod);
            Ok(())
        });
        match changed.await {
            Err(error) if *error.kind() == ErrorKind::NotFound => {}
            other => drop(other?),
        }
        self.touched.add(id);
        Ok(())
    }

    /// Reserves the money of a pod whose meter asks for it, before the driver does: the one who asks is told at once
    /// that it is not enough. Anything else that goes wrong is left to the driver.
    ///
    /// # Errors
    /// `InsufficientFunds`; `NotFound` when the owner has no account; `Forbidden` when they were deleted; `TooManyPods`.
    async fn reserve_now(&self, pod: Pod) -> Result<Pod, (Pod, Error)> {
        let now = self.clock.now();
        let Some(hold) = reconcile::billing(&pod).filter(|action| matches!(action, Action::Hold(_))) else {
            return Ok(pod);
        };
        match self.pay(&pod, &hold).await {
            // What can't be stored now is found out again by the driver.
            Ok(Some(reserved)) => Ok(self.save(&reserved).await.unwrap_or(pod)),
            Ok(None) => Ok(pod),
            Err(error) => match reconcile::failed(&pod, &hold, &error, now) {
                Some(refused) => Err((refused, error)),
                None => Ok(pod),
            },
        }
    }
}

fn not_found() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such pod")
}

/// The pods that calls and followers have touched, for the driver to look at.
#[derive(Default)]
struct Touched {
    pods: Mutex<BTreeSet<PodId>>,
    notify: Notify,
}

impl Touched {
    fn add(&self, id: &PodId) {
        self.pods
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.clone());
        self.notify.notify_one();
    }

    /// Waits until there are some, and takes them all.
    async fn take(&self) -> BTreeSet<PodId> {
        loop {
            let taken = std::mem::take(&mut *self.pods.lock().unwrap_or_else(PoisonError::into_inner));
            if !taken.is_empty() {
                return taken;
            }
            self.notify.notified().await;
        }
    }
}
