//! Runs the fuzz targets with the inputs in `fuzz/corpus`, and with copies of them that are cut or have flipped bits.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use fastrand::Rng;
use neuropod_fuzz_targets::TARGETS;

/// Of each input, this many copies are cut and this many have flipped bits.
const DAMAGED: usize = 60;
/// The damage is the same in every run.
const SEED: u64 = 0x6e65_7572_6f70_6f64;

/// Runs a target with each input of its corpus, and with damaged copies.
fn run(name: &str) {
    let (_, target) = TARGETS.iter().find(|(target, _)| *target == name).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(name);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 3, "{} inputs in {}", files.len(), folder.display());
    let mut random = Rng::with_seed(SEED);
    for file in files {
        let input = fs::read(&file).unwrap();
        for damaged in [input.clone(), Vec::new()]
            .into_iter()
            .chain(damage(&input, &mut random))
        {
            let outcome = catch_unwind(AssertUnwindSafe(|| target(&damaged)));
            assert!(
                outcome.is_ok(),
                "{name} fails with an input made of {}: {:?}",
                file.display(),
                String::from_utf8_lossy(&damaged)
            );
        }
    }
}

fn damage(input: &[u8], random: &mut Rng) -> Vec<Vec<u8>> {
    let mut damaged = Vec::new();
    if input.is_empty() {
        return damaged;
    }
    for _ in 0..DAMAGED {
        damaged.push(input[..random.usize(..input.len())].to_vec());
        let mut flipped = input.to_vec();
        for _ in 0..random.usize(1..4) {
            let place = random.usize(..flipped.len());
            flipped[place] ^= 1 << random.u8(..8);
        }
        damaged.push(flipped);
    }
    damaged
}

macro_rules! corpus_tests {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            run(stringify!($name));
        })*

        #[test]
        fn every_target_has_a_test_and_a_program_for_cargo_fuzz() {
            let tests = [$(stringify!($name)),*];
            let targets = TARGETS.map(|(name, _)| name);
            assert_eq!(targets, tests);
            let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
            let text = fs::read_to_string(manifest.join("Cargo.toml")).unwrap();
            for name in targets {
                assert!(manifest.join(format!("fuzz_targets/{name}.rs")).is_file(), "{name}");
                assert!(text.contains(&format!("name = \"{name}\"")), "{name}");
            }
        }
    };
}

corpus_tests! {
    exporter_text
    images
    names
    partial_objects
    quantities
    request_bodies
    token_lines
    watch_lines
}
