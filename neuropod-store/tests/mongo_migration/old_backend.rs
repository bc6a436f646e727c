//! A database as the old backend leaves it, and the expected result.

use futures::TryStreamExt;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, DateTime, Document, doc};
use mongodb::{Database, IndexModel};
use neuropod_core::money::{AccountKind, BillingExt};
use neuropod_core::naming::Naming;
use neuropod_core::pod::Desired;
use neuropod_core::store::Store;
use neuropod_core::store::{ListOptions, PriceStore, UserStore};
use neuropod_core::token::TokenState;
use neuropod_core::{AccessToken, Billing, Money, Role, Status, UserId};
use neuropod_store::mongo::migrate::{self, Destination, Migration};

use crate::mongo_server::TestDatabase;

pub(crate) const ANA: &str = "665f1f77bcf86cd799439011";
pub(crate) const ROOT: &str = "665f1f77bcf86cd799439012";
pub(crate) const TEMPLATE: &str = "665f1f77bcf86cd799439021";

pub(crate) fn id(text: &str) -> ObjectId {
    ObjectId::parse_str(text).unwrap()
}

pub(crate) fn in_place() -> Destination {
    Destination::in_place(Naming::legacy_md5("neuropod.online").unwrap())
}

pub(crate) async fn plan(database: &TestDatabase) -> Migration {
    migrate::plan(&database.uri, &in_place()).await.unwrap()
}

pub(crate) fn date() -> DateTime {
    DateTime::from_millis(1_717_500_000_123)
}

/// In the format of Mongoose.
pub(crate) fn user(object_id: &str, email: &str, role: &str, balance: impl Into<Bson>) -> Document {
    doc! {
        "_id": id(object_id), "email": email, "name": "Ana", "googleId": "1083", "role": role,
        "balance": balance.into(), "registrationDate": date(), "activePods": 1, "totalPods": 2,
        "status": "online", "avatar": "https://example.com/a.png", "__v": 0,
    }
}

/// The balance of administrators. FerretDB does not support infinite numbers; unit tests cover them.
async fn infinity(driver: &Database) -> Bson {
    let about = driver.run_command(doc! { "buildInfo": 1 }).await.unwrap();
    if about.contains_key("ferretdbVersion") {
        "Infinity".into()
    } else {
        f64::INFINITY.into()
    }
}

/// The token in the log of each Jupyter server.
const TOKEN: &str = "b1726e8f";

/// The token is stored in the fields of secrets and nowhere else.
pub(crate) async fn check_secrets(driver: &Database) {
    let mut secrets = 0;
    for mut document in everything(driver).await {
        if let Some(secret) = document.remove("secrets") {
            secrets += usize::from(secret.to_string().contains(TOKEN));
        }
        assert!(!document.to_string().contains(TOKEN), "{document}");
    }
    assert!(secrets > 0, "it is kept somewhere");
}

pub(crate) fn pod(pod_id: &str, name: &str, status: &str) -> Document {
    let in_cluster = format!("{}-81dc9bdb", name.to_lowercase());
    doc! {
        "podId": pod_id, "podName": name, "userId": id(ANA), "userHash": "81dc9bdb", "createdBy": id(ROOT),
        "deploymentType": "template", "templateId": id(TEMPLATE), "dockerImage": "jupyter/scipy-notebook",
        "gpu": "rtx-4090", "containerDiskSize": 20.0, "volumeDiskSize": 30, "enableJupyter": true,
        "status": status,
        "httpServices": [{
            "_id": ObjectId::new(), "port": 8888, "serviceName": "Jupyter Lab", "isCustom": false,
            "url": format!("https://{in_cluster}-8888.neuropod.online/?token={TOKEN}"), "status": "ready",
            "jupyterToken": TOKEN, "kubernetesServiceName": format!("{in_cluster}-8888-service"),
        }],
        "tcpServices": [{ "port": 22, "serviceName": "SSH", "status": "disable" }],
        "kubernetesResources": {
            "podName": &in_cluster, "pvcName": "workspace-81dc9bdb", "namespace": "default",
        },
        "stats": { "cpuUsage": 1.5 }, "createdAt": date(), "lastActive": date(), "__v": 3,
    }
}

pub(crate) fn prices(rtx_4050: impl Into<Bson>) -> Document {
    doc! {
        "_id": id("507f1f77bcf86cd799439011"),
        "gpus": {
            "rtx-4050": { "price": rtx_4050.into(), "available": true, "specs": { "memory": "6GB GDDR6" } },
            "rtx-4080": { "price": 4.99, "available": false },
            "rtx-4090": { "price": 8.99, "available": true },
        },
        "storage": { "containerDisk": { "price": 0.05 }, "volumeDisk": { "price": 0.1 } },
        "limits": { "containerDiskMax": 100 }, "freeTier": { "enabled": true, "initialBalance": 10 }, "__v": 0,
    }
}

