//! People who ask for pods, change their minds and lose patience.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use neuropod::{
    AccountKind, Actor, Billing, BillingExt, ErrorKind, Money, Platform, Pod, PodId, VolumePolicy,
};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use tokio::time::timeout;

use crate::common::{World, request};

/// What a pod of the tests costs.
pub(crate) const HOURLY: Money = Money::from_cents(270);
pub(crate) const PAID_IN: Money = Money::from_cents(100_000);
/// Most pods at a time, as far as people know.
const MAX_PODS: usize = 20;

/// What its owner asked for last.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Wish {
    Running,
    Stopped,
    Deleted(VolumePolicy),
    /// The answer never came.
    Unknown,
}

pub(crate) struct People {
    users: Vec<Actor>,
    pub(crate) wishes: BTreeMap<PodId, Wish>,
    owners: BTreeMap<PodId, usize>,
    /// The volume of each pod.
    pub(crate) volumes: BTreeMap<PodId, String>,
    named: usize,
}

impl People {
    pub(crate) async fn new(world: &World) -> Self {
        let users: Vec<_> = ["bea", "carl", "dora"].map(Actor::client).into();
        for user in &users {
            world.store.open(&user.id, AccountKind::Prepaid).await.unwrap();
            world
                .store
                .deposit(&format!("paid-{}", user.id), &user.id, PAID_IN)
                .await
                .unwrap();
        }
        Self {
            users,
            wishes: BTreeMap::new(),
            owners: BTreeMap::new(),
            volumes: BTreeMap::new(),
            named: 0,
        }
    }

    pub(crate) fn users(&self) -> &[Actor] {
        &self.users
    }

    pub(crate) fn ids(&self) -> BTreeSet<PodId> {
        self.wishes.keys().cloned().collect()
    }

    pub(crate) fn owns(&self, user: &Actor, id: &PodId) -> bool {
        self.owners
            .get(id)
            .is_some_and(|owner| self.users[*owner] == *user)
    }

    /// Learns of pods whose creation was never answered.
    pub(crate) fn learn(&mut self, pods: &[Pod]) {
        for pod in pods {
            let owner = self.users.iter().position(|user| user.id == pod.owner).unwrap();
            self.owners.insert(pod.id.clone(), owner);
        }
    }

    /// Somebody calls a platform, and waits for the answer or not.
    pub(crate) async fn call(&mut self, platform: &Platform, random: &mut StdRng) {
        let gone = |wish: &Wish| matches!(wish, Wish::Deleted(_));
        let there = self.wishes.iter().filter(|(_, wish)| !gone(wish));
        let pods: Vec<_> = there.map(|(id, _)| id.clone()).collect();
        let patience = match random.random_range(0..10) {
            0 => Duration::from_millis(random.random_range(0..50)),
            _ => Duration::from_mins(5),
        };
        if pods.len() < MAX_PODS && random.random_range(0..3) == 0 {
            return self.create(platform, patience, random).await;
        }
        let Some(id) = pods.into_iter().choose(random) else {
            return;
        };
        let owner = &self.users[self.owners[&id]];
        let policy = if random.random() {
            VolumePolicy::Keep
        } else {
            VolumePolicy::Delete
        };
        let call = async |wish| match wish {
            Wish::Running => platform.start(owner, &id).await.map(drop),
            Wish::Stopped => platform.stop(owner, &id).await.map(drop),
            Wish::Deleted(policy) => platform.delete(owner, &id, policy).await,
            Wish::Unknown => platform.restart(owner, &id).await.map(drop),
        };
        let wish = match random.random_range(0..8) {
            0..3 => Wish::Running,
            3..5 => Wish::Stopped,
            5..6 => Wish::Deleted(policy),
            // What it wishes stays as it is.
            _ => Wish::Unknown,
        };
        let answer = timeout(patience, call(wish)).await;
        match answer {
            Ok(Ok(())) if wish == Wish::Unknown => {}
            Ok(Ok(())) => drop(self.wishes.insert(id, wish)),
            Ok(Err(error)) if has_no_effect(&error) => {}
            Ok(Err(_)) | Err(_) => drop(self.wishes.insert(id, Wish::Unknown)),
        }
    }

    async fn create(&mut self, platform: &Platform, patience: Duration, random: &mut StdRng) {
        let owner = random.random_range(0..self.users.len());
        self.named += 1;
        let request = request(&format!("Pod {}", self.named)).idempotency_key(format!("key {}", self.named));
        // Whoever loses patience asks again under the same key, once.
        let create =
            async |patience| timeout(patience, Box::pin(platform.create(&self.users[owner], &request))).await;
        let answer = match create(patience).await {
            Err(_) => create(Duration::from_mins(5)).await,
            answer => answer,
        };
        if let Ok(Ok(pod)) = answer {
            self.owners.insert(pod.id.clone(), owner);
            self.volumes.insert(pod.id.clone(), pod.spec.volume);
            self.wishes.insert(pod.id, Wish::Running);
        }
    }
}

/// Whether the error says that nothing was changed.
fn has_no_effect(error: &neuropod::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::InvalidState | ErrorKind::NotFound | ErrorKind::InsufficientFunds { .. }
    )
}
