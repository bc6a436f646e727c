//! `server migrate`, as people run it: the real program against a real database of the existing backend.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[path = "common/program.rs"]
mod program;

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use futures::TryStreamExt;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, DateTime, Document, doc};
use mongodb::{Client, Database};
use neuropod_test_cluster::MongoServer;
use tokio::process::Command;
use tokio::time::timeout;

use crate::program::program;

const LIMIT: Duration = Duration::from_mins(1);
const ANA: &str = "665f1f77bcf86cd799439011";

/// A server with a database of the existing backend; `None` if this machine can't run one.
async fn old_backend(test: &str) -> Option<(MongoServer, Database)> {
    let server = match MongoServer::start() {
        Ok(server) => server,
        Err(error) if error.is_unavailable() => {
            neuropod_test_cluster::skip(&format!("neuropod-server/migrate/{test}"), &error.to_string());
            return None;
        }
        Err(error) => panic!("{error}"),
    };
    let client = Client::with_uri_str(server.uri()).await.unwrap();
    let database = client.database("plataforma");
    let date = DateTime::from_millis(1_717_500_000_123);
    let id = |text: &str| ObjectId::parse_str(text).unwrap();
    let insert = async |collection: &str, documents: Vec<Document>| {
        database
            .collection(collection)
            .insert_many(documents)
            .await
            .unwrap();
    };
    let user = |object_id: &str, email: &str, balance: Bson| {
        doc! { "_id": id(object_id), "email": email, "name": "Ana", "role": "client", "balance": balance, "createdAt": date }
    };
    insert(
        "users",
        vec![
            user(ANA, "ana@example.com", 9.7.into()),
            user("665f1f77bcf86cd799439012", "ANA@example.com", 1.into()),
            user("665f1f77bcf86cd799439013", "rich@example.com", "Infinity".into()),
        ],
    )
    .await;
    let pod = |pod_id: &str, name: &str, owner: &str, gpu: &str| {
        doc! {
            "podId": pod_id, "podName": name, "userId": id(owner), "userHash": "81dc9bdb", "createdBy": id(ANA),
            "deploymentType": "docker", "dockerImage": "ubuntu:22.04", "gpu": gpu, "containerDiskSize": 20,
            "volumeDiskSize": 30, "enableJupyter": false, "status": "running",
            "httpServices": [{ "port": 8888, "serviceName": "Web", "url": "https://a-o-2-81dc9bdb-8888.neuropod.online" }],
            "kubernetesResources": { "podName": "a-o-2-81dc9bdb", "pvcName": "workspace-81dc9bdb", "namespace": "default" },
            "createdAt": date, "lastActive": date,
        }
    };
    insert(
        "pods",
        vec![
            pod("3f9a0c1d2e4b5a68", "Año 2", ANA, "rtx-3090"),
            pod(
                "3f9a0c1d2e4b5a69",
                "Nobody's",
                "665f1f77bcf86cd799439099",
                "rtx-4090",
            ),
        ],
    )
    .await;
    insert(
        "pricings",
        vec![doc! {
            "_id": id("507f1f77bcf86cd799439011"),
            "gpus": { "rtx-4050": { "price": 3.33 }, "rtx-4090": { "price": -1 } },
            "storage": { "containerDisk": { "price": 0.05 }, "volumeDisk": { "price": 0.1 } },
        }],
    )
    .await;
    insert("sessions", vec![doc! { "token": "x" }, doc! { "token": "y" }]).await;
    Some((server, database))
}

/// `server migrate` with these arguments, in its own folder.
async fn migrate(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(program("server"));
    command
        .current_dir(folder)
        .arg("migrate")
        .args(arguments)
        .env("HOME", folder)
        .env("NEUROPOD_DOMAIN", "neuropod.online")
        .env("NEUROPOD_LEGACY_NAMES", "true")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let ended = timeout(LIMIT, command.output()).await.expect("it ends in time");
    let Output {
        status,
        stdout,
        stderr,
    } = ended.expect("the server; `cargo build --example server` where only this test was built");
    let said = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
    (status.code().unwrap(), said)
}

