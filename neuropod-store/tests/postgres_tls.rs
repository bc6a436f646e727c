//! Encrypted connections to a real server.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod failure;
mod postgres_server;
mod sample;

use std::fs;
use std::path::{Path, PathBuf};

use neuropod_core::{PodStore, UserId};
use neuropod_store::PostgresStore;
use neuropod_test_cluster::{Authority, PostgresServer, or_skip};
use sqlx::Row;

use self::failure::failed;
use self::postgres_server::{TestDatabase, own_server};

/// The only name in the certificate of the server.
const HOST: &str = "localhost";

/// A server with TLS, a database on it, and two authorities: the one that signed its certificate, and another one.
struct Encrypted {
    server: PostgresServer,
    database: TestDatabase,
    right: PathBuf,
    wrong: PathBuf,
    _folder: tempfile::TempDir,
}

impl Encrypted {
    async fn start(test: &str) -> Option<Self> {
        let (right, wrong) = (Authority::new().unwrap(), Authority::new().unwrap());
        let server = PostgresServer::start_with_tls(&right, &[HOST]);
        let server = or_skip(&format!("neuropod-store/{test}"), server)?;
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, authority: &Authority| {
            let path = folder.path().join(name);
            fs::write(&path, authority.certificate()).unwrap();
            path
        };
        Some(Self {
            database: TestDatabase::on(&server.uri()).await,
            server,
            right: write("right.pem", &right),
            wrong: write("wrong.pem", &wrong),
            _folder: folder,
        })
    }

    /// The address by this name of the host, with this mode and file of authorities.
    fn address(&self, host: &str, mode: &str, authority: &Path) -> String {
        let server = format!("127.0.0.1:{}", self.server.port());
        let here = format!("{host}:{}", self.server.port());
        let address = self.database.uri.replace(&server, &here);
        format!("{address}sslmode={mode}&sslrootcert={}", authority.display())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_the_right_certificate_is_used_encrypted() {
    let Some(encrypted) = Encrypted::start("postgres_tls/the_right_certificate").await else {
        return;
    };
    let address = encrypted.address(HOST, "verify-full", &encrypted.right);
    let store = PostgresStore::open(&address).await.unwrap();
    let pod = store.insert(&sample::pod(&UserId::new("ana"))).await.unwrap();
    assert_eq!(store.get(&pod.id).await.unwrap(), Some(pod));

    let mut by_hand = encrypted.database.by_hand().await;
    let connections = sqlx::query(
        "SELECT count(*) FILTER (WHERE ssl), count(*) FILTER (WHERE NOT ssl) \
         FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'neuropod'",
    );
    let row = connections.fetch_one(&mut by_hand).await.unwrap();
    let (with_tls, without): (i64, i64) = (row.get(0), row.get(1));
    assert!(
        with_tls > 0 && without == 0,
        "{with_tls} with TLS, {without} without"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_may_be_another_one_is_refused() {
    let Some(encrypted) = Encrypted::start("postgres_tls/another_server").await else {
        return;
    };
    let missing = encrypted.right.with_file_name("missing.pem");
    for (host, mode, authority, expected) in [
        (HOST, "verify-full", &encrypted.wrong, "`sslrootcert`"),
        (HOST, "verify-ca", &encrypted.wrong, "`sslrootcert`"),
        ("127.0.0.1", "verify-full", &encrypted.right, "not for the host"),
        (HOST, "verify-full", &missing, "a file of certificates"),
    ] {
        let address = encrypted.address(host, mode, authority);
        let error = failed(PostgresStore::open(&address).await, "not_configured", false);
        assert!(error.to_string().contains(expected), "{expected}: {error}");
        assert!(!postgres_server::shown(&error).contains(encrypted.server.password()));
    }
    // The name is not looked at.
    let address = encrypted.address("127.0.0.1", "verify-ca", &encrypted.right);
    PostgresStore::open(&address).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_refused_where_it_is_required() {
    let Some(server) = own_server("postgres_tls/without_tls") else {
        return;
    };
    let database = TestDatabase::on(&server.uri()).await;
    for mode in ["require", "verify-ca", "verify-full"] {
        let address = format!("{}sslmode={mode}", database.uri);
        let error = failed(PostgresStore::open(&address).await, "not_configured", false);
        assert!(error.to_string().contains("no encrypted connection"), "{error}");
    }
    PostgresStore::open(&format!("{}sslmode=prefer", database.uri))
        .await
        .unwrap();
}
