//! The cache of slow builds: servers and image archives.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
};

use crate::error::{Error, IoContext, Result};

/// The folder that outlives a run: `$NEUROPOD_TEST_CACHE`, else `neuropod-test` in the user's cache folder.
pub fn folder() -> Result<PathBuf> {
    let folder = env::var_os("NEUROPOD_TEST_CACHE")
        .map(PathBuf::from)
        .or_else(|| env::var_os("XDG_CACHE_HOME").map(|cache| PathBuf::from(cache).join("neuropod-test")))
        .or_else(|| env::home_dir().map(|home| home.join(".cache/neuropod-test")))
        .ok_or_else(|| {
            Error::Unavailable("no cache folder: set NEUROPOD_TEST_CACHE, XDG_CACHE_HOME or HOME".into())
        })?;
    fs::create_dir_all(&folder).at_path(&folder)?;
    Ok(folder)
}

/// The file `name` in the cache. If it is missing, `make` writes it to a path beside it, which gets the final
/// name only once `make` has succeeded, so an interrupted run leaves no incomplete file. A second process that
/// needs the same file waits for the first.
pub(crate) fn get_or_make(name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let path = folder()?.join(name);
    if path.exists() {
        return Ok(path);
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).at_path(parent)?;
    }
    let lock_path = path.with_added_extension("lock");
    let lock = File::create(&lock_path).at_path(&lock_path)?;
    lock.lock().at_path(&lock_path)?;
    if path.exists() {
        return Ok(path);
    }
    let part = path.with_added_extension("part");
    make(&part)?;
    fs::rename(&part, &path).at_path(&path)?;
    Ok(path)
}
