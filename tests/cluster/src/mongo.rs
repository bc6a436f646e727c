//! A server that speaks the protocol of MongoDB: the configured one, else FerretDB on SQLite files.

use std::{
    env,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::PathBuf,
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    api,
    assets::{Assets, Program},
    data_dir::{DataDir, require_linux},
    error::Result,
    ports::free_ports,
    process::Server,
};

/// The environment variable with the address of a server (`mongodb://` or `mongodb+srv://`) to use instead of
/// starting one. Databases whose names begin with `neuropod_test_` are created and removed there.
pub const MONGODB_URI: &str = "NEUROPOD_TEST_MONGODB_URI";

/// Long enough for a machine that compiles something else meanwhile.
const READY: Duration = Duration::from_mins(1);
/// The time limit of one attempt to connect to our own server, on the loopback interface.
const CONNECT: Duration = Duration::from_secs(1);

/// The address of the server that the environment names.
pub(crate) fn given() -> Option<String> {
    env::var(MONGODB_URI).ok().filter(|uri| !uri.is_empty())
}

/// A running server of our own, on a free loopback port.
///
/// Dropping it kills the server and removes its data; the same happens when this process ends in any other way.
#[derive(Debug)]
pub struct MongoServer {
    // Stopped before its data is removed.
    server: Mutex<Option<Server>>,
    program: PathBuf,
    port: u16,
    data: DataDir,
}

impl MongoServer {
    /// Starts a server and returns once it accepts connections.
    pub fn start() -> Result<Self> {
        require_linux()?;
        let program = Assets::from_env().get(Program::FerretDb)?;
        let [port] = free_ports()?;
        let this = Self {
            server: Mutex::new(None),
            program,
            port,
            data: DataDir::create()?,
        };
        this.restart()?;
        Ok(this)
    }

    /// The address of the configured server; `None` if our own server is to be started.
    pub fn given() -> Option<String> {
        given()
    }

    /// The address of the server.
    pub fn uri(&self) -> String {
        format!("mongodb://{}/", self.address())
    }

    /// Kills the server, like a crash. Acknowledged writes stay.
    pub fn stop(&self) {
        drop(self.server().take());
    }

    /// Starts the server again, on the same port and data. Does nothing while it runs.
    pub fn restart(&self) -> Result<()> {
        let mut running = self.server();
        if running.is_some() {
            return Ok(());
        }
        let mut command = Command::new(&self.program);
        command.arg(self.address().to_string()).arg(self.data.path());
        let mut server = Server::spawn("ferretdb", &command, &self.data.log("ferretdb"))?;
        let connect = async || TcpStream::connect_timeout(&self.address(), CONNECT).map(drop);
        api::block_on(async || {
            api::wait_for_server(&mut server, READY, async || {
                connect().await.map_err(|error| error.to_string())
            })
            .await
        })?;
        *running = Some(server);
        Ok(())
    }

    /// Stops the server without closing its connections: every request hangs.
    pub fn pause(&self) -> Result<()> {
        self.signal("STOP")
    }

    /// Ends [`pause`](Self::pause).
    pub fn resume(&self) -> Result<()> {
        self.signal("CONT")
    }

    fn signal(&self, signal: &str) -> Result<()> {
        self.server()
            .as_ref()
            .map_or(Ok(()), |server| server.signal(signal))
    }

    fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    fn server(&self) -> MutexGuard<'_, Option<Server>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
