//! A server that speaks the protocol of MongoDB. This is the one place that decides which.

mod container;
mod ferretdb;
mod hello;

use std::env;

use self::{
    container::{Container, Image},
    ferretdb::{FerretDb, Storage},
};
use crate::{error::Result, postgres::PostgresServer};

/// The environment variable that names a server to use instead of starting one, as a `mongodb://` or `mongodb+srv://`
/// address. Databases whose names begin with `neuropod_test_` are made and removed there.
pub const MONGODB_URI: &str = "NEUROPOD_TEST_MONGODB_URI";

/// The environment variable that names the image whose container is started where Docker answers, instead of
/// `mongo:8`. Its server listens on port 27017. Set to nothing, it keeps the tests away from Docker.
pub const MONGODB_IMAGE: &str = "NEUROPOD_TEST_MONGODB_IMAGE";

const DEFAULT_IMAGE: &str = "mongo:8";

/// Where a server comes from, in the order in which they are tried.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    /// The server of this address. Tests that stop a server or look at all of its databases do not use it.
    Given(String),
    /// A container of this image.
    Container(Image),
    /// A process of ours.
    FerretDb,
}

impl Source {
    fn from_env() -> Self {
        Self::choose(
            env::var(MONGODB_URI).ok(),
            env::var(MONGODB_IMAGE).ok(),
            container::docker_answers,
        )
    }

    /// The same for a server that belongs to one test.
    fn own_from_env() -> Self {
        Self::choose(None, env::var(MONGODB_IMAGE).ok(), container::docker_answers)
    }

    /// Once Docker answers, it is Docker: an image that can't be had is then an error, which says so, and not a
    /// reason to test on something else in silence.
    fn choose(uri: Option<String>, image: Option<String>, docker_answers: impl FnOnce() -> bool) -> Self {
        if let Some(uri) = uri.filter(|uri| !uri.is_empty()) {
            return Self::Given(uri);
        }
        let image = image.unwrap_or_else(|| DEFAULT_IMAGE.into());
        if !image.is_empty() && docker_answers() {
            return Self::Container(Image::new(&image));
        }
        Self::FerretDb
    }
}

/// Makes ready, once, what [`Mongo::start`] needs.
pub(crate) fn prepare() -> Result<()> {
    match Source::from_env() {
        Source::Given(_) => Ok(()),
        Source::Container(image) => container::prepare(&image),
        Source::FerretDb => ferretdb::prepare(),
    }
}

/// The server for a test that needs no more than a database: the one that is given, else one of our own.
#[derive(Debug)]
pub enum Mongo {
    /// The server of this address.
    Given(String),
    /// A server that goes with this value.
    Own(MongoServer),
}

impl Mongo {
    /// Returns once the server takes commands, unless it is given: then it is not asked.
    pub fn start() -> Result<Self> {
        Self::of(Source::from_env(), Storage::Sqlite)
    }

    /// The same, but where it is FerretDB, it keeps its documents in a PostgreSQL that is started for it.
    pub fn start_on_postgres() -> Result<Self> {
        Self::of(Source::from_env(), Storage::Postgres)
    }

    fn of(source: Source, storage: Storage) -> Result<Self> {
        Ok(match source {
            Source::Given(uri) => Self::Given(uri),
            own => Self::Own(MongoServer::of(own, storage)?),
        })
    }

    /// Whether it is FerretDB, which can be started on SQLite files or on PostgreSQL.
    pub fn is_ferretdb(&self) -> bool {
        matches!(self, Self::Own(server) if server.is_ferretdb())
    }

    /// The address of the server.
    pub fn uri(&self) -> String {
        match self {
            Self::Given(uri) => uri.clone(),
            Self::Own(server) => server.uri(),
        }
    }
}

/// A running server of our own, on a free port: a container where Docker answers, else FerretDB.
///
/// Dropping it kills the server and removes its data; the same happens when this process ends in any other way.
#[derive(Debug)]
pub struct MongoServer(Own);

#[derive(Debug)]
enum Own {
    Container(Container),
    FerretDb(FerretDb),
}

