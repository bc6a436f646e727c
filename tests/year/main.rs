//! Many pods of many people on a cluster where anything may happen, driven by platforms that come, fail and go. At
//! every step the books are right; whenever all is healed, everything is as its owners asked, and paid as it ran.
//!
//! `NEUROPOD_TEST_SEEDS` says how many seeds are tried, `NEUROPOD_TEST_SEED` repeats one. A failure names its seed and its
//! step.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "tests"
)]

mod books;
#[path = "../common/mod.rs"]
mod common;
mod life;
mod pass;
mod people;
mod platforms;
mod rest;
mod trouble;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use life::Lived;
use neuropod_test_cluster::measured;

/// How much of everything.
#[derive(Debug)]
struct Size {
    /// How long it goes on, in the time of the simulation.
    time: Duration,
    /// How many people come in that time.
    people: usize,
    /// How many pods they make.
    pods: usize,
    /// About how many pods there are at a time.
    at_a_time: usize,
    /// The longest time in which nobody does anything.
    pause: Duration,
    /// After about so many steps all is healed, and looked at.
    rest: u32,
    /// At least so many seeds, and as many as fit into this time.
    least: u64,
    enough: Duration,
}

const DAY: Size = Size {
    time: Duration::from_hours(24),
    people: 5,
    pods: 60,
    at_a_time: 15,
    pause: Duration::from_mins(20),
    rest: 100,
    least: 10,
    enough: Duration::from_secs(20),
};

const YEAR: Size = Size {
    time: Duration::from_hours(24 * 365),
    people: 500,
    pods: 2000,
    at_a_time: 14,
    pause: Duration::from_hours(5),
    rest: 90,
    least: 2,
    enough: Duration::from_secs(30),
};

fn number(name: &str) -> Option<u64> {
    Some(std::env::var(name).ok()?.parse().unwrap())
}

fn run(seed: u64, size: &Size) -> Lived {
    // What the platforms draw for their waits, all in this thread.
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let lived = runtime.block_on(life::live(seed, size));
    println!("seed {seed}: {lived}");
    lived
}

/// Lets the other threads know that one has failed.
struct OnPanic<'a>(&'a AtomicBool);

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

fn run_all(size: &Size) {
    if let Some(seed) = number("NEUROPOD_TEST_SEED") {
        run(seed, size);
        return;
    }
    let count = number("NEUROPOD_TEST_SEEDS");
    let started = Instant::now();
    let first: u64 = rand::random::<u32>().into();
    let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let goes_on = |seeds| match count {
        Some(count) => seeds < count,
        None => seeds < size.least || started.elapsed() < size.enough,
    };
    let work = || {
        loop {
            let seeds = next.fetch_add(1, Ordering::Relaxed);
            if failed.load(Ordering::Relaxed) || !goes_on(seeds) {
                return seeds;
            }
            let watched = OnPanic(&failed);
            run(first + seeds, size);
            drop(watched);
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let seeds = next.into_inner();
    measured(format_args!(
        "{:?}: about {seeds} seeds from {first} in {:?}, 0 violations",
        size.time,
        started.elapsed()
    ));
}

#[test]
fn after_a_day_of_trouble_everything_is_as_it_was_asked_for_and_paid_as_it_ran() {
    run_all(&DAY);
}

#[test]
fn in_a_year_of_trouble_the_books_are_always_right() {
    run_all(&YEAR);
}

#[test]
fn a_seed_takes_the_same_course_every_time() {
    let lived = [(); 2].map(|()| run(1, &DAY).to_string());
    assert_eq!(lived[0], lived[1]);
}
