//! Errors while servers are found, built, started or stopped.

use std::{io, path::Path, time::Duration};

/// The reason why there is no test cluster.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// This machine lacks something that only its owner can provide. A test reports it as skipped.
    #[error("unavailable: {0}")]
    Unavailable(String),

    /// A file, directory or process could not be handled.
    #[error("{context}: {source}")]
    Io {
        /// The operation.
        context: String,
        /// The error of the operating system.
        source: io::Error,
    },

    /// A program ended with a failure.
    #[error("`{command}` failed: {output}")]
    Command {
        /// The program and its arguments.
        command: String,
        /// The end of its output.
        output: String,
    },

    /// A server ended, or did not become ready in time.
    #[error("{what} was not ready after {waited:.1?}: {last}\n--- end of its log ---\n{log}")]
    NotReady {
        /// The awaited condition.
        what: String,
        /// The time spent waiting.
        waited: Duration,
        /// The last result.
        last: String,
        /// The end of the server's log.
        log: String,
    },

    /// Docker is there, and can't do what is asked with a container.
    #[error("Docker answers, but a container of {image} is not to be had: {source}")]
    Container {
        /// The image.
        image: String,
        /// The error of Docker.
        source: Box<testcontainers::TestcontainersError>,
    },

    /// A certificate could not be made.
    #[error("certificate: {0}")]
    Certificate(#[from] rcgen::Error),

    /// The API server refused a request, or did not respond.
    #[error("Kubernetes API: {0}")]
    Api(#[source] Box<kube::Error>),

    /// A file with objects of the cluster could not be read.
    #[error("manifest: {0}")]
    Definition(#[from] serde_yaml_ng::Error),

    /// A kubeconfig could not be read.
    #[error("kubeconfig: {0}")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
}

/// The result of this crate's operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Whether the machine lacks a requirement, so that the test is skipped and not failed.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Adds the end of the log of the server that caused it.
    pub(crate) fn with_log(mut self, tail: impl FnOnce() -> String) -> Self {
        if let Self::NotReady { log, .. } = &mut self {
            *log = tail();
        }
        self
    }
}

impl From<kube::Error> for Error {
    fn from(error: kube::Error) -> Self {
        Self::Api(Box::new(error))
    }
}

/// Adds the operation to an I/O error.
pub(crate) trait IoContext<T> {
    fn during(self, context: impl Into<String>) -> Result<T>;

    fn at_path(self, path: &Path) -> Result<T>
    where
        Self: Sized,
    {
        self.during(path.display().to_string())
    }
}

impl<T> IoContext<T> for io::Result<T> {
    fn during(self, context: impl Into<String>) -> Result<T> {
        self.map_err(|source| Error::Io {
            context: context.into(),
            source,
        })
    }
}
