//! Builds every package with each of its features alone.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::cargo;

/// Fails at the first package and feature that do not build together.
pub(crate) fn check() -> Result<()> {
    let output = cargo()
        .args(["metadata", "--no-deps", "--format-version=1"])
        .output()
        .context("cargo metadata")?;
    ensure!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).context("what cargo metadata prints")?;
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let features = package["features"]
            .as_object()
            .into_iter()
            .flat_map(|features| features.keys());
        // The first is no feature at all.
        for feature in [""].into_iter().chain(features.map(String::as_str)) {
            println!(
                "{name} with {}",
                if feature.is_empty() { "no feature" } else { feature }
            );
            let status = cargo()
                .args([
                    "check",
                    "--quiet",
                    "--package",
                    name,
                    "--no-default-features",
                    "--features",
                    feature,
                ])
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
