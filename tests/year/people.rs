//! People who arrive and leave, request pods, change their minds, lose patience and run out of money.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use neuropod::clock::Clock;
use neuropod::cluster::VolumePolicy;
use neuropod::money::BillingExt;
use neuropod::{Actor, CreatePod, ErrorKind, Money, Pod, PodId, Result, Role, User, UserId};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};

use crate::common::{World, request};
use crate::platforms::Process;

/// How long somebody waits for a result.
const PATIENCE: Duration = Duration::from_mins(5);
/// How far the clock of a machine may be ahead.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);
const GPUS: [&str; 4] = ["rtx-4050", "rtx-4070", "rtx-4090", "cpu"];

/// The owner's last request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Wish {
    Running,
    Stopped,
    Deleted(VolumePolicy),
    /// There was never a result.
    Unknown,
}

/// A pod, as far as people know.
pub(crate) struct Known {
    owner: UserId,
    pub(crate) wish: Wish,
    /// The time of its creation, or of the last request.
    pub(crate) asked_at: Timestamp,
    /// The name of its volume.
    pub(crate) volume: String,
    /// Its volume may be gone, because it was unpaid.
    pub(crate) unpaid: bool,
}

pub(crate) struct People {
    /// Whether there are daily caps.
    caps: bool,
    cap_of: HashMap<UserId, Money>,
    /// Everybody who was ever here.
    all: Vec<UserId>,
    /// People who can request pods.
    here: Vec<Actor>,
    /// People who may have been deleted: their volumes go, even those left by pods that were being deleted.
    leaving: HashSet<UserId>,
    pub(crate) pods: BTreeMap<PodId, Known>,
    /// The number of requested pods, and of created ones.
    asked: usize,
    pub(crate) made: usize,
    payments: usize,
}

pub(crate) fn administrator() -> Actor {
    Actor::admin("root")
}

impl People {
    pub(crate) fn new(random: &mut StdRng) -> Self {
        Self {
            caps: random.random(),
            cap_of: HashMap::new(),
            all: Vec::new(),
            here: Vec::new(),
            leaving: HashSet::new(),
            pods: BTreeMap::new(),
            asked: 0,
            made: 0,
            payments: 0,
        }
    }

    /// The daily cap of a user.
    pub(crate) fn cap_of(&self, user: &UserId) -> Option<Money> {
        self.cap_of.get(user).copied()
    }

    fn cap(&self, random: &mut StdRng) -> Option<Money> {
        let capped = self.caps && random.random_range(0..3) == 0;
        capped.then(|| Money::from_cents(random.random_range(10..2000)))
    }

    /// Everybody who may have an account.
    pub(crate) fn all(&self) -> &[UserId] {
        &self.all
    }

    /// The pods that were not deleted, as far as people know.
    pub(crate) fn living(&self) -> impl Iterator<Item = &PodId> {
        let pods = self.pods.iter();
        pods.filter(|(_, known)| !matches!(known.wish, Wish::Deleted(_)))
            .map(|(id, _)| id)
    }

    /// Whether the volume of a pod may be gone without its owner's wish: it was unpaid, or the owner was
    /// deleted.
    pub(crate) fn volume_may_go(&self, known: &Known) -> bool {
        known.unpaid || self.leaving.contains(&known.owner)
    }

    /// Records pods whose creation had no result, and volumes that go.
    pub(crate) fn learn(&mut self, world: &World, pods: &[Pod]) {
        let latest = world.cluster.clock().now() + AHEAD;
        for pod in pods {
            if !self.pods.contains_key(&pod.id) {
                self.record(world, pod, Wish::Unknown);
            }
            let goes = pod.volume_deletion.is_some_and(|deletion| deletion.at <= latest);
            self.pods.get_mut(&pod.id).unwrap().unpaid |= goes;
        }
    }

    fn record(&mut self, world: &World, pod: &Pod, wish: Wish) {
        let known = Known {
            owner: pod.owner.clone(),
            wish,
            asked_at: world.cluster.clock().now(),
            volume: pod.volume.clone(),
            unpaid: false,
        };
        if self.pods.insert(pod.id.clone(), known).is_none() {
            self.made += 1;
        }
    }

