//! Builds every package that others can use with each of its features alone.

use anyhow::{Context, Result, ensure};

use crate::workspace::{Package, cargo, packages};

/// Fails at the first package and feature that do not build together.
pub(crate) fn check() -> Result<()> {
    // A package of ours without features has no users that choose any.
    let is_used =
        |package: &Package| package.is_published() || package.features.keys().any(|name| name != "default");
    for package in packages()?.into_iter().filter(is_used) {
        let features = package.features.keys().filter(|feature| *feature != "default");
        // The first is no feature at all.
        for feature in [""].into_iter().chain(features.map(String::as_str)) {
            let name = &package.name;
            println!(
                "{name} with {}",
                if feature.is_empty() { "no feature" } else { feature }
            );
            let status = cargo()
                .args(["check", "--quiet", "--no-default-features", "--package", name])
                .args(["--features", feature])
                .status()
                .context("cargo check")?;
            ensure!(
                status.success(),
                "{name} does not build with the feature `{feature}` alone"
            );
        }
    }
    Ok(())
}
