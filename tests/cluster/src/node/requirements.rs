//! The requirements of a node on the machine.

use std::path::Path;

use super::config::CNI_PLUGINS;
use crate::{
    command,
    data_dir::{is_root, require_linux},
    debian,
    error::{Error, Result},
};

/// Programs and their Debian packages.
const PROGRAMS: [(&str, &str); 10] = [
    ("busybox", "busybox-static"),
    ("containerd", "containerd"),
    ("ctr", "containerd"),
    ("debootstrap", "debootstrap"),
    ("ip", "iproute2"),
    // Network policies are sets of addresses in the kernel.
    ("ipset", "ipset"),
    ("iptables", "iptables"),
    ("mount", "mount"),
    ("nsenter", "util-linux"),
    ("runc", "runc"),
];

/// Checks whether a node can be started here; an error lists what is missing.
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

/// Installs missing requirements, if possible.
pub(crate) fn install() -> Result<()> {
    require_root()?;
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    if !command::exists("apt-get") {
        return check();
    }
    debian::install(&missing)?;
    check()
}

fn require_root() -> Result<()> {
    require_linux()?;
    if is_root() {
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
