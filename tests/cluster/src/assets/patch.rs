//! Modules with a change of ours: a modified copy replaces the module.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::go::{go, source};
use crate::{
    command,
    error::{IoContext, Result},
};

/// A change to a module.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patch {
    /// The module.
    pub(super) module: &'static str,
    /// Files that are added or replaced: their paths in the module, and their contents.
    pub(super) files: &'static [(&'static str, &'static str)],
    /// A file, the original text, and its replacement.
    pub(super) changes: &'static [[&'static str; 3]],
}

/// A modified copy of a module, and the `go.mod` that replaces the module by it.
pub(super) struct Patched(PathBuf);

impl Patch {
    /// Distinguishes builds of the same version.
    pub(super) fn digest(&self) -> String {
        let Self {
            module,
            files,
            changes,
        } = self;
        let files: String = files.iter().flat_map(|(path, text)| [*path, *text]).collect();
        let all = (*module).to_owned() + &files + &changes.concat().concat();
        HEXLOWER.encode(&Sha256::digest(all)[..6])
    }

    /// Creates a modified copy of the module beside `target`. `tool` is the folder of our Go module that uses
    /// it, and `go_mod` its `go.mod`.
    pub(super) fn apply(&self, tool: &str, go_mod: &str, target: &Path) -> Result<Patched> {
        command::run(go(tool).args(["mod", "download", self.module]))?;
        let original = command::run(go(tool).args(["list", "-m", "-f", "{{.Dir}}", self.module]))?;
        let copy = Patched(target.with_extension("source"));
        if copy.0.exists() {
            // Its build was interrupted.
            copy.remove()?;
        }
        // The files of the module cache are read-only.
        let mut copying = Command::new("cp");
        copying
            .args(["-R", "--no-preserve=mode", original.trim()])
            .arg(&copy.0);
        command::run(&mut copying)?;
        for (file, text) in self.files {
            let path = copy.0.join(file);
            fs::write(&path, text).at_path(&path)?;
        }
        for [file, from, to] in self.changes {
            let path = copy.0.join(file);
            let text = fs::read_to_string(&path).at_path(&path)?;
            if !text.contains(from) {
                return Err(io::Error::other(format!("this {} has no {from:?}", self.module))).at_path(&path);
            }
            fs::write(&path, text.replace(from, to)).at_path(&path)?;
        }
        let changed = copy.go_mod();
        let replace = format!("{go_mod}\nreplace {} => {}\n", self.module, copy.0.display());
        fs::write(&changed, replace).at_path(&changed)?;
        let sums = source(tool).join("go.sum");
        fs::copy(&sums, changed.with_extension("sum")).at_path(&sums)?;
        Ok(copy)
    }
}

impl Patched {
    /// A `go.mod` that replaces the module by the copy.
    pub(super) fn go_mod(&self) -> PathBuf {
        self.0.join("tool.mod")
    }

    pub(super) fn remove(&self) -> Result<()> {
        fs::remove_dir_all(&self.0).at_path(&self.0)
    }
}
