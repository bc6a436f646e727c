//! What a node needs of the machine.

use std::{fs, path::Path, process::Command};

use super::config::CNI_PLUGINS;
use crate::{
    command,
    data_dir::require_linux,
    error::{Error, Result},
};

/// Programs and the Debian packages they are in.
const PROGRAMS: [(&str, &str); 9] = [
    ("busybox", "busybox-static"),
    ("containerd", "containerd"),
    ("ctr", "containerd"),
    ("debootstrap", "debootstrap"),
    ("ip", "iproute2"),
    ("iptables", "iptables"),
    ("mount", "mount"),
    ("nsenter", "util-linux"),
    ("runc", "runc"),
];

/// Whether a node can be started here, and if not, what is missing.
pub(crate) fn check() -> Result<()> {
    require_root()?;
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::Unavailable(format!(
        "a node needs the Debian packages {}: install them, or run `cargo xtask test`, which does",
        missing.join(", ")
    )))
}

/// Installs what is missing, where that is possible.
pub(crate) fn install() -> Result<()> {
    require_root()?;
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    if !command::exists("apt-get") {
        return check();
    }
    eprintln!("installing {}", missing.join(", "));
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
    apt(&[
        &["install", "--yes", "--no-install-recommends"],
        missing.as_slice(),
    ]
    .concat())?;
    check()
}

fn require_root() -> Result<()> {
    require_linux()?;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let user = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .unwrap_or_default();
    if user.split_whitespace().nth(1) == Some("0") {
        return Ok(());
    }
    Err(Error::Unavailable("a node can be started by root only".into()))
}

fn missing() -> Vec<&'static str> {
    let mut packages: Vec<_> = PROGRAMS
        .into_iter()
        .filter_map(|(program, package)| (!command::exists(program)).then_some(package))
        .collect();
    if !Path::new(CNI_PLUGINS).join("bridge").exists() {
        packages.push("containernetworking-plugins");
    }
    packages.sort_unstable();
    packages.dedup();
    packages
}
