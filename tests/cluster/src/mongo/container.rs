//! A server in a container of Docker.

use std::{
    env, fs, io,
    net::Ipv4Addr,
    path::Path,
    sync::LazyLock,
    thread,
    time::{Duration, Instant},
};

use testcontainers::{
    ContainerAsync, GenericImage, ImageExt, TestcontainersError,
    bollard::{errors::Error as DockerError, query_parameters::KillContainerOptions},
    core::{IntoContainerPort, client::docker_client_instance},
    runners::AsyncRunner,
};
use tokio::{runtime::Runtime, time::timeout};

use super::hello::hello;
use crate::{
    command,
    data_dir::{DataDir, require_linux},
    error::{Error, IoContext, Result},
    ports::free_ports,
};

/// The port of the server in its container.
const PORT: u16 = 27017;
/// How long Docker may take to say that it is there.
const ANSWER: Duration = Duration::from_secs(5);
/// The start of a container, with the download of its image.
const START: Duration = Duration::from_mins(10);
/// Long enough for a machine that compiles something else meanwhile.
const READY: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(100);

/// The name of an image with its tag or digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Image {
    name: String,
    tag: String,
}

impl Image {
    /// Without a tag it is `latest`, as everywhere in Docker.
    pub(super) fn new(reference: &str) -> Self {
        // A colon before a path begins a port, not a tag.
        let (name, tag) = match reference.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (reference, "latest"),
        };
        Self {
            name: name.into(),
            tag: tag.into(),
        }
    }

    fn reference(&self) -> String {
        format!("{}:{}", self.name, self.tag)
    }

    fn generic(&self) -> GenericImage {
        GenericImage::new(&self.name, &self.tag)
    }

    fn error(&self, error: impl Into<TestcontainersError>) -> Error {
        Error::Container {
            image: self.reference(),
            source: Box::new(error.into()),
        }
    }
}

/// Whether this machine has Docker: its program, and a daemon that answers. It is asked once.
pub(super) fn docker_answers() -> bool {
    static ANSWERS: LazyLock<bool> = LazyLock::new(|| {
        let ping = async || docker_client_instance().await.ok()?.ping().await.ok();
        let answer = || on_docker(async || timeout(ANSWER, ping()).await.ok().flatten());
        // The program removes the container of a process that was killed: see clean_up.sh.
        command::exists("docker") && answer().is_ok_and(|pong| pong.is_some())
    });
    *ANSWERS
}

/// Downloads the image unless Docker has it.
pub(super) fn prepare(image: &Image) -> Result<()> {
    require_linux()?;
    on_docker(async || {
        let docker = docker_client_instance()
            .await
            .map_err(|error| image.error(error))?;
        match docker.inspect_image(&image.reference()).await {
            Ok(_) => Ok(()),
            Err(DockerError::DockerResponseServerError { status_code: 404, .. }) => {
                let pulled = AsyncRunner::pull_image(image.generic()).await;
                pulled.map(drop).map_err(|error| image.error(error))
            }
            Err(error) => Err(image.error(TestcontainersError::other(error))),
        }
    })?
}

type Running = ContainerAsync<GenericImage>;

/// A running server. Its container is removed when this value is dropped, and by the guard process of `data` when this
/// process ends in any other way.
#[derive(Debug)]
pub(super) struct Container {
    image: Image,
    // None once it is removed.
    running: Option<Box<Running>>,
    address: String,
    data: DataDir,
}

impl Container {
    pub(super) fn start(image: Image) -> Result<Self> {
        require_linux()?;
        let data = DataDir::create()?;
        let name = data.container_name();
        // Before there is a container: a process that dies in between leaves nothing.
        data.write(DataDir::CONTAINER, &name)?;
        // Docker would choose another port at each start, and clients look for a server where it was.
        let [port] = free_ports()?;
        let elsewhere = docker_is_elsewhere();
        let request = image
            .generic()
            .with_container_name(name)
            .with_mapped_port(port, PORT.tcp())
            .with_startup_timeout(START)
            .with_host_config_modifier(move |host| {
                let bindings = host.port_bindings.iter_mut().flat_map(|ports| ports.values_mut());
                for binding in bindings.flatten().flatten().filter(|_| !elsewhere) {
                    binding.host_ip = Some(Ipv4Addr::LOCALHOST.to_string());
                }
            });
        let (container, host) = on_docker(async || {
            let container = AsyncRunner::start(request).await?;
            let host = container.get_host().await?.to_string();
            Ok((container, host))
        })?
        .map_err(|error: TestcontainersError| image.error(error))?;
        let host = if elsewhere {
            host
        } else {
            Ipv4Addr::LOCALHOST.to_string()
        };
        let this = Self {
            image,
            running: Some(Box::new(container)),
            address: format!("{host}:{port}"),
            data,
        };
        this.wait()?;
        Ok(this)
    }

