//! `server copy`, as people run it: the real program between real stores.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[path = "common/program.rs"]
mod program;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use neuropod::money::{AccountKind, BillingExt};
use neuropod::store::{PostgresStore, SqliteStore};
use neuropod::{Billing, Money, UserId};
use neuropod_test_cluster::PostgresServer;
use tokio::process::Command;
use tokio::time::timeout;

use crate::program::program;

const LIMIT: Duration = Duration::from_mins(1);
const EUROS: Money = Money::from_cents(1250);

/// `server copy` with these arguments and variables, in its own folder.
async fn copy(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
    let mut command = Command::new(program("server"));
    command
        .current_dir(folder)
        .arg("copy")
        .args(arguments)
        .envs(variables.iter().copied())
        .env("HOME", folder)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let ended = timeout(LIMIT, command.output()).await.expect("it ends in time");
    let ended = ended.expect("the server; `cargo build --example server` where only this test was built");
    let said = String::from_utf8(ended.stdout).unwrap() + &String::from_utf8(ended.stderr).unwrap();
    (ended.status.code().unwrap(), said)
}

/// A file with an account, in which there is some money.
async fn file(folder: &Path) -> UserId {
    let store = SqliteStore::open(folder.join("old.db")).await.unwrap();
    let ana = UserId::new("ana");
    store.open(&ana, AccountKind::Prepaid).await.unwrap();
    store.deposit("payment", &ana, EUROS).await.unwrap();
    store.close().await;
    ana
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_copied_into_postgres() {
    let server = match PostgresServer::start() {
        Ok(server) => server,
        Err(error) if error.is_unavailable() => {
            neuropod_test_cluster::skip(
                "neuropod-server/copy/a_file_is_copied_into_postgres",
                &error.to_string(),
            );
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let folder = tempfile::tempdir().unwrap();
    let ana = file(folder.path()).await;
    let uri = format!("{}postgres", server.uri());
    let variables = [("NEUROPOD_COPY_TO", uri.as_str())];
    let from = ["--from", "sqlite:old.db"];
    let (code, said) = copy(folder.path(), &from, &variables).await;
    assert_eq!(code, 0, "{said}");
    for expected in [
        "accounts                       1           1",
        "12.50 available and 0.00 held in accounts, 12.50 in their entries",
        "Everything that is in sqlite:old.db is in postgres://",
        "Start the server with the new store",
    ] {
        assert!(said.contains(expected), "{expected:?} in {said}");
    }
    let store = PostgresStore::open(&uri).await.unwrap();
    assert_eq!(store.balance(&ana).await.unwrap().available, EUROS);
    let compare = [&from[..], &["--compare"]].concat();
    let (code, compared) = copy(folder.path(), &compare, &variables).await;
    assert_eq!(code, 0, "{compared}");

    store.deposit("payment", &ana, EUROS).await.unwrap();
    store.deposit("new", &ana, EUROS).await.unwrap();
    assert_eq!(store.balance(&ana).await.unwrap().available, EUROS.times(2));
    let (code, differs) = copy(folder.path(), &compare, &variables).await;
    assert_eq!(code, 1, "{differs}");
    assert!(differs.contains("(account: ana)"), "{differs}");
    let (code, refused) = copy(folder.path(), &from, &variables).await;
    assert_eq!(code, 1, "{refused}");
    for expected in [
        "1 account, 2 ledger entries",
        "nothing was copied: give an empty database",
    ] {
        assert!(refused.contains(expected), "{expected:?} in {refused}");
    }
    for text in [said, compared, differs, refused] {
        assert!(!text.contains(server.password()), "{text}");
    }
}

#[tokio::test]
async fn what_can_not_be_copied_is_told_without_passwords() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path()).await;
    let nowhere = "postgres://ana:hunter2@127.0.0.1:1/x";
    for (from, to, code, expected) in [
        ("sqlite:none.db", "sqlite:new.db", 1, "there is no such file"),
        ("sqlite:old.db", "sqlite:old.db", 1, "can't be copied into itself"),
        (
            "sqlite:old.db",
            "sqlite:./old.db",
            1,
            "the target of a copy has to be empty (found: 1 account",
        ),
        (
            "sqlite:old.db",
            "memory",
            1,
            "--to: what is in memory is gone with its server",
        ),
        (
            "sqlite:old.db",
            "mysql://ana:hunter2@db/x",
            1,
            "--to: it must be `sqlite:FILE`",
        ),
        ("sqlite:old.db", nowhere, 1, "run the same command again"),
        (
            nowhere,
            "sqlite:new.db",
            1,
            "copy of postgres://…@127.0.0.1:1/x to sqlite:new.db",
        ),
    ] {
        let (ended, said) = copy(folder.path(), &["--from", from, "--to", to], &[]).await;
        assert_eq!(ended, code, "{from} {to}: {said}");
        assert!(said.contains(expected), "{from} {to}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
    let (code, said) = copy(folder.path(), &["--from", "sqlite:old.db"], &[]).await;
    assert_eq!(code, 2, "{said}");
    let both = [
        "--from",
        "sqlite:old.db",
        "--to",
        "sqlite:new.db",
        "--store",
        "sqlite:x.db",
    ];
    let (code, said) = copy(folder.path(), &both, &[]).await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("--from and --to"), "{said}");
}
