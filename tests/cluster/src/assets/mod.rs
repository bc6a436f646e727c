//! The servers: found, or built once and cached.

mod build;
pub(crate) mod gateway;
pub(crate) mod go;
mod patch;
mod program;
mod recipe;

use std::{env, path::PathBuf};

pub use self::program::Program;
use crate::error::Result;

/// The source of programs: `$KUBEBUILDER_ASSETS`, else the cache, else a build into the cache.
#[derive(Clone, Debug)]
pub struct Assets {
    given: Option<PathBuf>,
}

impl Assets {
    /// Reads the environment.
    pub fn from_env() -> Self {
        Self {
            given: env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from),
        }
    }

    /// The path of `program`, which is built if necessary; that takes minutes.
    pub fn get(&self, program: Program) -> Result<PathBuf> {
        // Such folders contain etcd, kube-apiserver and kubectl, but usually no controller manager.
        match self
            .given
            .as_deref()
            .map(|folder| folder.join(program.name()))
            .filter(|path| path.is_file())
        {
            Some(path) => Ok(path),
            None => build::cached(program),
        }
    }

    /// Makes sure that all of `programs` exist.
    pub fn prepare(&self, programs: &[Program]) -> Result<()> {
        programs
            .iter()
            .try_for_each(|program| self.get(*program).map(drop))
    }
}
