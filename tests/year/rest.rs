//! Properties after everything was healed and everybody had time to finish.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use neuropod::clock::Clock;
use neuropod::cluster::{ObservedVolume, Step, VolumePolicy, plan};
use neuropod::money::meter::{HoldState, LONG_PERIOD_SECONDS, PERIOD_SECONDS};
use neuropod::pod::Desired;
use neuropod::sim::{ObjectKey, ObjectKind};
use neuropod::store::ListOptions;
use neuropod::{Actor, Billing, ClusterBackend, Money, Pod, PodId, PodStore, Status};
use tokio::time::{Instant, sleep};

use crate::books::Books;
use crate::common::{World, eventually};
use crate::pass::pass;
use crate::people::{People, Wish};
use crate::platforms::Platforms;

/// The longest duration of healing: a pod that has failed several times has the longest delays.
const HEALING: Duration = Duration::from_mins(20);

/// The longest time that is not charged yet.
const PERIOD: Duration = Duration::from_secs(LONG_PERIOD_SECONDS as u64);
/// The interval between checks.
const LOOK: Duration = Duration::from_secs(2);

/// Every record, also of pods that are being deleted.
pub(crate) async fn records(world: &World) -> Vec<Pod> {
    let options = ListOptions {
        include_deleted: true,
        limit: 1000,
        ..ListOptions::default()
    };
    world.store.list(&options).await.unwrap().pods
}

/// Times at which everything is as it should be.
#[derive(Default)]
pub(crate) struct Rest {
    pub(crate) taken: u32,
    /// The kept volumes of deleted pods.
    kept: BTreeSet<String>,
    /// Volumes that a late call recreated after their deletion.
    pub(crate) made_anew: u32,
    /// Volumes that were found deleted because they were unpaid.
    pub(crate) unpaid: u32,
}

impl Rest {
    /// Heals everything, waits until it has settled, and checks it.
    pub(crate) async fn heal_and_check(
        &mut self,
        world: &World,
        people: &mut People,
        platforms: &mut Platforms,
        books: &mut Books,
    ) {
        self.taken += 1;
        for id in people.pods.keys() {
            world.cluster.clear_mishaps(id);
        }
        world.cluster.mend_watch();
        world.cluster.clear_errors();
        platforms.heal(world);
        // Events in transit arrive.
        sleep(platforms.blind()).await;
        settle(world).await;
        // Objects without a record are found at the next resync.
        let end = Instant::now() + HEALING;
        loop {
            let (missing, left) = wrong_objects(world, platforms).await;
            if missing.is_empty() && left.is_empty() {
                break;
            }
            assert!(Instant::now() < end, "missing: {missing:?}, left: {left:?}");
            sleep(LOOK).await;
        }
        let pods = records(world).await;
        people.learn(world, &pods);
        books.check(world, people, &pods, platforms.blind()).await;
        wishes_are_fulfilled(people, &pods);
        holds_are_right(books, &pods);
        self.volumes_are_right(world, people, platforms, &pods).await;
        let there: BTreeSet<_> = pods.iter().map(|pod| &pod.id).collect();
        people.pods.retain(|id, _| there.contains(id));
    }

    /// Lets time pass without faults: everything that runs is charged, in consecutive periods.
    pub(crate) async fn is_calm(
        &self,
        world: &World,
        platforms: &Platforms,
        people: &People,
        books: &mut Books,
        time: Duration,
    ) {
        let metered: BTreeMap<PodId, Timestamp> = records(world)
            .await
            .into_iter()
            .filter_map(|pod| Some((pod.id, pod.meter.from?)))
            .collect();
        books.take_longest_unpaid();
        pass(world, platforms, time).await;
        settle(world).await;
        let pods = records(world).await;
        books.check(world, people, &pods, platforms.blind()).await;
        let (unpaid, entry) = books.take_longest_unpaid();
        assert!(
            unpaid <= PERIOD_SECONDS,
            "a container ran for {unpaid} seconds that its owner could not pay: {entry:?}"
        );
        let now = world.cluster.clock().now();
        for (id, from) in metered {
            let run = world.cluster.runs_of(&id).pop().unwrap();
            if run.started_at > from {
                // The metered container had ended unobserved.
                continue;
            }
            // A running pod is charged when its period is complete; a pod stopped for lack of money ran on for
            // a moment.
            let until = run.ended_at.unwrap_or(now);
            let ran = until.duration_since(from).as_secs_f64();
            let open = PERIOD + 2 * LOOK;
            let charged = books.charged(&id, from);
            assert!(
                charged >= ran - open.as_secs_f64(),
                "{charged} of {ran} seconds from {from} were charged for {id}: {run:?}"
            );
        }
    }