async fn everything(database: &Database) -> Vec<Document> {
    let mut names = database.list_collection_names().await.unwrap();
    names.sort_unstable();
    let mut all = Vec::new();
    for name in names {
        let cursor = database
            .collection::<Document>(&name)
            .find(doc! {})
            .await
            .unwrap();
        all.push(doc! { "collection": name });
        all.extend(cursor.try_collect::<Vec<_>>().await.unwrap());
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_over_in_place() {
    let Some((server, database)) = old_backend("in_place").await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    // The same database with another of its addresses.
    let from = format!("{}plataforma", server.uri());
    let store = format!("{from}?appName=neuropod");
    let before = everything(&database).await;
    let arguments = ["--from", &from, "--store", &store, "--language", "es"];
    let (code, said) = migrate(
        folder.path(),
        &[&arguments[..], &["--dry-run", "--list"]].concat(),
    )
    .await;
    assert_eq!(code, 3, "a pod can't be taken over: {said}");
    for expected in [
        "Simulacro: no se cambia nada.",
        "Usuarios    3 por migrar",
        "Pods        1 por migrar, 1 que no se pueden migrar",
        "rtx-4050 3.33",
        "rtx-4090: -1 no es un precio; se aplica el configurado, 2.50",
        "su correo ANA@example.com es también el de 665f1f77bcf86cd799439011",
        "\"Infinity\" no es un saldo de cliente",
        "el pod «Año 2» (3f9a0c1d2e4b5a68), detenido; en el clúster a-o-2-81dc9bdb",
        "su dueño (665f1f77bcf86cd799439099) no existe; se aparta; su volumen workspace-81dc9bdb sigue en el clúster",
        "rtx-3090: 1 pods, 0.30 EUR por hora",
        "sessions: 2 documentos; cada usuario vuelve a iniciar sesión",
        "kubectl -n default delete pod --ignore-not-found a-o-2-81dc9bdb",
        "kubectl -n default delete service --ignore-not-found a-o-2-81dc9bdb-8888-service",
        "kubectl -n default label pvc workspace-81dc9bdb app.kubernetes.io/managed-by=neuropod",
        "repite la orden sin --dry-run",
    ] {
        assert!(said.contains(expected), "{expected:?} in {said}");
    }
    assert!(!said.contains("su enlace cambia"), "the link stays: {said}");
    assert_eq!(everything(&database).await, before, "a dry run changes nothing");

    let (code, said) = migrate(folder.path(), &arguments).await;
    assert_eq!(code, 3, "{said}");
    assert!(
        said.contains("Hecho: 4 documentos migrados, los precios guardados, 1 apartados."),
        "{said}"
    );
    let after = everything(&database).await;
    assert_ne!(after, before);

    let (code, said) = migrate(
        folder.path(),
        &["--from", &from, "--store", &store, "--language", "en"],
    )
    .await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("There is nothing to do."), "{said}");
    assert!(
        said.contains("Users       0 to migrate, 3 already migrated"),
        "{said}"
    );
    assert_eq!(everything(&database).await, after);
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_over_into_a_file() {
    let Some((server, database)) = old_backend("file").await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let from = format!("{}plataforma", server.uri());
    let before = everything(&database).await;
    let arguments = ["--from", &from, "--store", "sqlite:new.db"];
    let dry = [&arguments[..], &["--dry-run"]].concat();
    let (code, said) = migrate(folder.path(), &dry).await;
    assert_eq!(code, 3, "{said}");
    let files = || std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files(), 0, "a dry run makes no file");

    let (code, said) = migrate(folder.path(), &arguments).await;
    assert_eq!(code, 3, "{said}");
    assert_eq!(
        everything(&database).await,
        before,
        "the old database stays as it is"
    );
    let file = std::fs::read(folder.path().join("new.db")).unwrap();
    let (_, said) = migrate(folder.path(), &dry).await;
    assert!(said.contains("There is nothing to do."), "{said}");
    assert_eq!(
        std::fs::read(folder.path().join("new.db")).unwrap(),
        file,
        "a dry run changes no file"
    );
    let (_, said) = migrate(folder.path(), &arguments).await;
    assert!(said.contains("There is nothing to do."), "{said}");
}

#[tokio::test]
async fn missing_settings_are_reported_without_passwords() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = "mongodb://ana:hunter2@127.0.0.1:1/plataforma?serverSelectionTimeoutMS=200";
    for (arguments, code, expected) in [
        (&["--from", nowhere][..], 1, "the database can't be reached"),
        (
            &["--from", nowhere, "--store", "memory"],
            1,
            "store: what is migrated into `memory` would be lost",
        ),
        (
            &["--from", "mysql://ana:hunter2@db/x"],
            1,
            "--from: the address of the old database is needed",
        ),
        (&[], 1, "--from: the address of the old database is needed"),
        (&["--frm", nowhere], 2, "unexpected argument '--frm'"),
        (&["--help"], 0, "Exit codes:"),
    ] {
        let (ended, said) = migrate(folder.path(), arguments).await;
        assert_eq!(ended, code, "{arguments:?}: {said}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
        assert!(!said.contains("hunter2"), "{arguments:?}: {said}");
    }
}
