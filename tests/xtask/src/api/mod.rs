//! Keeps the public interface of the published packages as text files, so that a change of it shows in a review.

mod diff;
mod rustdoc;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::Args;

use self::diff::diff;
pub(crate) use self::rustdoc::stand_in;
use crate::workspace::{packages, root};

/// The folder of the files, from the root.
const FOLDER: &str = "docs/api";

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Write the files instead of comparing with them
    #[arg(long)]
    update: bool,
}

/// Fails if the files differ from the interfaces of the packages, and prints the difference.
pub(crate) fn check(options: &Options) -> Result<()> {
    let packages = packages()?;
    let published: Vec<_> = packages.iter().filter(|package| package.is_published()).collect();
    let mut expected = BTreeMap::new();
    for (package, text) in rustdoc::interfaces(&published)? {
        expected.insert(format!("{package}.txt"), text);
    }
    let folder = root().join(FOLDER);
    if options.update {
        write(&folder, &expected)
    } else {
        compare(&folder, &expected)
    }
}

fn write(folder: &Path, expected: &BTreeMap<String, String>) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for name in present(folder)? {
        if !expected.contains_key(&name) {
            fs::remove_file(folder.join(&name)).context(name)?;
        }
    }
    for (name, text) in expected {
        fs::write(folder.join(name), text).with_context(|| name.clone())?;
    }
    Ok(())
}

fn compare(folder: &Path, expected: &BTreeMap<String, String>) -> Result<()> {
    let mut differ = false;
    for name in present(folder)? {
        if !expected.contains_key(&name) {
            println!("{FOLDER}/{name} is of no published package");
            differ = true;
        }
    }
    for (name, text) in expected {
        let path = folder.join(name);
        let kept = if path.exists() {
            fs::read_to_string(&path).with_context(|| name.clone())?
        } else {
            String::new()
        };
        let lines = diff(&kept, text);
        if !lines.is_empty() {
            println!("{FOLDER}/{name}:\n{}", lines.join("\n"));
            differ = true;
        }
    }
    if differ {
        bail!(
            "the public interface is not what {FOLDER} says; if that is meant, `cargo xtask api --update` writes it"
        );
    }
    Ok(())
}

/// The names of the files that are there.
fn present(folder: &Path) -> Result<Vec<String>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut names = Vec::new();
    for entry in entries {
        let path: PathBuf = entry.context(FOLDER)?.path();
        let is_text = path.extension().is_some_and(|extension| extension == "txt");
        names.extend(
            path.file_name()
                .filter(|_| is_text)
                .map(|name| name.to_string_lossy().into_owned()),
        );
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        files.iter().map(owned).collect()
    }

    #[test]
    fn what_was_written_is_what_is_expected_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("api");
        let first = expected(&[("a.txt", "pub fn a::f()\n"), ("b.txt", "pub mod b\n")]);
        compare(&folder, &first).unwrap_err();
        write(&folder, &first).unwrap();
        compare(&folder, &first).unwrap();

        let changed = expected(&[("a.txt", "pub fn a::g()\n"), ("b.txt", "pub mod b\n")]);
        compare(&folder, &changed).unwrap_err();
        let fewer = expected(&[("a.txt", "pub fn a::f()\n")]);
        compare(&folder, &fewer).unwrap_err();
        write(&folder, &fewer).unwrap();
        compare(&folder, &fewer).unwrap();
        assert_eq!(present(&folder).unwrap(), ["a.txt"]);
    }
}