impl MongoServer {
    /// Starts a server and returns once it takes commands. FerretDB keeps its documents in SQLite files.
    pub fn start() -> Result<Self> {
        Self::of(Source::own_from_env(), Storage::Sqlite)
    }

    /// The same, but FerretDB keeps its documents in a PostgreSQL that is started for it.
    pub fn start_on_postgres() -> Result<Self> {
        Self::of(Source::own_from_env(), Storage::Postgres)
    }

    fn of(source: Source, storage: Storage) -> Result<Self> {
        Ok(Self(match source {
            Source::Container(image) => Own::Container(Container::start(image)?),
            Source::Given(_) | Source::FerretDb => Own::FerretDb(FerretDb::start(storage)?),
        }))
    }

    /// Whether it is FerretDB, which can be started on SQLite files or on PostgreSQL.
    pub fn is_ferretdb(&self) -> bool {
        matches!(self.0, Own::FerretDb(_))
    }

    /// The PostgreSQL in which FerretDB keeps its documents, if it does.
    pub fn postgres(&self) -> Option<&PostgresServer> {
        match &self.0 {
            Own::Container(_) => None,
            Own::FerretDb(server) => server.postgres(),
        }
    }

    /// The address of the server.
    pub fn uri(&self) -> String {
        let address = match &self.0 {
            Own::Container(container) => container.address(),
            Own::FerretDb(server) => server.address().to_string(),
        };
        format!("mongodb://{address}/")
    }

    /// Kills the server, as a crash would. What it has acknowledged stays.
    pub fn stop(&self) -> Result<()> {
        match &self.0 {
            Own::Container(container) => container.kill(),
            Own::FerretDb(server) => {
                server.stop();
                Ok(())
            }
        }
    }

    /// Starts the server again, on the same port and data. Does nothing while it runs.
    pub fn restart(&self) -> Result<()> {
        match &self.0 {
            Own::Container(container) => container.restart(),
            Own::FerretDb(server) => server.restart(),
        }
    }

    /// Stops the server without closing its connections: nothing answers any more.
    pub fn pause(&self) -> Result<()> {
        match &self.0 {
            Own::Container(container) => container.pause(),
            Own::FerretDb(server) => server.pause(),
        }
    }

    /// Ends [`pause`](Self::pause).
    pub fn resume(&self) -> Result<()> {
        match &self.0 {
            Own::Container(container) => container.resume(),
            Own::FerretDb(server) => server.resume(),
        }
    }

    /// Whether the server answers the first command that every client sends.
    pub fn answers(&self) -> bool {
        let answer = match &self.0 {
            Own::Container(container) => hello::hello(container.address()),
            Own::FerretDb(server) => hello::hello(server.address()),
        };
        answer.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "mongodb://db.example.com/";

    fn choose(uri: Option<&str>, image: Option<&str>, docker: bool) -> Source {
        Source::choose(uri.map(str::to_owned), image.map(str::to_owned), || docker)
    }

    #[test]
    fn a_given_server_comes_before_docker_and_docker_before_ferretdb() {
        let image = |name: &str| Source::Container(Image::new(name));
        let cases = [
            (Some(URI), Some("db:1"), true, Source::Given(URI.into())),
            (Some(""), Some("db:1"), true, image("db:1")),
            (None, Some("db:1"), true, image("db:1")),
            (None, None, true, image(DEFAULT_IMAGE)),
            (None, Some(""), true, Source::FerretDb),
            (None, Some("db:1"), false, Source::FerretDb),
            (None, None, false, Source::FerretDb),
        ];
        for (uri, image, docker, expected) in cases {
            assert_eq!(choose(uri, image, docker), expected, "{uri:?} {image:?} {docker}");
        }
    }

    #[test]
    fn docker_is_not_asked_where_it_does_not_matter() {
        let never = || -> bool { panic!("Docker was asked") };
        Source::choose(Some(URI.into()), None, never);
        Source::choose(None, Some(String::new()), never);
    }
}
