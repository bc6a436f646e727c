//! Reads the public interface from what rustdoc writes.

use std::{
    collections::BTreeSet,
    env,
    path::Path,
    process::{Command, ExitCode},
};

use anyhow::{Context, Result, ensure};

use crate::workspace::{Package, cargo, target_folder};

/// The variable that tells this program to stand in for the rustdoc that it names.
const STANDS_IN_FOR: &str = "NEUROPOD_XTASK_RUSTDOC";

/// The text of each package, by name: an item a line, sorted.
pub(super) fn interfaces<'a>(packages: &[&'a Package]) -> Result<Vec<(&'a str, String)>> {
    for package in packages {
        check_version(package)?;
    }
    // With the whole workspace Cargo takes the dependencies that it has built for clippy and for the documentation.
    let status = cargo()
        .args([
            "doc",
            "--quiet",
            "--workspace",
            "--lib",
            "--no-deps",
            "--all-features",
        ])
        .env("RUSTDOCFLAGS", "-Z unstable-options --output-format json")
        .env("RUSTDOC", env::current_exe().context("the path of this program")?)
        .env(
            STANDS_IN_FOR,
            env::var_os("RUSTDOC").unwrap_or_else(|| "rustdoc".into()),
        )
        .status()
        .context("cargo doc")?;
    ensure!(status.success(), "cargo doc: {status}");
    let folder = target_folder()?.join("doc");
    packages
        .iter()
        .map(|package| Ok((package.name.as_str(), interface(package, &folder)?)))
        .collect()
}

fn interface(package: &Package, folder: &Path) -> Result<String> {
    let path = folder.join(package.name.replace('-', "_") + ".json");
    // Nearly every type has the traits of blanket implementations and `Send`; `.ci/run semver` sees where one is lost.
    let builder = public_api::Builder::from_rustdoc_json(&path)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true);
    let list = |builder: public_api::Builder| -> Result<Vec<String>> {
        let interface = builder.build().with_context(|| path.display().to_string())?;
        Ok(interface.items().map(ToString::to_string).collect())
    };
    let written = list(builder.clone().omit_auto_derived_impls(true))?;
    Ok(shown(&list(builder)?, &written))
}

/// The lines of `all` that are worth reading. `written` are the lines without derived implementations: of a derived
/// trait the implementation is listed without its methods.
fn shown(all: &[String], written: &[String]) -> String {
    let written: BTreeSet<_> = written.iter().collect();
    let is_shown = |line: &&String| {
        let is_impl = line.starts_with("impl") && !line.contains("::StructuralPartialEq ");
        // Macros, such as those of mockall, use two leading underscores for their internals.
        (is_impl || written.contains(line)) && !line.contains("::__")
    };
    let lines: Vec<&str> = all.iter().filter(is_shown).map(String::as_str).collect();
    lines.join("\n") + "\n"
}

/// The output format of rustdoc changes with nearly every version of Rust, and `public-api` reads one of them.
fn check_version(package: &Package) -> Result<()> {
    let output = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .arg("--version")
        .output()
        .context("rustc --version")?;
    let found = String::from_utf8_lossy(&output.stdout);
    let wanted = package.rust_version.as_deref().unwrap_or_default();
    ensure!(
        found.starts_with(&format!("rustc {wanted}.")),
        "the public interface is read with Rust {wanted}, and this is {}: `cargo +{wanted} xtask api`",
        found.trim()
    );
    Ok(())
}

/// Runs rustdoc with the arguments of this program if it stands in for it. The format is unstable, so rustdoc needs a flag
/// that allows it; if Cargo got the flag, it would rebuild all dependencies.
pub(crate) fn stand_in() -> Result<Option<ExitCode>> {
    let Some(rustdoc) = env::var_os(STANDS_IN_FOR) else {
        return Ok(None);
    };
    let status = Command::new(rustdoc)
        .args(env::args_os().skip(1))
        .env("RUSTC_BOOTSTRAP", "1")
        .status()
        .context("rustdoc")?;
    Ok(Some(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }))
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_derived_trait_is_a_line_and_what_macros_keep_to_themselves_is_none() {
        let lines = |text: &[&str]| text.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let all = lines(&[
            "pub mod a::__mock_A",
            "pub struct a::A",
            "impl a::A",
            "pub fn a::A::new() -> a::A",
            "impl core::clone::Clone for a::A",
            "pub fn a::A::clone(&self) -> a::A",
            "impl core::marker::StructuralPartialEq for a::A",
        ]);
        assert_eq!(
            shown(&all, &all[..4]),
            "pub struct a::A\nimpl a::A\npub fn a::A::new() -> a::A\nimpl core::clone::Clone for a::A\n"
        );
    }
}
