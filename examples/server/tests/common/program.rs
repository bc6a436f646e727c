//! The programs of this package. `cargo test` builds its examples too, beside the tests.

use std::path::PathBuf;

/// The path of the example with this name.
pub(crate) fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the place of this test");
    let folder = test.ancestors().nth(2).expect("the folder of the build");
    folder
        .join("examples")
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}
