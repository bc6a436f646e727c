//! From every reachable state, the actions lead to the desired state and then stop.

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use super::world::{Outcome, World};
use super::*;

/// An event in a test case.
#[derive(Debug, Clone)]
enum Happening {
    Step(Outcome),
    Pass(u8),
    LongPass { hours: u8 },
    Start,
    Restart,
    Stop,
    Delete(VolumePolicy),
    ContainerRestarts,
    ContainerEnds { reason: ReasonCode, over: bool },
    ObjectsVanish,
    PodVanishes,
    VolumeIsDeleted,
    NobodyLooked,
    PodFails(ReasonCode),
    NothingStarts(bool),
    NodeIsLost,
    NodeIsBack,
    ClusterRefuses(Option<ErrorKind>),
    Deposit { cents: i64 },
    MoneyIsGone,
}

/// The start and end conditions of a world.
#[derive(Debug, Clone)]
struct Circumstances {
    deposit: Money,
    daily_cap: Option<Money>,
    owner_cap: Option<Money>,
    volume_grace: Option<SignedDuration>,
    /// Whether the owner deposits a large amount at the end.
    rich_at_last: bool,
}

fn circumstances() -> impl Strategy<Value = Circumstances> {
    let cap = || {
        let cents = prop::sample::select(vec![3, 63, 900]);
        prop::option::weighted(0.25, cents.prop_map(Money::from_cents))
    };
    // Less than the first hour, not much more than that, and enough for all.
    let deposit = prop::sample::select(vec![100, 400, 400, 2000, 2000, 1_000_000, 1_000_000]);
    let hours = prop::option::of(prop::sample::select(vec![2, 48]));
    (deposit, cap(), cap(), hours, any::<bool>()).prop_map(
        |(deposit, daily_cap, owner_cap, hours, rich_at_last)| Circumstances {
            deposit: Money::from_cents(deposit),
            daily_cap,
            owner_cap,
            volume_grace: hours.map(SignedDuration::from_hours),
            rich_at_last,
        },
    )
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        6 => Just(Outcome::Works),
        3 => Just(Outcome::Lost),
        1 => Just(Outcome::Fails),
        1 => Just(Outcome::FailsAfter),
    ]
}

fn reason(codes: &[ReasonCode]) -> impl Strategy<Value = ReasonCode> + use<> {
    prop::sample::select(codes.to_vec())
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let pending = reason(&[
        ReasonCode::NoGpuFree,
        ReasonCode::ImagePullFailed,
        ReasonCode::ImageInvalid,
        ReasonCode::ContainerStart,
    ]);
    let backs_off = reason(&[ReasonCode::CrashLoop, ReasonCode::OutOfMemory]);
    let over = reason(&[
        ReasonCode::Evicted,
        ReasonCode::NodeLost,
        ReasonCode::DiskExceeded,
    ]);
    let ends = prop_oneof![
        backs_off.prop_map(|reason| Happening::ContainerEnds { reason, over: false }),
        over.prop_map(|reason| Happening::ContainerEnds { reason, over: true }),
    ];
    let refusal = prop::sample::select(vec![
        ErrorKind::QuotaExceeded,
        ErrorKind::Rejected,
        ErrorKind::NameTaken,
        ErrorKind::NotConfigured,
        ErrorKind::PermissionDenied,
        ErrorKind::Conflict,
        ErrorKind::Unavailable,
    ]);
    let volume = prop_oneof![Just(VolumePolicy::Keep), Just(VolumePolicy::Delete)];
    let one = prop_oneof![
        48 => outcome().prop_map(Happening::Step),
        16 => (1..90u8).prop_map(Happening::Pass),
        6 => (1..30u8).prop_map(|hours| Happening::LongPass { hours }),
        6 => Just(Happening::Start),
        2 => Just(Happening::Restart),
        2 => Just(Happening::Stop),
        // Nothing can be requested after it.
        1 => volume.prop_map(Happening::Delete),
        2 => Just(Happening::ContainerRestarts),
        4 => ends,
        2 => Just(Happening::ObjectsVanish),
        2 => Just(Happening::PodVanishes),
        2 => Just(Happening::VolumeIsDeleted),
        2 => Just(Happening::NobodyLooked),
        2 => pending.prop_map(Happening::PodFails),
        2 => any::<bool>().prop_map(Happening::NothingStarts),
        2 => Just(Happening::NodeIsLost),
        2 => Just(Happening::NodeIsBack),
        2 => prop::option::of(refusal).prop_map(Happening::ClusterRefuses),
        2 => (1..2000_i64).prop_map(|cents| Happening::Deposit { cents }),
        2 => Just(Happening::MoneyIsGone),
    ];
    prop::collection::vec(one, 0..100)
}