pub(crate) async fn fill(driver: &Database) {
    let insert = async |name: &str, documents: Vec<Document>| {
        driver.collection(name).insert_many(documents).await.unwrap();
    };
    let users = vec![
        user(ANA, "Ana@Example.com", "client", 9.700_000_000_000_001),
        user(ROOT, "root@example.com", "admin", infinity(driver).await),
        user("665f1f77bcf86cd799439013", "debt@example.com", "client", -0.3),
        user("665f1f77bcf86cd799439014", "whole@example.com", "client", 10),
    ];
    insert("users", users).await;
    let template = doc! {
        "_id": id(TEMPLATE), "name": "Scipy", "dockerImage": "jupyter/scipy-notebook",
        "httpPorts": [{ "_id": ObjectId::new(), "port": 8888, "serviceName": "Jupyter Lab" }], "tcpPorts": [],
        "containerDiskSize": 20, "volumeDiskSize": 30, "volumePath": "/home/jovyan", "description": "# Scipy",
        "createdAt": date(), "__v": 0,
    };
    insert("templates", vec![template]).await;
    let pods = vec![
        pod("3f9a0c1d2e4b5a68", "Training", "running"),
        pod("3f9a0c1d2e4b5a69", "Inference", "stopped"),
    ];
    insert("pods", pods).await;
    insert("pricings", vec![prices(3.33)]).await;
    insert("sessions", vec![doc! { "userId": id(ANA), "token": "x" }]).await;
    // Indexes of the old backend do no harm.
    for (name, field) in [("users", "email"), ("pods", "podId"), ("templates", "name")] {
        let options = mongodb::options::IndexOptions::builder().unique(true).build();
        let index = IndexModel::builder()
            .keys(doc! { field: 1 })
            .options(options)
            .build();
        driver
            .collection::<Document>(name)
            .create_index(index)
            .await
            .unwrap();
    }
}

pub(crate) async fn everything(driver: &Database) -> Vec<Document> {
    let mut all = Vec::new();
    for name in [
        "users",
        "templates",
        "pods",
        "pricings",
        "prices",
        "accounts",
        "entries",
        "keys",
        "unmigrated",
    ] {
        let cursor = driver.collection::<Document>(name).find(doc! {}).await.unwrap();
        all.extend(cursor.try_collect::<Vec<_>>().await.unwrap());
    }
    all
}

pub(crate) async fn check_prices<S: PriceStore>(store: &S) {
    let prices = store.prices(None).await.unwrap().unwrap();
    assert_eq!(prices.version, 1);
    for (gpu, cents) in [("rtx-4050", 333), ("rtx-4080", 499), ("rtx-4090", 899)] {
        assert_eq!(prices.quote(gpu, 0, 0).gpu, Money::from_cents(cents), "{gpu}");
    }
    assert_eq!(prices.opening_credit.unwrap().credit(), Money::from_cents(1000));
    assert_eq!(prices.container_disk_gb, Money::from_cents(5));
    assert_eq!(prices.volume_disk_gb, Money::from_cents(10));
}

pub(crate) async fn check_users<S: UserStore + Billing>(store: &S) {
    let ana = store.user_by_email("ana@example.com").await.unwrap().unwrap();
    assert_eq!(
        (ana.id.as_str(), ana.email.as_str(), ana.role),
        (ANA, "Ana@Example.com", Role::Client)
    );
    assert_eq!(ana.registration_date.as_millisecond(), 1_717_500_000_123);
    let expected = [
        (ANA, AccountKind::Prepaid, 970),
        (ROOT, AccountKind::Unlimited, 0),
        ("665f1f77bcf86cd799439013", AccountKind::Prepaid, -30),
        ("665f1f77bcf86cd799439014", AccountKind::Prepaid, 1000),
    ];
    for (user, kind, cents) in expected {
        let user = UserId::new(user);
        let balance = store.balance(&user).await.unwrap();
        assert_eq!(
            (balance.kind, balance.available, balance.held),
            (kind, Money::from_cents(cents), Money::ZERO),
            "{user}"
        );
        let entries = store.all_entries(&user).await.unwrap();
        assert_eq!(entries.len(), usize::from(cents != 0), "{entries:?}");
    }
}

pub(crate) async fn check_pods<S: Store>(store: &S) {
    let templates = store.templates().await.unwrap();
    assert_eq!(templates.len(), 1);
    assert_eq!(
        (templates[0].id.as_str(), templates[0].options.mount_path()),
        (TEMPLATE, "/home/jovyan")
    );

    let options = ListOptions {
        owner: Some(UserId::new(ANA)),
        ..ListOptions::default()
    };
    let pods = store.list(&options).await.unwrap().pods;
    assert_eq!(pods.len(), 2);
    let training = pods.iter().find(|pod| pod.name == "Training").unwrap();
    assert_eq!(training.slug.as_str(), "training");
    assert_eq!(
        (training.desired, training.status),
        (Desired::Stopped, Status::Stopped)
    );
    assert_eq!(training.created_by.as_str(), ROOT);
    assert_eq!(training.template.as_deref(), Some(TEMPLATE));
    assert_eq!(training.options.disk_gb(), 20);
    assert_eq!(training.options.mount_path(), "/home/jovyan");
    assert_eq!(training.volume, "workspace-81dc9bdb");
    assert_eq!(training.options.ports()[0].name.as_deref(), Some("Jupyter Lab"));
    let token = TokenState::Generated(AccessToken::new(TOKEN));
    assert_eq!(training.login.found, token);
    // It can be changed like any other.
    assert_eq!(store.update(training).await.unwrap().version, 2);
}
