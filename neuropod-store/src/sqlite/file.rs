//! The database file: its creation, its permissions, and a check that the path still names it.

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

    /// Fails if the path no longer names this file, because writes to an unlinked file are lost. Called before a write,
    /// to avoid it, and after it, so that only a write to the right file is acknowledged.
    pub(super) fn check(&self) -> Result<()> {
        if identity(&self.path)? == self.identity {
            Ok(())
        } else {
            Err(failure::moved())
        }
    }
}

/// Creates the file if it is missing, readable by its owner alone. SQLite gives the files beside it the same mode.
pub(super) fn make(path: &Path) -> Result<()> {
    if path.try_exists().map_err(failure::not_made)? {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(path);
    // Closed before it gets its name, because closing a file that this process has open as a database would
    // drop its locks.
    let made = NamedTempFile::new_in(folder)
        .map_err(failure::not_made)?
        .into_temp_path();
    match made.persist_noclobber(path) {
        Ok(()) => Ok(()),
        // Another process created it first.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failure::not_made(error.error)),
    }
}

/// Removes access to the file and those beside it for everybody but the owner, if everybody can read it:
/// earlier versions created it so. Access for a group alone was granted on purpose, and stays.
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

/// On other systems a file inherits the permissions of its folder.
#[cfg(not(unix))]
pub(super) fn only_for_owner(_: &Path) {}

/// Identifies a file independently of its path: device and inode.
#[cfg(unix)]
type Identity = (u64, u64);

#[cfg(unix)]
fn identity_of(file: &fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (file.dev(), file.ino())
}

/// Nothing to compare: Windows does not allow to remove or replace an open database.
#[cfg(not(unix))]
type Identity = ();

#[cfg(not(unix))]
fn identity_of(_: &fs::Metadata) -> Identity {}

/// The identity of the file at `path`; `None` if there is none. Read without opening the file, as closing it again would
/// drop SQLite's locks.
fn identity(path: &Path) -> Result<Option<Identity>> {
    match fs::metadata(path) {
        Ok(file) => Ok(Some(identity_of(&file))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failure::unreachable(error)),
    }
}
