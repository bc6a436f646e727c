//! A custom store: six methods that keep pods. Users, templates and prices stay with the application.
//!
//! ```console
//! $ cargo run --example own_store
//! ```
//!
//! It ends with the suite that every store passes, so that the whole contract is checked.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use neuropod::error::{Problem, ValidationErrors, Violation};
use neuropod::money::{AccountKind, BillingExt};
use neuropod::sim::{Settings, SimCluster};
use neuropod::store::{Cursor, ListOptions, MAX_LIMIT, MemoryStore, Page};
use neuropod::{
    Actor, Billing, CreatePod, ErrorKind, Money, Naming, Platform, Pod, PodId, PodStore, Result, UserId,
    conformance,
};

#[derive(Default)]
struct OwnStore(Mutex<BTreeMap<PodId, Pod>>);

impl OwnStore {
    fn pods(&self) -> MutexGuard<'_, BTreeMap<PodId, Pod>> {
        // No method panics half-way through a change, so the data behind a poisoned lock is consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refuse(kind: ErrorKind, field: &str) -> neuropod::Error {
    neuropod::Error::new(kind, format!("refused because of {field}")).with_context("field", field)
}

#[async_trait]
impl PodStore for OwnStore {
    async fn insert(&self, pod: &Pod) -> Result<Pod> {
        let mut pods = self.pods();
        if pods.contains_key(&pod.id) {
            return Err(refuse(ErrorKind::AlreadyExists, "id"));
        }
        let has_its_name = |other: &Pod| other.owner == pod.owner && other.slug == pod.slug;
        if pods.values().any(has_its_name) {
            return Err(refuse(ErrorKind::AlreadyExists, "name"));
        }
        let stored = in_version(1, pod);
        pods.insert(pod.id.clone(), stored.clone());
        Ok(stored)
    }

    async fn get(&self, id: &PodId) -> Result<Option<Pod>> {
        Ok(self.pods().get(id).cloned())
    }

    async fn list(&self, options: &ListOptions) -> Result<Page> {
        let (min, max) = (1, MAX_LIMIT);
        if !(min..=max).contains(&options.limit) {
            let problem = Problem::new("limit", Violation::OutOfRange { min, max });
            return Err(ValidationErrors::from(problem).into());
        }
        let stored = self.pods();
        let listed = stored.values().filter(|pod| is_listed(pod, options));
        let mut pods: Vec<Pod> = listed.cloned().collect();
        pods.sort_by_key(place);
        let is_last = pods.len() <= options.limit as usize;
        pods.truncate(options.limit as usize);
        let next = pods.last().filter(|_| !is_last).map(place);
        Ok(Page::new(pods, next))
    }

    async fn count(&self, owner: &UserId) -> Result<u64> {
        let stored = self.pods();
        let counted = stored
            .values()
            .filter(|pod| pod.owner == *owner && !pod.is_deleted());
        Ok(counted.map(|_| 1_u64).sum())
    }

    async fn update(&self, pod: &Pod) -> Result<Pod> {
        let mut pods = self.pods();
        let Some(stored) = pods.get_mut(&pod.id) else {
            return Err(refuse(ErrorKind::NotFound, "id"));
        };
        if stored.version != pod.version {
            // The caller reads the pod again and repeats its change.
            return Err(refuse(ErrorKind::Conflict, "version"));
        }
        for (field, changed) in [
            ("owner", stored.owner != pod.owner),
            ("slug", stored.slug != pod.slug),
            ("createdAt", stored.created_at != pod.created_at),
        ] {
            if changed {
                return Err(refuse(ErrorKind::InvalidState, field));
            }
        }
        *stored = in_version(pod.version + 1, pod);
        Ok(stored.clone())
    }

    async fn remove(&self, id: &PodId, version: u64) -> Result<()> {
        let mut pods = self.pods();
        if pods.get(id).is_some_and(|stored| stored.version != version) {
            return Err(refuse(ErrorKind::Conflict, "version"));
        }
        pods.remove(id);
        Ok(())
    }
}

fn in_version(version: u64, pod: &Pod) -> Pod {
    let pod = pod.clone();
    Pod { version, ..pod }
}

fn place(pod: &Pod) -> Cursor {
    let (created_at, id) = (pod.created_at, pod.id.clone());
    Cursor { created_at, id }
}

fn is_listed(pod: &Pod, options: &ListOptions) -> bool {
    options.owner.as_ref().is_none_or(|owner| pod.owner == *owner)
        && options.slug.as_ref().is_none_or(|slug| pod.slug == *slug)
        && options.volume.as_ref().is_none_or(|volume| pod.volume == *volume)
        && (!options.may_take_volume || pod.is_deleted() || pod.volume_deletion.is_some())
        && (options.include_deleted || !pod.is_deleted())
        && options.after.as_ref().is_none_or(|after| place(pod) > *after)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = Arc::new(OwnStore::default());
    let billing = Arc::new(MemoryStore::new());
    let platform = Platform::builder()
        .naming(Naming::new("pods.example.com", "a secret of at least 16 bytes")?)
        .cluster(Arc::new(SimCluster::new(Settings::default())))
        .pods(store.clone())
        .billing(billing.clone())
        .build()?;
    let ana = Actor::client("ana");
    billing.open(&ana.id, AccountKind::Prepaid).await?;
    billing
        .deposit("payment-1", &ana.id, Money::from_cents(1000))
        .await?;
    let request = CreatePod::from_image("training", "quay.io/jupyter/base-notebook");
    let pod = platform.create(&ana, &request).await?;
    println!("{} is stored in version {}", pod.name, pod.version);
    println!("pods in the store: {}", store.pods().len());

    conformance::store::run_pods(store).await;
    println!("the store passes the suite");
    Ok(())
}
