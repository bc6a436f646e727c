//! FerretDB with its indexes in use.
//!
//! FerretDB 1 on SQLite makes indexes, and asks for `_id` by another expression than that of its index, and for nothing
//! else at all: for nearly every command it reads and decodes the whole collection. What it answers is the same when it
//! reads less, as it applies the whole filter to whatever it has read.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::{build::go, source};
use crate::{
    command,
    error::{IoContext, Result},
};

/// The module that is built.
pub(super) const TOOL: &str = "tools/ferretdb";
/// The module that it uses.
pub(super) const MODULE: &str = "github.com/FerretDB/FerretDB";
pub(super) const GO_MOD: &str = include_str!("../../tools/ferretdb/go.mod");
const MAIN: &str = include_str!("../../tools/ferretdb/main.go");

/// The file that is added.
const NARROW: &str = include_str!("../../tools/ferretdb/sqlite/narrow.go");
const NARROW_FILE: &str = "internal/backends/sqlite/narrow.go";
/// What is changed: a file, what stands there, and what is to stand there.
const CHANGES: [[&str; 3]; 2] = [
    [
        "internal/backends/sqlite/metadata/metadata.go",
        r#"IDColumn = DefaultColumn + "->'$._id'""#,
        r#"IDColumn = DefaultColumn + "->'_id'""#,
    ],
    [
        "internal/backends/sqlite/collection.go",
        "\tq += whereClause\n",
        "\twhereClause, args = narrow(params.Filter)\n\tq += whereClause\n",
    ],
];

/// What tells builds apart, besides the version.
pub(super) fn digest() -> String {
    let ours = CHANGES.concat().concat() + NARROW + MAIN;
    HEXLOWER.encode(&Sha256::digest(ours)[..6])
}

/// A copy of the module, changed.
pub(super) struct Mended(PathBuf);

/// Makes a changed copy of the module beside `target`.
pub(super) fn mend(target: &Path) -> Result<Mended> {
    command::run(go(TOOL).args(["mod", "download", MODULE]))?;
    let original = command::run(go(TOOL).args(["list", "-m", "-f", "{{.Dir}}", MODULE]))?;
    let copy = Mended(target.with_extension("source"));
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
    let added = copy.0.join(NARROW_FILE);
    fs::write(&added, NARROW).at(&added)?;
    for [file, from, to] in CHANGES {
        let path = copy.0.join(file);
        let text = fs::read_to_string(&path).at(&path)?;
        if !text.contains(from) {
            return Err(io::Error::other(format!("this FerretDB has no {from:?}"))).at(&path);
        }
        fs::write(&path, text.replace(from, to)).at(&path)?;
    }
    let go_mod = copy.go_mod();
    let replace = format!("{GO_MOD}\nreplace {MODULE} => {}\n", copy.0.display());
    fs::write(&go_mod, replace).at(&go_mod)?;
    let sums = source(TOOL).join("go.sum");
    fs::copy(&sums, go_mod.with_extension("sum")).at(&sums)?;
    Ok(copy)
}

impl Mended {
    /// A `go.mod` of ours that has it in the place of the module.
    pub(super) fn go_mod(&self) -> PathBuf {
        self.0.join("tool.mod")
    }

    pub(super) fn remove(&self) -> Result<()> {
        fs::remove_dir_all(&self.0).at(&self.0)
    }
}
