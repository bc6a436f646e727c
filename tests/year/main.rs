//! Many pods of many people on a cluster where anything may happen, driven by platforms that start, fail and
//! stop. The accounts are right at every step, and after all faults are healed, everything is as its owners
//! requested, and paid as it ran.
//!
//! `NEUROPOD_TEST_SEEDS` sets the number of seeds, `NEUROPOD_TEST_SEED` repeats one. A failure names its seed
//! and its step.
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

/// The size of a run.
#[derive(Debug)]
struct Size {
    /// Its duration, in simulated time.
    time: Duration,
    /// The number of people who arrive in that time.
    people: usize,
    /// The number of pods that they create.
    pods: usize,
    /// The approximate number of simultaneous pods.
    at_a_time: usize,
    /// The longest time without any action.
    pause: Duration,
    /// The approximate number of steps before everything is healed and checked.
    rest: u32,
    /// The minimum number of seeds, and the time in which more are tried.
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
    // The platforms draw random numbers for their pauses, all in this thread.
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

/// Notifies the other threads that one has failed.
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
fn after_a_day_of_trouble_everything_is_as_requested_and_paid_as_it_ran() {
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
