//! Go, and our modules that it builds.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The program `go` in the folder of one of our modules.
pub(super) fn go(module: &str) -> Command {
    let mut command = Command::new("go");
    command
        .current_dir(source(module))
        // A workspace file of the user must not change the build.
        .env("GOWORK", "off");
    command
}

/// The folder of this crate's own files, such as the Go modules.
pub(crate) fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