    /// A new person registers, and repeats it until there is a result.
    pub(crate) async fn come(&mut self, world: &World, process: &Process, random: &mut StdRng) {
        let actor = Actor::client(format!("user-{}", self.all.len()));
        let user = User {
            id: actor.id.clone(),
            email: format!("{}@example.com", actor.id),
            name: format!("User {}", self.all.len()),
            role: Role::Client,
            identity: None,
            email_verified: false,
            suspended: false,
            deleted: false,
            daily_cap: self.cap(random),
            extra: BTreeMap::new(),
            registration_date: world.cluster.clock().now(),
            version: 0,
        };
        for _ in 0..100 {
            match process.ask(PATIENCE, process.platform.register(&user)).await {
                // A user stored by an earlier attempt has the cap of that attempt.
                Some(Ok(user)) => {
                    self.all.push(actor.id.clone());
                    self.cap_of
                        .extend(user.daily_cap.map(|cap| (actor.id.clone(), cap)));
                    return self.here.push(actor);
                }
                // The next new person continues with this name.
                None => return,
                Some(Err(_)) => {}
            }
        }
        panic!("{user:?} can't register");
    }

    /// Somebody deposits money.
    pub(crate) async fn pay_in(&mut self, world: &World, random: &mut StdRng) {
        if let Some(person) = self.here.choose(random) {
            self.pay(world, &person.id.clone(), random).await;
        }
    }

    async fn pay(&mut self, world: &World, user: &UserId, random: &mut StdRng) {
        self.payments += 1;
        let key = format!("payment-{}", self.payments);
        let amount = Money::from_cents(random.random_range(100..40_000));
        // The message of a payment may come twice.
        for _ in 0..random.random_range(1..=2) {
            world.store.deposit(&key, user, amount).await.unwrap();
        }
    }

    /// Somebody is suspended, resumed, or deleted with everything they have.
    pub(crate) async fn administer(&mut self, world: &World, process: &Process, random: &mut StdRng) {
        let Some(which) = (0..self.here.len()).choose(random) else {
            return;
        };
        let (root, id) = (administrator(), self.here[which].id.clone());
        let platform = &process.platform;
        match random.random_range(0..4) {
            0 => {
                let answer = process.ask(PATIENCE, platform.delete_user(&root, &id)).await;
                if !matches!(&answer, Some(Err(error)) if has_no_effect(error)) {
                    self.leaving.insert(id.clone());
                }
                // A pod whose wish is unknown may be deleted already, with its volume kept.
                let goes = |wish| (wish != Wish::Unknown).then_some(Wish::Deleted(VolumePolicy::Delete));
                if self.all_wish(world, &id, answer.as_ref(), goes) {
                    self.here.remove(which);
                }
            }
            1 => {
                let answer = process.ask(PATIENCE, platform.suspend(&root, &id, true)).await;
                self.all_wish(world, &id, answer.as_ref(), |wish| {
                    (wish == Wish::Running).then_some(Wish::Stopped)
                });
            }
            _ => drop(process.ask(PATIENCE, platform.suspend(&root, &id, false)).await),
        }
    }

    /// Updates the wishes of all pods of a user that are not deleted. Returns whether the call succeeded.
    fn all_wish<R>(
        &mut self,
        world: &World,
        owner: &UserId,
        answer: Option<&Result<R>>,
        becomes: impl Fn(Wish) -> Option<Wish>,
    ) -> bool {
        let done = matches!(answer, Some(Ok(_)));
        let now = world.cluster.clock().now();
        for known in self.pods.values_mut().filter(|known| known.owner == *owner) {
            if !matches!(known.wish, Wish::Deleted(_))
                && let Some(wish) = becomes(known.wish)
            {
                known.wish = if done { wish } else { Wish::Unknown };
                known.asked_at = now;
            }
        }
        done
    }