fn happen(world: &mut World, happening: &Happening) {
    match happening {
        Happening::Step(outcome) => {
            world.step(*outcome);
        }
        Happening::Pass(seconds) => world.pass(i64::from(*seconds)),
        Happening::LongPass { hours } => world.pass(3600 * i64::from(*hours)),
        Happening::Start => {
            let stopped = world
                .pod
                .as_ref()
                .is_some_and(|pod| pod.desired == Desired::Stopped);
            if stopped {
                world.ask(Desired::Running);
            }
        }
        Happening::Restart => world.ask(Desired::Running),
        Happening::Stop => world.ask(Desired::Stopped),
        Happening::Delete(volume) => world.ask(Desired::Deleted { volume: *volume }),
        Happening::ContainerRestarts => world.container_restarts_at_once(),
        Happening::ContainerEnds { reason, over } => world.container_ends(*reason, *over),
        Happening::ObjectsVanish => world.seen.objects = Objects::Partial,
        Happening::PodVanishes => world.seen.pod = None,
        Happening::VolumeIsDeleted => world.delete_volume(),
        Happening::NobodyLooked => world.seen.objects = Objects::Unknown,
        Happening::PodFails(code) => {
            let since = at(world.now);
            if let Some(seen) = &mut world.seen.pod
                && seen.phase == Phase::Pending
            {
                seen.reason = Some(Reason::new(*code, "", since));
            }
        }
        Happening::NothingStarts(stuck) => world.stuck = *stuck,
        Happening::NodeIsLost => world.node_is_lost(),
        Happening::NodeIsBack => world.node_is_back(),
        Happening::ClusterRefuses(kind) => world.refuses.clone_from(kind),
        Happening::Deposit { cents } => world.bank.available += Money::from_cents(*cents),
        Happening::MoneyIsGone => world.bank.available = Money::ZERO,
    }
}

/// A world after all these events.
fn after_all(circumstances: &Circumstances, happenings: &[Happening]) -> World {
    let sample = Pod::sample(at(0));
    let pod = Pod {
        options: PodOptions {
            daily_cap: circumstances.daily_cap,
            ..sample.options
        },
        owner_cap: circumstances.owner_cap,
        ..sample
    };
    let mut world = World::new(pod, circumstances.deposit, circumstances.volume_grace);
    for happening in happenings {
        happen(&mut world, happening);
    }
    world
}

/// Runs without faults until only charging goes on.
fn comes_to_rest(world: &mut World) -> TestCaseResult {
    world.recover();
    let mut quiet = 0;
    for pass in 0.. {
        prop_assert!(pass < 50, "never at rest: {world:?}");
        let before = world.effects;
        let mut steps = 0;
        while world.step(Outcome::Works) {
            world.pass(1);
            steps += 1;
            prop_assert!(steps < 100, "never at rest: {world:?}");
        }
        // Only charging goes on for ever.
        quiet = if world.effects == before { quiet + 1 } else { 0 };
        if quiet == 3 {
            break;
        }
        world.pass(400);
    }
    Ok(())
}