    async fn volumes_are_right(
        &mut self,
        world: &World,
        people: &People,
        platforms: &Platforms,
        pods: &[Pod],
    ) {
        let naming = platforms.naming();
        for pod in pods.iter().filter(|pod| pod.desired == Desired::Running) {
            let seen = world
                .cluster
                .observe(&plan::reference(pod, naming))
                .await
                .unwrap();
            let bound = matches!(seen.volume, ObservedVolume::Bound { .. });
            assert!(bound, "{:?} of {pod:#?}", seen.volume);
        }
        if platforms.share_volumes() {
            return;
        }
        let volumes: BTreeSet<_> = world
            .cluster
            .volumes()
            .into_iter()
            .map(|volume| volume.name)
            .collect();
        for (id, known) in &people.pods {
            let there = volumes.contains(&known.volume);
            match known.wish {
                Wish::Deleted(VolumePolicy::Delete) => {
                    // A late call of another replica recreates it after everything is gone. Nobody has files in
                    // it.
                    let made = world.cluster.volume_made_at(&known.volume);
                    assert!(
                        made.is_none_or(|made| made > known.asked_at),
                        "the volume of {id} is left"
                    );
                    self.made_anew += u32::from(made.is_some());
                }
                Wish::Deleted(VolumePolicy::Keep) | Wish::Stopped | Wish::Running
                    if !people.volume_may_go(known) && !world.cluster.runs_of(id).is_empty() =>
                {
                    assert!(there, "the volume of {id} is lost");
                    if matches!(known.wish, Wish::Deleted(_)) {
                        self.kept.insert(known.volume.clone());
                    }
                }
                _ => {}
            }
        }
        assert!(self.kept.is_subset(&volumes), "volumes that were kept are lost");
        for pod in pods {
            let decided = pod.volume_deletion.is_some_and(|deletion| deletion.decided);
            self.unpaid += u32::from(decided);
        }
    }

    /// Deletes everything, and checks that nothing remains.
    pub(crate) async fn everything_goes(
        &mut self,
        world: &World,
        people: &mut People,
        platforms: &mut Platforms,
        books: &mut Books,
    ) {
        let platform = platforms.healthy().clone();
        for policy in [VolumePolicy::Keep, VolumePolicy::Delete] {
            for pod in records(world).await {
                let last = records(world)
                    .await
                    .iter()
                    .filter(|other| other.volume == pod.volume)
                    .count()
                    == 1;
                if policy == VolumePolicy::Keep && last {
                    continue;
                }
                let owner = Actor::client(pod.owner.as_str());
                platform.delete(&owner, &pod.id, policy).await.unwrap();
                eventually("it goes", async || {
                    world.store.get(&pod.id).await.unwrap().is_none()
                })
                .await;
            }
        }
        let objects = world.cluster.objects();
        assert!(
            objects.iter().all(|key| key.kind == ObjectKind::Volume),
            "{objects:?}"
        );
        books.check(world, people, &[], platforms.blind()).await;
        for user in people.all() {
            let balance = world.store.balance(user).await.unwrap();
            assert_eq!(balance.held, Money::ZERO);
        }
    }
}

