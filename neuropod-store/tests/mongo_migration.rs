//! A database of the existing Node backend is taken over.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod mongo_server;

use futures::TryStreamExt;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, DateTime, Document, doc};
use mongodb::{Database, IndexModel};
use neuropod_core::naming::Naming;
use neuropod_core::token::TokenState;
use neuropod_core::{
    AccessToken, AccountKind, Billing, BillingExt, Desired, ListOptions, Money, PodStore, Role, Status,
    TemplateStore, UserId, UserStore,
};
use neuropod_store::MongoStore;
use neuropod_store::mongo::migrate;
use neuropod_test_cluster::MongoServer;

use self::mongo_server::TestDatabase;

const ANA: &str = "665f1f77bcf86cd799439011";
const ROOT: &str = "665f1f77bcf86cd799439012";
const TEMPLATE: &str = "665f1f77bcf86cd799439021";

fn id(text: &str) -> ObjectId {
    ObjectId::parse_str(text).unwrap()
}

fn naming() -> Naming {
    Naming::legacy_md5("neuropod.online").unwrap()
}

fn date() -> DateTime {
    DateTime::from_millis(1_717_500_000_123)
}

/// As Mongoose writes them.
fn user(object_id: &str, email: &str, role: &str, balance: impl Into<Bson>) -> Document {
    doc! {
        "_id": id(object_id), "email": email, "name": "Ana", "googleId": "1083", "role": role,
        "balance": balance.into(), "registrationDate": date(), "activePods": 1, "totalPods": 2,
        "status": "online", "avatar": "https://example.com/a.png", "__v": 0,
    }
}

/// What administrators have. FerretDB takes no infinite numbers; unit tests have them.
fn infinity() -> Bson {
    match MongoServer::given() {
        Some(_) => f64::INFINITY.into(),
        None => "Infinity".into(),
    }
}

fn pod(pod_id: &str, name: &str, status: &str) -> Document {
    doc! {
        "podId": pod_id, "podName": name, "userId": id(ANA), "userHash": "81dc9bdb", "createdBy": id(ROOT),
        "deploymentType": "template", "templateId": id(TEMPLATE), "dockerImage": "jupyter/scipy-notebook",
        "gpu": "rtx-4090", "containerDiskSize": 20.0, "volumeDiskSize": 30, "enableJupyter": true,
        "status": status,
        "httpServices": [{
            "_id": ObjectId::new(), "port": 8888, "serviceName": "Jupyter Lab", "isCustom": false,
            "url": "https://training-81dc9bdb-8888.neuropod.online", "status": "ready",
            "jupyterToken": "b1726e8f", "kubernetesServiceName": "training-81dc9bdb-8888-service",
        }],
        "tcpServices": [{ "port": 22, "serviceName": "SSH", "status": "disable" }],
        "kubernetesResources": {
            "podName": "training-81dc9bdb", "pvcName": "workspace-81dc9bdb", "namespace": "default",
        },
        "stats": { "cpuUsage": 1.5 }, "createdAt": date(), "lastActive": date(), "__v": 3,
    }
}

