//! FerretDB as a process of ours, on SQLite files or on a PostgreSQL of its own.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::hello::hello;
use crate::{
    api,
    assets::{Assets, Program},
    data_dir::{DataDir, require_linux},
    error::Result,
    ports::free_ports,
    postgres::{self, PostgresServer},
    process::Server,
};

/// Long enough for a machine that compiles something else meanwhile.
const READY: Duration = Duration::from_mins(1);

/// Finds or builds the server, which takes a minute the first time, and finds or installs PostgreSQL.
pub(super) fn prepare() -> Result<()> {
    require_linux()?;
    Assets::from_env().prepare(&[Program::FerretDb])?;
    postgres::prepare_own()
}

/// Where the documents are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Storage {
    /// Files of SQLite.
    Sqlite,
    /// A PostgreSQL server that is started for it.
    Postgres,
}

/// A running server on a free loopback port. The kernel kills it when this process ends.
#[derive(Debug)]
pub(super) struct FerretDb {
    // Stopped before its data goes.
    server: Mutex<Option<Server>>,
    program: PathBuf,
    port: u16,
    postgres: Option<Box<PostgresServer>>,
    data: DataDir,
}

impl FerretDb {
    pub(super) fn start(storage: Storage) -> Result<Self> {
        require_linux()?;
        let program = Assets::from_env().get(Program::FerretDb)?;
        let postgres = match storage {
            Storage::Sqlite => None,
            Storage::Postgres => Some(Box::new(PostgresServer::start()?)),
        };
        let [port] = free_ports()?;
        let this = Self {
            server: Mutex::new(None),
            program,
            port,
            postgres,
            data: DataDir::create()?,
        };
        this.restart()?;
        Ok(this)
    }

    pub(super) fn stop(&self) {
        drop(self.server().take());
    }

    pub(super) fn restart(&self) -> Result<()> {
        let mut running = self.server();
        if running.is_some() {
            return Ok(());
        }
        let mut command = Command::new(&self.program);
        command.arg(self.address().to_string());
        match &self.postgres {
            // Each database of MongoDB is a schema of this one.
            Some(postgres) => command.arg(postgres.uri() + "postgres"),
            None => command.arg(self.data.path()),
        };
        let mut server = Server::spawn("ferretdb", &command, &self.data.log("ferretdb"))?;
        api::block_on(async || {
            api::wait_for_server(&mut server, READY, async || {
                hello(self.address()).map_err(|error| error.to_string())
            })
            .await
        })?;
        *running = Some(server);
        Ok(())
    }

    pub(super) fn pause(&self) -> Result<()> {
        self.signal("STOP")
    }

    pub(super) fn resume(&self) -> Result<()> {
        self.signal("CONT")
    }

    fn signal(&self, signal: &str) -> Result<()> {
        self.server()
            .as_ref()
            .map_or(Ok(()), |server| server.signal(signal))
    }

    /// The server that has the documents, unless they are in files.
    pub(super) fn postgres(&self) -> Option<&PostgresServer> {
        self.postgres.as_deref()
    }

    pub(super) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    fn server(&self) -> MutexGuard<'_, Option<Server>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
