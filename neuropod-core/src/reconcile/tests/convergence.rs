//! From every state that can be reached, the actions lead to what is desired, and then stop.

use proptest::prelude::*;

use super::world::World;
use super::*;

/// Something that happens on the way.
#[derive(Debug, Clone)]
enum Happening {
    Step { lost: bool },
    Pass(u8),
    LongPass,
    Start,
    Restart,
    Stop,
    Delete(VolumePolicy),
    ContainerEnds { over: bool },
    ObjectsVanish,
    PodVanishes,
    NobodyLooked,
    PodFails(ReasonCode),
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let code = prop::sample::select(vec![
        ReasonCode::NoGpuFree,
        ReasonCode::ImagePullFailed,
        ReasonCode::ImageInvalid,
        ReasonCode::NodeLost,
        ReasonCode::CrashLoop,
    ]);
    let one = prop_oneof![
        12 => any::<bool>().prop_map(|lost| Happening::Step { lost }),
        6 => (1..90u8).prop_map(Happening::Pass),
        1 => Just(Happening::LongPass),
        1 => Just(Happening::Start),
        1 => Just(Happening::Restart),
        1 => Just(Happening::Stop),
        1 => prop_oneof![Just(VolumePolicy::Keep), Just(VolumePolicy::Delete)].prop_map(Happening::Delete),
        1 => any::<bool>().prop_map(|over| Happening::ContainerEnds { over }),
        1 => Just(Happening::ObjectsVanish),
        1 => Just(Happening::PodVanishes),
        1 => Just(Happening::NobodyLooked),
        1 => code.prop_map(Happening::PodFails),
    ];
    prop::collection::vec(one, 0..60)
}

fn happen(world: &mut World, happening: &Happening) {
    match happening {
        Happening::Step { lost } => {
            world.step(*lost);
        }
        Happening::Pass(seconds) => world.pass(i64::from(*seconds)),
        Happening::LongPass => world.pass(3 * RESERVED_SECONDS),
        Happening::Start => {
            let stopped = world
                .pod
                .as_ref()
                .is_some_and(|pod| pod.desired == Desired::Stopped);
            if stopped {
                world.ask(Desired::Running, true);
            }
        }
        Happening::Restart => world.ask(Desired::Running, true),
        Happening::Stop => world.ask(Desired::Stopped, false),
        Happening::Delete(volume) => world.ask(Desired::Deleted { volume: *volume }, false),
        Happening::ContainerEnds { over } => world.container_ends(*over),
        Happening::ObjectsVanish => world.seen.objects = Objects::Partial,
        Happening::PodVanishes => world.seen.pod = None,
        Happening::NobodyLooked => world.seen.objects = Objects::Unknown,
        Happening::PodFails(code) => {
            let since = at(world.now);
            if let Some(seen) = &mut world.seen.pod
                && seen.phase == Phase::Pending
            {
                seen.reason = Some(Reason::new(*code, "", since));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn every_reachable_state_leads_to_what_is_desired(happenings in happenings()) {
        let mut world = World::new();
        for happening in &happenings {
            happen(&mut world, happening);
        }
        // From now on nothing goes wrong any more: every step works, the cluster does what it is asked to.
        let mut quiet = 0;
        for round in 0.. {
            prop_assert!(round < 50, "never at rest: {world:?}");
            let before = world.effects;
            let mut steps = 0;
            while world.step(false) {
                world.pass(1);
                steps += 1;
                prop_assert!(steps < 100, "never at rest: {world:?}");
            }
            // Charging goes on for ever; nothing else does.
            quiet = if world.effects == before { quiet + 1 } else { 0 };
            if quiet == 3 {
                break;
            }
            world.pass(400);
        }
        let rate = Money::from_cents(360);
        match &world.pod {
            Some(pod) if pod.desired == Desired::Running => {
                prop_assert_eq!(pod.status, Status::Running, "{:?}", world);
                prop_assert_eq!(&world.seen.objects, &Objects::Complete);
                prop_assert!(pod.meter.from.is_some(), "{:?}", world);
                prop_assert_eq!(world.still_held(), 1);
            }
            Some(pod) => {
                prop_assert_eq!(pod.desired, Desired::Stopped, "{:?}", world);
                prop_assert!(world.seen.is_cleared(), "{:?}", world);
                prop_assert!(matches!(pod.status, Status::Stopped | Status::Error));
                prop_assert_eq!(world.still_held(), 0, "{:?}", world);
            }
            None => prop_assert_eq!(world.still_held(), 0, "{:?}", world),
        }
        // Each settlement rounds to a micro-euro.
        let most = rate.for_seconds(world.ran) + Money::from_micros(500);
        prop_assert!(world.charged_for_running() <= most, "charged {} for {} s: {:?}", world.charged(), world.ran, world);
        prop_assert!(!world.overlap(), "{:?}", world);
        if let Some(pod) = &world.pod {
            prop_assert_eq!(pod.charged, world.charged());
        }
    }
}
