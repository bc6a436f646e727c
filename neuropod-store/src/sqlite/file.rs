//! The file under its name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use neuropod_core::Result;

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
