//! A PostgreSQL server, from the programs of Debian's package `postgresql`.

mod programs;

use std::{
    env, fs,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use self::programs::{Programs, User};
use crate::{
    api, command,
    data_dir::{DataDir, require_linux},
    error::{IoContext, Result},
    pki::{Authority, Identity},
    ports::free_ports,
    process::Server,
};

/// The environment variable that names a server to use instead of starting one, as a `postgres://` address of a user who
/// may create databases. Databases whose names begin with `neuropod_test_` are made and removed there.
pub const POSTGRES_URI: &str = "NEUROPOD_TEST_POSTGRES_URI";

/// Long enough for a machine that compiles something else meanwhile.
const READY: Duration = Duration::from_mins(1);
/// The user of our own servers, who may do everything.
const USER: &str = "neuropod";
/// The files of TLS.
const CERTIFICATE: &str = "server.crt";
const KEY: &str = "server.key";

/// Installs, once, what [`Postgres::start`] needs; by root on Debian only.
pub(crate) fn prepare() -> Result<()> {
    if given().is_some() {
        return Ok(());
    }
    prepare_own()
}

/// The same for [`PostgresServer::start`].
pub(crate) fn prepare_own() -> Result<()> {
    require_linux()?;
    programs::prepare()
}

fn given() -> Option<String> {
    env::var(POSTGRES_URI).ok().filter(|uri| !uri.is_empty())
}

/// The server for a test that needs no more than a database: the one that is given, else one of our own.
#[derive(Debug)]
pub enum Postgres {
    /// The server of this address.
    Given(String),
    /// A server that goes with this value.
    Own(Box<PostgresServer>),
}

impl Postgres {
    /// Returns once the server takes connections, unless it is given: then it is not asked.
    ///
    /// # Errors
    /// Unavailable where no server is given, and the programs are missing.
    pub fn start() -> Result<Self> {
        Ok(match given() {
            Some(uri) => Self::Given(uri),
            None => Self::Own(Box::new(PostgresServer::start()?)),
        })
    }

    /// The address of the server, without a database.
    pub fn uri(&self) -> String {
        match self {
            Self::Given(uri) => uri.clone(),
            Self::Own(server) => server.uri(),
        }
    }
}

/// A running server of our own, on a free loopback port, with a password.
///
/// Dropping it kills the server and removes its data; the same happens when this process ends in any other way. Unless it is
/// durable it does not wait for the disk: data survives the death of its processes, and no test pulls the plug.
#[derive(Debug)]
pub struct PostgresServer {
    // Stopped before its data goes.
    server: Mutex<Option<Server>>,
    programs: Programs,
    user: User,
    port: u16,
    password: String,
    folder: PathBuf,
    has_tls: bool,
    is_durable: bool,
    data: DataDir,
}

impl PostgresServer {
    /// Starts a server and returns once it takes connections.
    ///
    /// # Errors
    /// Unavailable where the programs are missing.
    pub fn start() -> Result<Self> {
        Self::start_as(None, false)
    }

    /// The same, but it waits for the disk, as a server must that is not for tests: for measurements.
    ///
    /// # Errors
    /// Unavailable where the programs are missing.
    pub fn start_durable() -> Result<Self> {
        Self::start_as(None, true)
    }

    /// The same, with TLS, and a certificate by `authority` for these host names alone.
    ///
    /// # Errors
    /// Unavailable where the programs are missing.
    pub fn start_with_tls(authority: &Authority, hosts: &[&str]) -> Result<Self> {
        Self::start_as(Some(&authority.server(hosts, &[])?), false)
    }

    fn start_as(identity: Option<&Identity>, is_durable: bool) -> Result<Self> {
        require_linux()?;
        let programs = Programs::find()?;
        let user = User::for_server()?;
        let data = user.data_dir()?;
        let [port] = free_ports()?;
        let this = Self {
            server: Mutex::new(None),
            folder: user.folder_in(&data, "postgres")?,
            programs,
            user,
            port,
            password: format!("password-of-{}", data.cgroup()),
            has_tls: identity.is_some(),
            is_durable,
            data,
        };
        this.initialise()?;
        if let Some(identity) = identity {
            this.write(CERTIFICATE, &identity.certificate)?;
            this.write(KEY, &identity.key)?;
        }
        this.restart()?;
        Ok(this)
    }

    /// Makes the files of an empty server.
    fn initialise(&self) -> Result<()> {
        let password = self.write("password", &self.password)?;
        let mut initdb = Command::new(self.programs.path("initdb"));
        initdb
            .args([
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C",
                "--auth=scram-sha-256",
            ])
            .arg(format!("--username={USER}"))
            .arg(format!("--pwfile={}", password.display()))
            .arg(self.files());
        command::run(&mut self.user.run(&initdb)).map(drop)
    }

    /// Writes a file for the server alone.
    fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        fs::write(&path, text).at_path(&path)?;
        self.user.give(&path)?;
        Ok(path)
    }

    fn files(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The address of the server, without a database.
    pub fn uri(&self) -> String {
        format!("postgres://{USER}:{}@{}/", self.password, self.address())
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The password in the address.
    pub fn password(&self) -> &str {
        &self.password
    }

    fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Kills all processes of the server, as a crash of its machine would. What it has acknowledged stays.
    pub fn stop(&self) -> Result<()> {
        let Some(server) = self.server().take() else {
            return Ok(());
        };
        // Stopped first, so that it starts no more of them.
        server.signal("STOP")?;
        let children = programs::children(server.id());
        let killed = signal("KILL", &children);
        drop(server);
        killed?;
        // A killed process takes a moment to go. Until the last one has, the server refuses to start on its data.
        api::block_on(async || {
            api::wait_until("the end of the server's processes", READY, async || {
                let left: Vec<_> = children.iter().filter(|id| programs::is_alive(**id)).collect();
                if left.is_empty() {
                    Ok(())
                } else {
                    Err(format!("{left:?}"))
                }
            })
            .await
        })
    }

    /// Starts the server again, on the same port and data. Does nothing while it runs.
    pub fn restart(&self) -> Result<()> {
        let mut running = self.server();
        if running.is_some() {
            return Ok(());
        }
        let mut postgres = Command::new(self.programs.path("postgres"));
        postgres.arg("-D").arg(self.files());
        let mut settings = vec![
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={}", self.port),
            "unix_socket_directories=".to_owned(),
            format!("fsync={}", if self.is_durable { "on" } else { "off" }),
            "max_connections=50".to_owned(),
        ];
        if self.has_tls {
            let file = |setting, name| format!("{setting}={}", self.folder.join(name).display());
            settings.extend([
                "ssl=on".to_owned(),
                file("ssl_cert_file", CERTIFICATE),
                file("ssl_key_file", KEY),
            ]);
        }
        for setting in settings {
            postgres.arg("-c").arg(setting);
        }
        let log = self.data.log("postgres");
        let mut server = Server::spawn("postgres", &self.user.run(&postgres), &log)?;
        api::block_on(async || {
            api::wait_for_server(&mut server, READY, async || {
                self.answers().map_err(|error| error.to_string())
            })
            .await
        })?;
        *running = Some(server);
        Ok(())
    }

    /// Whether the server takes connections.
    fn answers(&self) -> Result<()> {
        let mut asked = Command::new(self.programs.path("pg_isready"));
        asked
            .args(["--quiet", "--timeout=2", "--host=127.0.0.1"])
            .arg(format!("--port={}", self.port));
        command::run(&mut asked).map(drop)
    }

    /// Stops all processes of the server without closing their connections: nothing responds any more.
    pub fn pause(&self) -> Result<()> {
        self.signal("STOP")
    }

    /// Ends [`pause`](Self::pause).
    pub fn resume(&self) -> Result<()> {
        self.signal("CONT")
    }

    fn signal(&self, name: &str) -> Result<()> {
        let running = self.server();
        let Some(server) = running.as_ref() else {
            return Ok(());
        };
        server.signal(name)?;
        signal(name, &programs::children(server.id()))
    }

    fn server(&self) -> MutexGuard<'_, Option<Server>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A dropped server leaves no process that writes into its folder.
impl Drop for PostgresServer {
    fn drop(&mut self) {
        // On failure, the processes end by themselves once they miss the first one.
        let _ = self.stop();
    }
}

/// Sends a signal to processes. One that has ended already needs none.
fn signal(name: &str, processes: &[u32]) -> Result<()> {
    if processes.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = processes.iter().map(u32::to_string).collect();
    let script = format!("kill -{name} {} 2>/dev/null || true", ids.join(" "));
    command::run(Command::new("sh").args(["-c", &script])).map(drop)
}