async fn settle(world: &World) {
    let end = Instant::now() + HEALING;
    loop {
        let pods = records(world).await;
        let now = world.cluster.clock().now();
        let unsettled: Vec<_> = pods.iter().filter(|pod| !has_settled(pod, now)).collect();
        if unsettled.is_empty() {
            return;
        }
        assert!(
            Instant::now() < end,
            "not healed: {:#?}",
            unsettled
                .iter()
                .map(|pod| (&pod.id, pod.desired, pod.run, pod.step, &pod.reason, &pod.meter))
                .collect::<Vec<_>>()
        );
        sleep(LOOK).await;
    }
}

/// Whether it is as its owner wants it, and all running time is charged.
fn has_settled(pod: &Pod, now: Timestamp) -> bool {
    let meter = &pod.meter;
    let charged = |from| Duration::try_from(now.duration_since(from)).unwrap_or_default() < PERIOD + 2 * LOOK;
    let is_there = match pod.desired {
        Desired::Running => {
            pod.status == Status::Running && pod.step == Step::Ready && meter.from.is_some_and(charged)
        }
        Desired::Stopped => pod.step == Step::Stopped && meter.hold_state == HoldState::None,
        Desired::Deleted { .. } => false,
    };
    is_there && meter.pending.is_none()
}

/// The objects of the running pods that the cluster lacks, and those that it has beside them. A running pod has a pod,
/// policy and token, and for every port a service and a route.
async fn wrong_objects(world: &World, platforms: &Platforms) -> (Vec<ObjectKey>, Vec<ObjectKey>) {
    let naming = platforms.naming();
    let mut wanted = BTreeSet::new();
    for pod in records(world).await {
        if pod.desired != Desired::Running {
            continue;
        }
        let reference = plan::reference(&pod, naming);
        let mut want = |kind, name: &str| wanted.insert(ObjectKey::new(&reference, kind, name));
        let (slug, hash) = (&pod.slug, &pod.owner_hash);
        want(ObjectKind::Pod, &reference.name);
        want(ObjectKind::Policy, &reference.name);
        want(ObjectKind::Secret, &naming.token_secret(slug, hash));
        for port in pod.options.ports() {
            want(ObjectKind::Service, &naming.service(slug, hash, port.number));
            want(ObjectKind::Route, &naming.ingress(slug, hash, port.number));
        }
    }
    let there: BTreeSet<_> = world.cluster.objects().into_iter().collect();
    let mut left: Vec<_> = there.difference(&wanted).cloned().collect();
    left.extend(world.cluster.orphans());
    (wanted.difference(&there).cloned().collect(), left)
}

fn wishes_are_fulfilled(people: &People, pods: &[Pod]) {
    let pods: BTreeMap<_, _> = pods.iter().map(|pod| (&pod.id, pod)).collect();
    for (id, known) in &people.pods {
        let pod = pods.get(id);
        let desired = pod.map(|pod| pod.desired);
        let gave_up = pod
            .and_then(|pod| pod.reason.as_ref())
            .is_some_and(|reason| !reason.code.is_retryable());
        let fulfilled = match known.wish {
            Wish::Unknown => true,
            Wish::Running => {
                desired == Some(Desired::Running) || desired == Some(Desired::Stopped) && gave_up
            }
            Wish::Stopped => desired == Some(Desired::Stopped),
            Wish::Deleted(_) => desired.is_none(),
        };
        assert!(fulfilled, "{:?} of {id} {pod:#?}", known.wish);
    }
}

/// Holds are as the records say, and at most an hour at the highest price there was: an amount that was held before a
/// price fell stays held until it is drawn.
fn holds_are_right(books: &Books, pods: &[Pod]) {
    for pod in pods {
        let held = books.held(&pod.meter.key(&pod.id));
        // A daily cap may leave less than the hold.
        let known = pod
            .meter
            .remaining
            .is_none_or(|remaining| remaining == held || pod.meter.capped && remaining < held);
        let right = match pod.meter.hold_state {
            HoldState::Open => known && held <= books.highest_hour(&pod.options),
            _ => held == Money::ZERO,
        };
        assert!(right, "{held} is held for {} with {:#?}", pod.id, pod.meter);
    }
}