fn is_as_wanted(world: &World) -> TestCaseResult {
    let Some(pod) = &world.pod else {
        prop_assert!(matches!(world.wanted, Desired::Deleted { .. }), "{world:?}");
        prop_assert_eq!(world.bank.still_held(), 0, "{:?}", world);
        if world.wanted
            == (Desired::Deleted {
                volume: VolumePolicy::Delete,
            })
        {
            prop_assert_eq!(&world.seen.volume, &ObservedVolume::Absent);
        }
        return Ok(());
    };
    if pod.desired == Desired::Running {
        prop_assert_eq!(world.wanted, Desired::Running, "{:?}", world);
        let explained = (pod.status, pod.step, &pod.reason);
        prop_assert_eq!(explained, (Status::Running, Step::Ready, &None), "{:?}", world);
        prop_assert_eq!(&world.seen.objects, &Objects::Complete);
        // A volume that somebody else deleted remains, terminating, as long as the pod uses it.
        prop_assert_ne!(&world.seen.volume, &ObservedVolume::Absent, "{:?}", world);
        prop_assert!(pod.meter.from.is_some(), "{:?}", world);
        prop_assert_eq!(world.bank.still_held(), 1);
        return Ok(());
    }
    prop_assert_eq!(pod.desired, Desired::Stopped, "{:?}", world);
    prop_assert!(world.seen.is_cleared(), "{:?}", world);
    prop_assert_eq!(pod.step, Step::Stopped, "{:?}", world);
    prop_assert_eq!(world.bank.still_held(), 0, "{:?}", world);
    let failed = |reason: &Reason| reason.code.is_failure();
    let status = if pod.reason.as_ref().is_some_and(failed) {
        Status::Error
    } else {
        Status::Stopped
    };
    prop_assert_eq!(pod.status, status, "{:?}", world);
    if world.wanted == Desired::Running {
        // The platform stopped it, so the reason is recorded, and that it is not retried.
        let explained = pod
            .reason
            .as_ref()
            .is_some_and(|reason| !reason.code.is_retryable());
        prop_assert!(explained, "{world:?}");
    } else {
        prop_assert_eq!(world.wanted, Desired::Stopped, "{:?}", world);
    }
    if pod.volume_deletion.is_some_and(|deletion| deletion.decided) {
        prop_assert_eq!(&world.seen.volume, &ObservedVolume::Absent);
        let code = pod.reason.as_ref().map(|reason| reason.code);
        // A stop by the owner removes the reason afterwards.
        let explained =
            code == Some(ReasonCode::VolumeDeleted) || code.is_none() && world.wanted == Desired::Stopped;
        prop_assert!(explained, "{world:?}");
    }
    Ok(())
}

fn is_paid_rightly(world: &World, circumstances: &Circumstances) -> TestCaseResult {
    let bank = &world.bank;
    // Each charge rounds to a micro-euro.
    let most = Money::from_cents(360).for_seconds(world.ran) + Money::from_micros(500);
    prop_assert!(
        bank.charged_for_running() <= most,
        "charged {} for {} s: {:?}",
        bank.charged_for_running(),
        world.ran,
        world
    );
    for cap in [circumstances.daily_cap, circumstances.owner_cap]
        .into_iter()
        .flatten()
    {
        prop_assert!(bank.most_on_a_day() <= cap, "more than {cap} on a day: {world:?}");
    }
    prop_assert!(!bank.overlap(), "{world:?}");
    if let Some(pod) = &world.pod {
        prop_assert_eq!(pod.charged, bank.charged(), "{:?}", world);
    }
    Ok(())
}

proptest! {
    // PROPTEST_CASES sets a higher number.
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(2000), ..ProptestConfig::default() })]

    #[test]
    fn every_reachable_state_leads_to_the_desired_state(
        circumstances in circumstances(),
        happenings in happenings(),
    ) {
        let mut world = after_all(&circumstances, &happenings);
        if circumstances.rich_at_last {
            world.bank.available += Money::from_cents(100_000);
        }
        comes_to_rest(&mut world)?;
        is_as_wanted(&world)?;
        is_paid_rightly(&world, &circumstances)?;
    }
}