    /// Somebody creates a pod. After losing patience they repeat the request with the same key, once; without
    /// money they make a deposit.
    pub(crate) async fn create(&mut self, world: &World, process: &Process, random: &mut StdRng) {
        let Some(owner) = self.here.choose(random).cloned() else {
            return;
        };
        self.asked += 1;
        let name = format!("Pod {}", self.asked);
        let mut request: CreatePod = request(&name)
            .gpu(*GPUS.choose(random).unwrap())
            .disks(random.random_range(1..50), random.random_range(1..50))
            .idempotency_key(&name);
        if let Some(cap) = self.cap(random) {
            request = request.daily_cap(cap);
        }
        let create = async |request: &CreatePod, patience| {
            let call = Box::pin(process.platform.create(&owner, request));
            process.ask(patience, call).await
        };
        let mut answer = create(&request, patience(random)).await;
        let poor = |error: &neuropod::Error| matches!(error.kind(), ErrorKind::InsufficientFunds { .. });
        match &answer {
            Some(Err(error)) if poor(error) => {
                self.pay(world, &owner.id, random).await;
                let request = request.clone().idempotency_key(format!("{name} again"));
                answer = create(&request, PATIENCE).await;
            }
            None => answer = create(&request, PATIENCE).await,
            _ => {}
        }
        if let Some(Ok(pod)) = answer {
            self.record(world, &pod, Wish::Running);
        }
    }

    /// The owner of a pod changes it; if there are many pods, more often deletes it.
    pub(crate) async fn change(
        &mut self,
        world: &World,
        process: &Process,
        many: usize,
        random: &mut StdRng,
    ) {
        let goes = random.random_range(0..many) < self.living().count();
        let Some(id) = self.living().choose(random).cloned() else {
            return;
        };
        // A restart does not change the wish.
        let wish = match random.random_range(0..7) {
            _ if goes => Wish::Deleted(policy(random)),
            0..3 => Wish::Running,
            3..5 => Wish::Stopped,
            _ => Wish::Unknown,
        };
        let known = self.pods.get_mut(&id).unwrap();
        let (owner, platform) = (Actor::client(known.owner.as_str()), &process.platform);
        known.asked_at = world.cluster.clock().now();
        let call = async {
            match wish {
                Wish::Running => platform.start(&owner, &id).await.map(drop),
                Wish::Stopped => platform.stop(&owner, &id).await.map(drop),
                Wish::Deleted(policy) => platform.delete(&owner, &id, policy).await,
                Wish::Unknown => platform.restart(&owner, &id).await.map(drop),
            }
        };
        match process.ask(patience(random), call).await {
            Some(Ok(())) if wish == Wish::Unknown => {}
            Some(Ok(())) => known.wish = wish,
            Some(Err(error)) if has_no_effect(&error) => {}
            Some(Err(_)) | None => known.wish = Wish::Unknown,
        }
    }

    /// An administrator changes a price.
    pub(crate) async fn price(process: &Process, random: &mut StdRng) {
        let change = async {
            let mut prices = process.platform.prices().await?;
            if let Some(price) = prices.gpus.values_mut().choose(random) {
                *price = Money::from_cents(random.random_range(20..400));
            }
            process.platform.set_prices(&administrator(), &prices).await
        };
        drop(process.ask(PATIENCE, change).await);
    }
}

fn patience(random: &mut StdRng) -> Duration {
    match random.random_range(0..10) {
        0 => Duration::from_millis(random.random_range(0..50)),
        _ => PATIENCE,
    }
}

fn policy(random: &mut StdRng) -> VolumePolicy {
    match random.random_range(0..4) {
        0 => VolumePolicy::Keep,
        _ => VolumePolicy::Delete,
    }
}

/// Whether the error means that nothing was changed.
fn has_no_effect(error: &neuropod::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::InvalidState
            | ErrorKind::NotFound
            | ErrorKind::Forbidden
            | ErrorKind::InsufficientFunds { .. }
            | ErrorKind::SpendCapReached { .. }
    )
}
