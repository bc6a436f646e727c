//! The file under its name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use neuropod_core::Result;
use tempfile::NamedTempFile;

use super::failure;

/// A file that was opened.
pub(super) struct File {
    path: PathBuf,
    identity: Option<Identity>,
}

impl File {
    pub(super) fn at(path: &Path) -> Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            identity: identity(path)?,
        })
    }

    /// Fails where the file has lost its name: it takes writes that are gone with the process. Asked before a write,
    /// so that there are none, and after it, so that only what is in the right file is acknowledged.
    pub(super) fn check(&self) -> Result<()> {
        if identity(&self.path)? == self.identity {
            Ok(())
        } else {
            Err(failure::moved())
        }
    }
}

/// Makes the file where it is missing, for its owner alone. SQLite gives those beside it the same rights.
pub(super) fn make(path: &Path) -> Result<()> {
    if path.try_exists().map_err(failure::not_made)? {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(path);
    // Closed before it has its name: to close a database that is open elsewhere in the process would end its locks.
    let made = NamedTempFile::new_in(folder)
        .map_err(failure::not_made)?
        .into_temp_path();
    match made.persist_noclobber(path) {
        Ok(()) => Ok(()),
        // Another process was quicker.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failure::not_made(error.error)),
    }
}

/// Takes the file, and those beside it, from everybody but its owner, where everybody could read it: so they were made
/// before this library saw to it. Rights of a group alone somebody has given on purpose; they stay.
#[cfg(unix)]
pub(super) fn only_for_owner(path: &Path) {
    use std::os::unix::fs::PermissionsExt;

    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut file = path.as_os_str().to_owned();
        file.push(suffix);
        let is_for_all = fs::metadata(&file).is_ok_and(|found| found.permissions().mode() & 0o007 != 0);
        if is_for_all {
            let changed = fs::set_permissions(&file, fs::Permissions::from_mode(0o600));
            let file = Path::new(&file).display();
            match changed {
                Ok(()) => {
                    tracing::warn!(%file, "everybody could read this file of the database: now its owner alone can");
                }
                Err(error) => tracing::warn!(%file, %error, "everybody can read this file of the database"),
            }
        }
    }
}

/// Elsewhere a file has the rights of its folder.
#[cfg(not(unix))]
pub(super) fn only_for_owner(_: &Path) {}

/// What tells one file from another of the same name: device and inode.
#[cfg(unix)]
type Identity = (u64, u64);

#[cfg(unix)]
fn identity_of(file: &fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (file.dev(), file.ino())
}

/// Windows lets nobody remove or replace a database that is open.
#[cfg(not(unix))]
type Identity = ();

#[cfg(not(unix))]
fn identity_of(_: &fs::Metadata) -> Identity {}

/// What tells the file at `path` from others; `None` where there is none. SQLite's locks forbid to open it for that.
fn identity(path: &Path) -> Result<Option<Identity>> {
    match fs::metadata(path) {
        Ok(file) => Ok(Some(identity_of(&file))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failure::unreachable(error)),
    }
}