async fn fill(driver: &Database) {
    let insert = async |name: &str, documents: Vec<Document>| {
        driver.collection(name).insert_many(documents).await.unwrap();
    };
    let users = vec![
        user(ANA, "Ana@Example.com", "client", 9.700_000_000_000_001),
        user(ROOT, "root@example.com", "admin", infinity()),
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
    // Indexes of the old backend don't stand in the way.
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

async fn everything(driver: &Database) -> Vec<Document> {
    let mut all = Vec::new();
    for name in ["users", "templates", "pods", "accounts", "entries", "keys"] {
        let cursor = driver.collection::<Document>(name).find(doc! {}).await.unwrap();
        all.extend(cursor.try_collect::<Vec<_>>().await.unwrap());
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_over_users_templates_pods_and_balances() {
    let Some(database) = TestDatabase::new("mongo_migration/takes_over") else {
        return;
    };
    let driver = database.driver().await;
    fill(&driver).await;

    // Nothing goes on before it.
    let error = MongoStore::connect(&database.uri).await.unwrap_err();
    assert_eq!(error.kind().code(), "not_configured", "{error:?}");

    // A plan changes nothing, and says what would change.
    let before = everything(&driver).await;
    let plan = migrate::plan(&database.uri, &naming()).await.unwrap();
    assert_eq!(plan.problems(), []);
    let changes: Vec<_> = plan.changes().map(ToString::to_string).collect();
    assert_eq!(changes.len(), 7, "{changes:#?}");
    assert!(changes.contains(&format!("users {ANA}: the user Ana@Example.com with 9.70 EUR")));
    assert!(changes.contains(&format!(
        "users {ROOT}: the user root@example.com with an unlimited account"
    )));
    assert_eq!(everything(&driver).await, before);

    plan.apply().await.unwrap();
    let store = MongoStore::connect(&database.uri).await.unwrap();
    check_users(&store).await;
    check_pods(&store).await;
    let stored = driver.collection::<Document>("pods");
    let stored = stored
        .find_one(doc! { "podName": "Training" })
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stored.get("userId"), Some(&Bson::ObjectId(id(ANA))));
    assert_eq!(
        stored.get("stats"),
        Some(&Bson::Document(doc! { "cpuUsage": 1.5 })),
        "what is unknown stays"
    );
    // Within parts and lists too.
    let resources = stored.get_document("kubernetesResources").unwrap();
    assert_eq!(resources.get_str("podName").unwrap(), "training-81dc9bdb");
    let service = stored.get_array("httpServices").unwrap()[0]
        .as_document()
        .unwrap();
    let name = service.get_str("kubernetesServiceName").unwrap();
    assert_eq!(
        (service.get("_id").is_some(), name),
        (true, "training-81dc9bdb-8888-service")
    );

    // A second time there is nothing to do.
    let after = everything(&driver).await;
    let again = migrate::plan(&database.uri, &naming()).await.unwrap();
    assert_eq!(again.changes().next(), None);
    again.apply().await.unwrap();
    assert_eq!(everything(&driver).await, after);

    // It was interrupted after the money had been paid in and before the user was done.
    let users = driver.collection::<Document>("users");
    let old = user(ANA, "Ana@Example.com", "client", 9.700_000_000_000_001);
    users.replace_one(doc! { "_id": id(ANA) }, old).await.unwrap();
    let again = migrate::plan(&database.uri, &naming()).await.unwrap();
    assert_eq!(again.changes().count(), 1);
    again.apply().await.unwrap();
    check_users(&store).await;

    // Its old backend goes on between plan and application: what it wrote is not overwritten.
    let old = |euros| user(ANA, "Ana@Example.com", "client", euros);
    users
        .replace_one(doc! { "_id": id(ANA) }, old(9.7))
        .await
        .unwrap();
    let stale = migrate::plan(&database.uri, &naming()).await.unwrap();
    users
        .replace_one(doc! { "_id": id(ANA) }, old(5.0))
        .await
        .unwrap();
    let error = stale.apply().await.unwrap_err();
    assert_eq!(
        (error.kind().code(), error.is_retryable()),
        ("conflict", false),
        "{error}"
    );

    // And its old backend has gone on meanwhile, once and again.
    for cents in [450, 1225, -50, 970] {
        let old = user(ANA, "Ana@Example.com", "client", f64::from(cents) / 100.0);
        users.replace_one(doc! { "_id": id(ANA) }, old).await.unwrap();
        let again = migrate::plan(&database.uri, &naming()).await.unwrap();
        again.apply().await.unwrap();
        let balance = store.balance(&UserId::new(ANA)).await.unwrap();
        let expected = (AccountKind::Prepaid, Money::from_cents(cents.into()));
        assert_eq!((balance.kind, balance.available), expected);
    }
    database.remove().await;
}

async fn check_users(store: &MongoStore) {
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

async fn check_pods(store: &MongoStore) {
    let templates = store.templates().await.unwrap();
    assert_eq!(templates.len(), 1);
    assert_eq!(
        (templates[0].id.as_str(), templates[0].volume_path.as_str()),
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
    assert_eq!(training.spec.template.as_deref(), Some(TEMPLATE));
    assert_eq!(training.spec.container_disk_gb, 20);
    assert_eq!(training.spec.mount_path, "/home/jovyan");
    assert_eq!(training.spec.volume, "workspace-81dc9bdb");
    assert_eq!(training.spec.endpoints[0].service_name, "Jupyter Lab");
    let token = TokenState::Generated(AccessToken::new("b1726e8f"));
    assert_eq!(training.login.found, token);
    // It can be changed like any other.
    assert_eq!(store.update(training).await.unwrap().version, 2);
}

/// Everything that is wrong is reported at once, and nothing is changed.
#[tokio::test(flavor = "multi_thread")]
async fn problems_are_solved_first() {
    let Some(database) = TestDatabase::new("mongo_migration/problems") else {
        return;
    };
    let driver = database.driver().await;
    fill(&driver).await;
    let users = driver.collection::<Document>("users");
    let broken = [
        user("665f1f77bcf86cd799439031", "ana@example.COM", "client", 1),
        user("665f1f77bcf86cd799439032", "rich@example.com", "client", 1e18),
        user("665f1f77bcf86cd799439033", "text@example.com", "client", "ten"),
        user("665f1f77bcf86cd799439034", "who@example.com", "owner", 1),
    ];
    users.insert_many(broken).await.unwrap();
    let pods = driver.collection::<Document>("pods");
    let mut nobody = pod("3f9a0c1d2e4b5a71", "Lost", "stopped");
    nobody.insert("userId", id("665f1f77bcf86cd799439099"));
    let mut wrong = pod("not hexadecimal!", "---", "stopped");
    wrong.insert("dockerImage", "-rf");
    wrong.insert("containerDiskSize", "20");
    pods.insert_many([nobody, wrong, pod("3f9a0c1d2e4b5a72", "training", "stopped")])
        .await
        .unwrap();

    let before = everything(&driver).await;
    let plan = migrate::plan(&database.uri, &naming()).await.unwrap();
    let mut problems: Vec<_> = plan
        .problems()
        .iter()
        .map(|problem| (problem.collection, problem.field))
        .collect();
    problems.sort_unstable();
    assert_eq!(
        problems,
        [
            ("pods", "containerDiskSize"),
            ("pods", "dockerImage"),
            ("pods", "podId"),
            ("pods", "podName"),
            ("pods", "podName"),
            ("pods", "userId"),
            ("users", "balance"),
            ("users", "balance"),
            ("users", "email"),
            ("users", "role"),
        ],
        "{plan:#?}"
    );
    let error = plan.apply().await.unwrap_err();
    assert_eq!(error.kind().code(), "invalid_state");
    assert_eq!(everything(&driver).await, before);
    database.remove().await;
}
