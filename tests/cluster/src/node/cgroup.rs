//! The control group that holds a node's pods.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::error::{IoContext, Result};

const ROOT: &str = "/sys/fs/cgroup";

/// Creates the group `name` in the single hierarchy of cgroup v2, or in each hierarchy of v1. The guard process
/// of the node's folder removes it.
pub(super) fn create(name: &str) -> Result<()> {
    for hierarchy in hierarchies()? {
        let group = hierarchy.join(name);
        fs::create_dir_all(&group).at_path(&group)?;
        // In v1 a new group can't use processors or memory until they are assigned.
        for file in ["cpuset.cpus", "cpuset.mems"] {
            let (from, to) = (hierarchy.join(file), group.join(file));
            if let Ok(value) = fs::read(&from) {
                fs::write(&to, value).at_path(&to)?;
            }
        }
    }
    Ok(())
}

fn hierarchies() -> Result<Vec<PathBuf>> {
    let root = Path::new(ROOT);
    if root.join("cgroup.controllers").exists() {
        return Ok(vec![root.to_owned()]);
    }
    let entries = fs::read_dir(root)
        .at_path(root)?
        .flatten()
        .map(|entry| entry.path());
    Ok(entries
        .filter(|path| path.join("cgroup.procs").exists() && !path.is_symlink())
        .collect())
}
