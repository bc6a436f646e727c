//! The example that the README begins with, as a program of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::path::PathBuf;
use std::process::Command;

use neuropod_test_cluster::measured;

/// `cargo test` builds the examples too, beside the test programs.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.ancestors().nth(2).unwrap();
    folder
        .join("examples")
        .join(format!("quickstart{}", std::env::consts::EXE_SUFFIX))
}

#[test]
fn it_tells_the_whole_story_on_the_simulated_cluster() {
    let output = Command::new(program())
        .output()
        .expect("the example; `cargo build --example quickstart` where only this test was built");
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{told}");
    let mut lines = told.lines();
    for step in [
        "created: ",
        "creating (PullingImage)",
        "running (Ready)",
        "Jupyter Lab: https://quickstart-",
        "the end of its log:",
        "stopped (Stopped)",
        "starting it again",
        "running (Ready)",
        "deleting it, with its volume",
        "0.00 are held",
    ] {
        assert!(
            lines.any(|line| line.contains(step)),
            "no {step:?} in its turn: {told}"
        );
    }
    let addresses = told
        .lines()
        .filter_map(|line| line.split_once("?token="))
        .filter(|(line, _)| line.contains("https://"));
    let tokens: Vec<_> = addresses.map(|(_, token)| token).collect();
    assert_eq!(tokens.len(), 2);
    assert_ne!(tokens[0], tokens[1], "a new run has a new token");
    let seconds = told.lines().last().unwrap().split_whitespace().next().unwrap();
    measured(format_args!("the quickstart took {seconds} s"));
}
