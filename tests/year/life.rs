//! The events, step by step.

use std::cell::Cell;
use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;
use neuropod::Money;
use neuropod::clock::Clock;
use neuropod::sim::{GpuPool, Settings};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::sleep;

use crate::Size;
use crate::books::Books;
use crate::common::World;
use crate::pass::pass;
use crate::people::People;
use crate::platforms::Platforms;
use crate::rest::{Rest, records};
use crate::trouble::{self, MOST_DELAY};

/// The age from which on entries are folded: all processes that stood still meanwhile have gone on by then.
const FOLD_AFTER: SignedDuration = SignedDuration::from_hours(48);

/// Prints the position when the test panics.
struct At {
    seed: u64,
    step: Cell<u32>,
}

impl Drop for At {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "this happened with seed {} at step {}",
                self.seed,
                self.step.get()
            );
        }
    }
}

/// The statistics of one seed.
#[derive(Debug)]
pub(crate) struct Lived {
    steps: u32,
    people: usize,
    pods: usize,
    containers: usize,
    rests: u32,
    made_anew: u32,
    unpaid: u32,
    entries: u64,
    folded: u64,
    written_off: Money,
    hours: f64,
    not_charged: f64,
}

impl fmt::Display for Lived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            steps,
            people,
            pods,
            containers,
            rests,
            made_anew,
            unpaid,
            entries,
            folded,
            written_off,
            hours,
            not_charged,
        } = self;
        write!(
            f,
            "{steps} steps, {people} people, {pods} pods, {containers} containers, {rests} rests, {entries} entries, \
             {folded} of them folded, \
             {made_anew} volumes made anew by late calls, {unpaid} times one was gone unpaid, \
             {hours:.0} hours ran, {not_charged:.2} of them not charged, {written_off} EUR written off"
        )
    }
}

/// Runs all events of a seed.
pub(crate) async fn live(seed: u64, size: &Size) -> Lived {
    let at = At {
        seed,
        step: Cell::new(0),
    };
    let mut random = StdRng::seed_from_u64(seed);
    let settings = Settings {
        seed,
        watch_delay: MOST_DELAY.mul_f64(random.random()),
        gpus: vec![GpuPool {
            resource: "nvidia.com/gpu".into(),
            model: None,
            total: 40,
        }],
        // Some clusters report pods alone, and in some the routes take a while to learn of a pod.
        heartbeat: (seed % 4 != 3).then_some(Duration::from_mins(1)),
        route_delay: Duration::from_secs(seed % 2 * 3),
        ..Settings::default()
    };
    let world = World::new(settings).await;
    let mut people = People::new(&mut random);
    let mut platforms = Platforms::new(&mut random);
    let mut books = Books::default();
    let mut rest = Rest::default();
    let started = world.cluster.clock().now();
    loop {
        let passed = world.cluster.clock().now().duration_since(started).as_secs_f64();
        let share = passed / size.time.as_secs_f64();
        if share >= 1.0 {
            break;
        }
        at.step.set(at.step.get() + 1);
        happen(&world, &mut people, &mut platforms, share, size, &mut random).await;
        // Events follow each other closely, or nothing happens for a long time.
        if random.random_range(0..3) > 0 {
            sleep(Duration::from_millis(random.random_range(0..8000))).await;
        } else {
            pass(&world, &platforms, size.pause.mul_f64(random.random())).await;
        }
        let pods = records(&world).await;
        people.learn(&world, &pods);
        books.check(&world, &people, &pods, platforms.blind()).await;
        if random.random_range(0..size.rest) == 0 {
            rest.heal_and_check(&world, &mut people, &mut platforms, &mut books)
                .await;
            rest.is_calm(&world, &platforms, &people, &mut books, size.pause * 2)
                .await;
            books.fold(&world, &people, FOLD_AFTER).await;
            platforms.shut_down();
        }
    }
    rest.heal_and_check(&world, &mut people, &mut platforms, &mut books)
        .await;
    rest.everything_goes(&world, &mut people, &mut platforms, &mut books)
        .await;
    books.fold(&world, &people, SignedDuration::ZERO).await;
    let runs = world.cluster.container_runs();
    let seconds = |run: &neuropod::sim::ContainerHistory| {
        let ended = run.ended_at.unwrap();
        ended.duration_since(run.started_at).as_secs_f64()
    };
    let ran: f64 = runs.iter().map(seconds).sum();
    Lived {
        steps: at.step.get(),
        people: people.all().len(),
        pods: people.made,
        containers: runs.len(),
        rests: rest.taken,
        made_anew: rest.made_anew,
        unpaid: rest.unpaid,
        entries: books.entries,
        folded: books.folded,
        written_off: books.written_off,
        hours: ran / 3600.0,
        not_charged: (ran - books.charged_in_all()) / 3600.0,
    }
}

/// Causes an event, when this share of the time has passed.
async fn happen(
    world: &World,
    people: &mut People,
    platforms: &mut Platforms,
    share: f64,
    size: &Size,
    random: &mut StdRng,
) {
    platforms.come_and_go(world, random);
    let (should, are) = (share_of(size.people, share), people.all().len());
    if are < should || are == 0 {
        people.come(world, &platforms.any(world, random), random).await;
    }
    let few = people.living().count() < size.at_a_time;
    let late = people.made < share_of(size.pods, share);
    match random.random_range(0..20) {
        0 | 1 => people.pay_in(world, random).await,
        2..10 if few && late => {
            people.create(world, &platforms.any(world, random), random).await;
        }
        2..15 => {
            people
                .change(world, &platforms.any(world, random), size.at_a_time, random)
                .await;
        }
        15 => match random.random_range(0..5) {
            0 => People::price(&platforms.any(world, random), random).await,
            1 => {
                people
                    .administer(world, &platforms.any(world, random), random)
                    .await;
            }
            2 if platforms.fail() => platforms.pause(random),
            _ => platforms.set_a_clock(random),
        },
        _ => trouble::happens(world, people.living().cloned(), platforms.fail(), random),
    }
}

/// The expected part of a total by then.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "small numbers"
)]
fn share_of(all: usize, share: f64) -> usize {
    (all as f64 * share).ceil() as usize
}
