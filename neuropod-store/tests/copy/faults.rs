//! Copies that break off: nobody uses half of one, and they can be repeated.

use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongodb::options::IndexOptions;
use neuropod_core::Error;
use neuropod_store::copy::{Address, compare, copy};
use neuropod_store::{MongoStore, PostgresStore, SqliteStore};

use crate::failure::failed;
use crate::mongo_server::TestDatabase as MongoDatabase;
use crate::picture::Picture;
use crate::postgres_server::{TestDatabase, run};
use crate::{Files, by_hand, filled, postgres};

/// Checks that a store is refused as half a copy.
fn is_half(error: &Error) {
    assert_eq!(error.kind().code(), "not_configured", "{error:?}");
    assert!(error.message().contains("is not finished"), "{error}");
}

#[tokio::test]
async fn half_a_file_is_refused_and_copied_anew() {
    let files = Files::new();
    filled::file(&files.path("from.db")).await;
    let (from, to) = (files.address("from.db"), files.address("to.db"));
    SqliteStore::open(files.path("to.db"))
        .await
        .unwrap()
        .close()
        .await;
    let mut file = by_hand::connect(&files.path("to.db")).await;
    by_hand::run(
        &mut file,
        "CREATE TRIGGER refuse BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'not now'); END",
    )
    .await;
    failed(copy(&from, &to).await, "unexpected", false);
    is_half(&SqliteStore::open(files.path("to.db")).await.unwrap_err());
    is_half(&copy(&to, &files.address("other.db")).await.unwrap_err());
    failed(copy(&from, &to).await, "unexpected", false);
    is_half(&SqliteStore::open(files.path("to.db")).await.unwrap_err());
    by_hand::run(&mut file, "DROP TRIGGER refuse").await;
    // What is left of another copy goes.
    by_hand::run(&mut file, "INSERT INTO removed_users VALUES ('left over')").await;
    copy(&from, &to).await.unwrap();
    let store = SqliteStore::open(files.path("to.db")).await.unwrap();
    Picture::of(&store).await.check();
    failed(copy(&from, &to).await, "already_exists", false);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_database_is_refused_and_copied_anew() {
    let Some(database) = TestDatabase::new("copy/half_a_database_is_refused_and_copied_anew").await else {
        return;
    };
    let files = Files::new();
    filled::file(&files.path("from.db")).await;
    let (from, to) = (files.address("from.db"), postgres(&database.uri));
    PostgresStore::open(&database.uri).await.unwrap().close().await;
    let mut other = database.by_hand().await;
    for (fault, code, retryable) in [
        (
            "RAISE 'no space left' USING ERRCODE = '53100'",
            "unavailable",
            true,
        ),
        ("RAISE 'no'", "unexpected", false),
        (
            "PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1)",
            "unavailable",
            true,
        ),
    ] {
        let trigger = format!(
            "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN {fault}; RETURN NEW; END $$; \
             CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION refuse()"
        );
        run(&mut other, &trigger).await;
        failed(copy(&from, &to).await, code, retryable);
        is_half(&PostgresStore::open(&database.uri).await.unwrap_err());
    }
    // A copy that differs is half a copy too.
    run(
        &mut other,
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN NEW.document = replace(NEW.document, '2.00', '3.00'); RETURN NEW; END $$",
    )
    .await;
    let error = failed(copy(&from, &to).await, "unexpected", false);
    assert!(error.to_string().contains("not the same"), "{error}");
    is_half(&PostgresStore::open(&database.uri).await.unwrap_err());
    run(&mut other, "DROP TRIGGER refuse ON audit").await;
    copy(&from, &to).await.unwrap();
    let store = PostgresStore::open(&database.uri).await.unwrap();
    Picture::of(&store).await.check();
    store.close().await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_collection_is_refused_and_copied_anew() {
    let Some(documents) = MongoDatabase::new("copy/half_a_collection_is_refused_and_copied_anew") else {
        return;
    };
    let files = Files::new();
    filled::file(&files.path("from.db")).await;
    let (from, to) = (files.address("from.db"), Address::mongo(&documents.uri));
    let audit = documents.driver().await.collection::<Document>("audit");
    let options = IndexOptions::builder()
        .unique(true)
        .name("refuse".to_owned())
        .build();
    let index = IndexModel::builder()
        .keys(doc! { "layout": 1 })
        .options(options)
        .build();
    audit.create_index(index).await.unwrap();
    failed(copy(&from, &to).await, "unexpected", false);
    is_half(&MongoStore::connect(&documents.uri).await.unwrap_err());
    is_half(&MongoStore::connect_unchanged(&documents.uri).await.unwrap_err());
    is_half(&copy(&to, &files.address("other.db")).await.unwrap_err());
    audit.drop_index("refuse").await.unwrap();
    copy(&from, &to).await.unwrap();
    compare(&from, &to).await.unwrap();
    let store = MongoStore::connect(&documents.uri).await.unwrap();
    Picture::of(&store).await.check();
    failed(copy(&from, &to).await, "already_exists", false);
    documents.remove().await;
}

/// The error says which of both stores it is, and shows no password.
#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_can_not_be_reached() {
    let files = Files::new();
    filled::file(&files.path("from.db")).await;
    let nowhere = postgres("postgres://neuropod:s3cret@127.0.0.1:1/neuropod");
    let error = failed(
        copy(&files.address("from.db"), &nowhere).await,
        "unavailable",
        true,
    );
    assert!(error.to_string().contains("target"), "{error}");
    let error = failed(copy(&nowhere, &files.address("to.db")).await, "unavailable", true);
    assert!(error.to_string().contains("source"), "{error}");
    assert!(!format!("{error:?} {nowhere:?}").contains("s3cret"));
    SqliteStore::open(files.path("to.db")).await.unwrap();
}
