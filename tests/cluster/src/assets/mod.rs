//! The servers: found, or built once and cached.

mod build;
pub(crate) mod gateway;
mod patch;
mod recipe;

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::error::Result;

/// A server that the harness starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the program of that name")]
pub enum Program {
    Etcd,
    KubeApiserver,
    KubeControllerManager,
    KubeScheduler,
    Kubelet,
    KubeProxy,
    FerretDb,
    KubeRouter,
    MetricsServer,
    Traefik,
}

impl Program {
    /// What a control plane needs.
    pub const CONTROL_PLANE: [Self; 3] = [Self::Etcd, Self::KubeApiserver, Self::KubeControllerManager];
    /// What a node needs besides.
    pub const NODE: [Self; 4] = [
        Self::KubeScheduler,
        Self::Kubelet,
        Self::KubeProxy,
        Self::KubeRouter,
    ];
    /// What stands around the pods of a real cluster: what measures, what routes.
    pub const EDGE: [Self; 2] = [Self::MetricsServer, Self::Traefik];

    /// The file name of the program.
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::KubeApiserver => "kube-apiserver",
            Self::KubeControllerManager => "kube-controller-manager",
            Self::KubeScheduler => "kube-scheduler",
            Self::Kubelet => "kubelet",
            Self::KubeProxy => "kube-proxy",
            Self::FerretDb => "ferretdb",
            Self::KubeRouter => "kube-router",
            Self::MetricsServer => "metrics-server",
            Self::Traefik => "traefik",
        }
    }
}

/// Where programs come from: `$KUBEBUILDER_ASSETS`, else the cache, else a build into the cache.
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

    /// The path of `program`, which is built if need be: minutes, the first time.
    pub fn get(&self, program: Program) -> Result<PathBuf> {
        // Such folders hold etcd, kube-apiserver and kubectl, but mostly no controller manager.
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

    /// Makes sure that every one of `programs` is there.
    pub fn prepare(&self, programs: &[Program]) -> Result<()> {
        programs
            .iter()
            .try_for_each(|program| self.get(*program).map(drop))
    }
}

/// The folder of this crate's own files, such as the Go modules.
pub(crate) fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