    /// Host and port.
    pub(super) fn address(&self) -> String {
        self.address.clone()
    }

    pub(super) fn kill(&self) -> Result<()> {
        self.run(async |container| {
            let docker = docker_client_instance().await?;
            let options = KillContainerOptions::default();
            let killed = docker.kill_container(container.id(), Some(options)).await;
            killed.map_err(TestcontainersError::other)
        })
    }

    pub(super) fn restart(&self) -> Result<()> {
        self.run(async |container| {
            if container.is_running().await? {
                return Ok(());
            }
            container.start().await
        })?;
        self.wait()
    }

    pub(super) fn pause(&self) -> Result<()> {
        self.run(ContainerAsync::pause)
    }

    pub(super) fn resume(&self) -> Result<()> {
        self.run(ContainerAsync::unpause)
    }

    /// Returns once the server takes commands.
    fn wait(&self) -> Result<()> {
        let start = Instant::now();
        loop {
            let Err(error) = hello(&self.address) else {
                return Ok(());
            };
            let runs = self.run(ContainerAsync::is_running)?;
            if !runs || start.elapsed() > READY {
                return Err(Error::NotReady {
                    what: format!("the container of {}", self.image.reference()),
                    waited: start.elapsed(),
                    last: if runs {
                        error.to_string()
                    } else {
                        "it ended".into()
                    },
                    log: self.log(),
                });
            }
            thread::sleep(POLL);
        }
    }

    /// The end of what the server printed.
    fn log(&self) -> String {
        let printed = self.run(async |container| {
            let mut printed = container.stdout_to_vec().await?;
            printed.extend(container.stderr_to_vec().await?);
            Ok(printed)
        });
        match printed {
            Ok(printed) => command::tail(&String::from_utf8_lossy(&printed), 25).to_owned(),
            Err(error) => format!("none: {error}"),
        }
    }

    fn run<T: Send>(
        &self,
        work: impl AsyncFnOnce(&Running) -> Result<T, TestcontainersError> + Send,
    ) -> Result<T> {
        let gone = || TestcontainersError::other("the container is removed");
        let container = self
            .running
            .as_ref()
            .ok_or_else(gone)
            .map_err(|error| self.image.error(error))?;
        on_docker(async || work(container).await)?.map_err(|error| self.image.error(error))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let Some(container) = self.running.take() else {
            return;
        };
        // The guard process removes what could not be removed here.
        if matches!(on_docker(async || container.rm().await), Ok(Ok(()))) {
            let _ = fs::remove_file(self.data.join(DataDir::CONTAINER));
        }
    }
}

/// Whether the ports of containers are not those of this machine's loopback interface: with a Docker on another
/// machine, or from inside a container that has the socket of its host.
fn docker_is_elsewhere() -> bool {
    let host = env::var("DOCKER_HOST").unwrap_or_default();
    let is_remote = ["tcp:", "http:"].iter().any(|scheme| host.starts_with(scheme));
    is_remote || Path::new("/.dockerenv").exists()
}

/// Runs `work` to its end on the one runtime that all connections to Docker belong to. The caller may be inside another.
fn on_docker<T: Send>(work: impl AsyncFnOnce() -> T + Send) -> Result<T> {
    static RUNTIME: LazyLock<io::Result<Runtime>> = LazyLock::new(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder
            .worker_threads(1)
            .thread_name("docker")
            .enable_all()
            .build()
    });
    let runtime = RUNTIME
        .as_ref()
        .map_err(|error| io::Error::new(error.kind(), error.to_string()))
        .during("start an async runtime")?;
    let done = thread::scope(|scope| scope.spawn(|| runtime.block_on(work())).join());
    Ok(done.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
}

#[cfg(test)]
mod tests {
    use super::Image;

    #[test]
    fn the_tag_of_an_image_is_no_port() {
        let cases = [
            ("mongo:8", "mongo", "8"),
            ("mongo", "mongo", "latest"),
            (
                "registry.example.com:5000/mongo",
                "registry.example.com:5000/mongo",
                "latest",
            ),
            (
                "registry.example.com:5000/mongo:8",
                "registry.example.com:5000/mongo",
                "8",
            ),
            ("mongo@sha256:0123", "mongo@sha256", "0123"),
        ];
        for (reference, name, tag) in cases {
            let image = Image::new(reference);
            assert_eq!((&*image.name, &*image.tag), (name, tag), "{reference}");
        }
    }
}
