//! Runs an example as a separate program.

use std::path::PathBuf;
use std::process::Command;

/// The output of an example, which must succeed.
pub(crate) fn output(name: &str, arguments: &[&str]) -> String {
    let output = Command::new(program(name))
        .args(arguments)
        .output()
        .unwrap_or_else(|error| {
            panic!("{error}: `cargo build --examples` builds {name} where only this test was built")
        });
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{name}: {printed}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    printed
}

/// `cargo test` builds the examples too, beside the test programs.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.ancestors().nth(2).unwrap();
    folder
        .join("examples")
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}
