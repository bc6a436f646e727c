//! Where a store is.

use std::fmt;
#[cfg(feature = "sqlite")]
use std::path::{Path, PathBuf};

use neuropod_core::Result;

use super::ends::{Source, Target};
#[cfg(feature = "mongo")]
use crate::mongo::{self, MongoStore};
#[cfg(feature = "postgres")]
use crate::postgres::{self, PostgresOptions, PostgresStore};
#[cfg(feature = "sqlite")]
use crate::sqlite::{self, SqliteStore};

/// Where a store is: one end of a copy.
#[derive(Clone)]
pub struct Address(Kind);

#[derive(Clone)]
enum Kind {
    #[cfg(feature = "sqlite")]
    Sqlite(PathBuf),
    #[cfg(feature = "postgres")]
    Postgres(PostgresOptions),
    #[cfg(feature = "mongo")]
    Mongo(String),
}

impl Address {
    /// The SQLite file at `path`. As the target it is made if it is missing.
    #[cfg(feature = "sqlite")]
    #[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
    pub fn sqlite(path: impl AsRef<Path>) -> Self {
        Self(Kind::Sqlite(path.as_ref().to_owned()))
    }

    /// The PostgreSQL database of these options.
    #[cfg(feature = "postgres")]
    #[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
    pub fn postgres(options: PostgresOptions) -> Self {
        Self(Kind::Postgres(options))
    }

    /// The MongoDB database at `uri`, as for [`MongoStore::connect`].
    #[cfg(feature = "mongo")]
    #[cfg_attr(docsrs, doc(cfg(feature = "mongo")))]
    pub fn mongo(uri: impl Into<String>) -> Self {
        Self(Kind::Mongo(uri.into()))
    }

    pub(super) async fn open_source(&self) -> Result<Box<dyn Source>> {
        Ok(match &self.0 {
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(path) => Box::new(sqlite::LockedFile::open(path).await?),
            #[cfg(feature = "postgres")]
            Kind::Postgres(options) => Box::new(postgres::LockedDatabase::open(options.clone()).await?),
            #[cfg(feature = "mongo")]
            Kind::Mongo(uri) => Box::new(mongo::ReadDatabase::open(uri).await?),
        })
    }

    pub(super) async fn open_target(&self) -> Result<Box<dyn Target>> {
        Ok(match &self.0 {
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(path) => Box::new(SqliteStore::open_unfinished(path).await?),
            #[cfg(feature = "postgres")]
            Kind::Postgres(options) => Box::new(PostgresStore::open_unfinished(options.clone()).await?),
            #[cfg(feature = "mongo")]
            Kind::Mongo(uri) => Box::new(MongoStore::connect_unfinished(uri).await?),
        })
    }
}

/// Shows the kind of the store alone, because an address may contain a password.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(_) => "Address(sqlite)",
            #[cfg(feature = "postgres")]
            Kind::Postgres(_) => "Address(postgres)",
            #[cfg(feature = "mongo")]
            Kind::Mongo(_) => "Address(mongo)",
        })
    }
}
