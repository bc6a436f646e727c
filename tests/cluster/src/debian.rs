//! Packages of Debian.

use std::{fs, path::Path, process::Command};

use crate::{
    command,
    error::{IoContext, Result},
};

/// Installs `packages` so that none of them starts a server of its own; by root only.
///
/// Whether a service may be started is asked of a policy, see invoke-rc.d(8). The package of PostgreSQL also makes the files
/// of a server, unless a configuration of its own says no, see `pg_createcluster(8)`.
pub(crate) fn install_without_services(packages: &[&str]) -> Result<()> {
    const POLICY: &str = "/usr/sbin/policy-rc.d";
    const CLUSTERS: &str = "/etc/postgresql-common/createcluster.d";
    let (policy, clusters) = (Path::new(POLICY), Path::new(CLUSTERS));
    fs::create_dir_all(clusters).at_path(clusters)?;
    let mut files = vec![(
        clusters.join("neuropod-test.conf"),
        "create_main_cluster = false\n",
    )];
    if !policy.exists() {
        files.push((policy.to_owned(), "#!/bin/sh\nexit 101\n"));
    }
    let write = || {
        for (path, text) in &files {
            fs::write(path, text).at_path(path)?;
        }
        command::run(Command::new("chmod").args(["755", POLICY]))
    };
    let result = write().and_then(|_| install(packages));
    // The machine is as it was, but for the packages.
    for (path, _) in &files {
        fs::remove_file(path).at_path(path)?;
    }
    result
}

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
