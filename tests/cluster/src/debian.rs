//! Packages of Debian.

use std::process::Command;

use crate::{command, error::Result};

/// Installs `packages`; by root only.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    eprintln!("installing {}", packages.join(", "));
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["-qq", "-o", "DPkg::Lock::Timeout=300"]);
        command::run(command.args(arguments)).map(drop)
    };
    // One list that can't be fetched does not matter if the packages are found in another.
    if let Err(error) = apt(&["update"]) {
        eprintln!("warning: {error}");
    }
    apt(&[&["install", "--yes", "--no-install-recommends"], packages].concat())
}
