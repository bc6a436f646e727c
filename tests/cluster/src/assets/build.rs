//! Builds servers with Go from the modules under `tools/`.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::{Program, ferretdb, source};
use crate::{
    cache, command,
    error::{Error, Result},
};

const KUBERNETES: &str = "k8s.io/kubernetes";
const ETCD: &str = "go.etcd.io/etcd/server/v3";

/// The built `program` of the cache.
pub(super) fn cached(program: Program) -> Result<PathBuf> {
    let version = version(program);
    // Our part of it counts too.
    let built = match program {
        Program::FerretDb => format!("{version}-{}", ferretdb::digest()),
        _ => version.to_owned(),
    };
    let name = format!("bin/{}-{built}-{}", program.name(), std::env::consts::ARCH);
    cache::get_or_make(&name, |target| {
        if !command::exists("go") {
            return Err(Error::Unavailable(format!(
                "no {} in KUBEBUILDER_ASSETS or the cache, and no `go` to build it",
                program.name()
            )));
        }
        eprintln!(
            "building {} {version} (once; it is kept in the cache)",
            program.name()
        );
        let mut command = go_build(program, version, target);
        if program != Program::FerretDb {
            return command::run(command.arg(package(program))).map(drop);
        }
        let mended = ferretdb::mend(target)?;
        command.arg("-modfile").arg(mended.go_mod()).arg(package(program));
        command::run(&mut command)?;
        mended.remove()
    })
}

fn go_build(program: Program, version: &str, target: &Path) -> Command {
    let (module, flags) = match program {
        Program::Etcd => ("tools/etcd", "-s -w".to_owned()),
        Program::FerretDb => (ferretdb::TOOL, "-s -w".to_owned()),
        _ => ("tools", version_flags(version)),
    };
    let mut command = go(module);
    command
        .env("CGO_ENABLED", "0")
        .args(["build", "-mod=readonly", "-trimpath", "-ldflags", &flags, "-o"])
        .arg(target);
    command
}

fn package(program: Program) -> String {
    match program {
        Program::Etcd => ETCD.to_owned(),
        Program::FerretDb => ".".to_owned(),
        _ => format!("{KUBERNETES}/cmd/{}", program.name()),
    }
}

/// The program `go` in the folder of a module of ours.
pub(super) fn go(module: &str) -> Command {
    let mut command = Command::new("go");
    command
        .current_dir(source(module))
        // A workspace file of the user's own must not change what is built.
        .env("GOWORK", "off");
    command
}

/// Without these the servers report `v0.0.0-master`, and clients that compare versions are misled.
fn version_flags(version: &str) -> String {
    let minor = version.split('.').nth(1).unwrap_or_default();
    let values = [
        ("gitVersion", version),
        ("gitMajor", "1"),
        ("gitMinor", minor),
        ("gitTreeState", "clean"),
    ];
    let mut flags = "-s -w".to_owned();
    for (name, value) in values {
        for package in ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"] {
            flags.extend([" -X ", package, ".", name, "=", value]);
        }
    }
    flags
}

/// The version that the Go module pins.
fn version(program: Program) -> &'static str {
    let (file, module) = match program {
        Program::Etcd => (include_str!("../../tools/etcd/go.mod"), ETCD),
        Program::FerretDb => (ferretdb::GO_MOD, ferretdb::MODULE),
        _ => (include_str!("../../tools/go.mod"), KUBERNETES),
    };
    pinned(file, module).unwrap_or("unknown")
}

pub(super) fn pinned<'a>(file: &'a str, module: &str) -> Option<&'a str> {
    file.lines().find_map(|line| {
        let mut words = line
            .trim_start()
            .trim_start_matches("require ")
            .split_whitespace();
        (words.next() == Some(module))
            .then(|| words.next())
            .flatten()
            .filter(|word| word.starts_with('v'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_modules_pin_a_release() {
        assert!(version(Program::Kubelet).starts_with("v1.34."));
        assert!(version(Program::Etcd).starts_with("v3."));
        assert!(version(Program::FerretDb).starts_with("v1."));
    }

    #[test]
    fn the_servers_report_their_version() {
        assert!(version_flags("v1.34.4").contains("-X k8s.io/component-base/version.gitMinor=34"));
    }
}
