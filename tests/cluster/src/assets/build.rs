//! Builds servers with Go from the modules under `tools/`.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::{Program, source};
use crate::{
    cache, command,
    error::{Error, Result},
};

const KUBERNETES: &str = "k8s.io/kubernetes";
const ETCD: &str = "go.etcd.io/etcd/server/v3";
const FERRETDB: &str = "github.com/FerretDB/FerretDB";
const FERRETDB_MAIN: &str = include_str!("../../tools/ferretdb/main.go");

/// The built `program` of the cache.
pub(super) fn cached(program: Program) -> Result<PathBuf> {
    let version = version(program);
    // Our part of it counts too.
    let built = match program {
        Program::FerretDb => format!(
            "{version}-{}",
            HEXLOWER.encode(&Sha256::digest(FERRETDB_MAIN)[..6])
        ),
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
        command::run(&mut go_build(program, version, target)).map(drop)
    })
}

fn go_build(program: Program, version: &str, target: &Path) -> Command {
    let (module, package, flags) = match program {
        Program::Etcd => ("tools/etcd", ETCD.to_owned(), "-s -w".to_owned()),
        Program::FerretDb => ("tools/ferretdb", ".".to_owned(), "-s -w".to_owned()),
        _ => (
            "tools",
            format!("{KUBERNETES}/cmd/{}", program.name()),
            version_flags(version),
        ),
    };
    let mut command = Command::new("go");
    command
        .current_dir(source(module))
        .env("CGO_ENABLED", "0")
        // A workspace file or flags of the user's own must not change what is built.
        .env("GOWORK", "off")
        .args(["build", "-mod=readonly", "-trimpath", "-ldflags", &flags, "-o"])
        .arg(target)
        .arg(package);
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
        Program::FerretDb => (include_str!("../../tools/ferretdb/go.mod"), FERRETDB),
        _ => (include_str!("../../tools/go.mod"), KUBERNETES),
    };
    pinned(file, module).unwrap_or("unknown")
}

fn pinned<'a>(file: &'a str, module: &str) -> Option<&'a str> {
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
