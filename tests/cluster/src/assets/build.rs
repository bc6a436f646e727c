//! Builds servers with Go from the modules under `tools/`.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::{
    go::go,
    program::Program,
    recipe::{Recipe, VersionFlags},
};
use crate::{
    cache, command,
    error::{Error, Result},
};

/// The built `program` of the cache.
pub(super) fn cached(program: Program) -> Result<PathBuf> {
    let recipe = Recipe::of(program);
    let version = version(&recipe);
    let name = format!(
        "bin/{}-{version}{}-{}",
        program.name(),
        ours(&recipe),
        std::env::consts::ARCH
    );
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
        build(&recipe, version, target)
    })
}

fn build(recipe: &Recipe, version: &str, target: &Path) -> Result<()> {
    let mut command = go_build(recipe, version, target);
    let Some(patch) = &recipe.patch else {
        return command::run(command.arg(recipe.package)).map(drop);
    };
    let patched = patch.apply(recipe.folder, recipe.go_mod, target)?;
    command.arg("-modfile").arg(patched.go_mod()).arg(recipe.package);
    command::run(&mut command)?;
    patched.remove()
}

/// Distinguishes builds of the same version, because our own part of them may change.
fn ours(recipe: &Recipe) -> String {
    let patch = recipe.patch.as_ref().map(|patch| format!("-{}", patch.digest()));
    let own = || HEXLOWER.encode(&Sha256::digest(recipe.own)[..4]);
    let own = (patch.is_some() || !recipe.own.is_empty()).then(|| format!("-{}", own()));
    [patch, own].into_iter().flatten().collect()
}

fn go_build(recipe: &Recipe, version: &str, target: &Path) -> Command {
    let flags = match recipe.version {
        VersionFlags::None => "-s -w".to_owned(),
        VersionFlags::Kubernetes => version_flags(version),
    };
    let mut command = go(recipe.folder);
    command
        .env("CGO_ENABLED", "0")
        .args(["build", "-mod=readonly", "-trimpath", "-ldflags", &flags, "-o"])
        .arg(target);
    command
}

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
fn version(recipe: &Recipe) -> &'static str {
    pinned(recipe.go_mod, recipe.module).unwrap_or("unknown")
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
        for (program, release) in [
            (Program::Kubelet, "v1.34."),
            (Program::Etcd, "v3."),
            (Program::FerretDb, "v1."),
            (Program::KubeRouter, "v2.1.0"),
            (Program::MetricsServer, "v0.8.0"),
            (Program::Traefik, "v3.7.13"),
        ] {
            let found = version(&Recipe::of(program));
            assert!(found.starts_with(release), "{program:?}: {found}");
        }
    }

    #[test]
    fn a_change_of_ours_is_another_build() {
        for program in [Program::FerretDb, Program::KubeRouter] {
            let recipe = Recipe::of(program);
            let other = Recipe {
                own: "other",
                ..recipe
            };
            assert_ne!(ours(&recipe), ours(&other), "{program:?}");
        }
        assert_eq!(ours(&Recipe::of(Program::Kubelet)), "");
    }

    #[test]
    fn the_servers_report_their_version() {
        assert!(version_flags("v1.34.4").contains("-X k8s.io/component-base/version.gitMinor=34"));
    }
}
