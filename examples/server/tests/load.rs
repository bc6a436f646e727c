//! Nothing is lost or fails under load. `cargo run --release --example load` measures the speed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "tests"
)]

#[path = "common/program.rs"]
mod program;

use std::process::Command;

#[test]
fn every_client_ends_with_the_last_state_and_no_request_fails() {
    let output = Command::new(program::program("load"))
        .args([
            "--clients",
            "200",
            "--changes",
            "40",
            "--requests",
            "100",
            "--seconds",
            "5",
        ])
        .output()
        .expect("the example; `cargo build --example load` where only this test was built");
    let report = String::from_utf8_lossy(&output.stdout);
    println!("{report}");
    assert!(
        output.status.success(),
        "{report}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
