use futures::TryStreamExt;
use mongodb::Database;
use mongodb::bson::{Bson, Document, doc};
use neuropod_core::store::{ListOptions, UserStore};
use neuropod_core::{Billing, Money, PodStore, UserId};
use neuropod_store::MongoStore;
use neuropod_store::mongo::migrate::{Migration, Oddity};

use crate::mongo_server::TestDatabase;
use crate::old_backend::{check_secrets, everything, fill, id, plan, pod, user};

/// Every invalid document is repaired or set aside, and reported; none is lost or stops the rest.
#[tokio::test(flavor = "multi_thread")]
async fn invalid_documents_are_neither_lost_nor_stop_the_rest() {
    let Some(database) = TestDatabase::new("mongo_migration/odd") else {
        return;
    };
    let driver = database.driver().await;
    fill(&driver).await;
    fill_odd(&driver).await;

    let before = everything(&driver).await;
    let migration = plan(&database).await;
    assert_eq!(everything(&driver).await, before, "a plan changes nothing");
    check_findings(&migration);
    migration.apply().await.unwrap();
    check_carried(&MongoStore::connect(&database.uri).await.unwrap()).await;
    check_kept(&driver).await;
    check_secrets(&driver).await;

    let after = everything(&driver).await;
    let again = plan(&database).await;
    assert_eq!(again.changes().next(), None, "{again:#?}");
    assert_eq!(again.summary().set_aside_before, 2);
    again.apply().await.unwrap();
    assert_eq!(everything(&driver).await, after);
    database.remove().await;
}

async fn fill_odd(driver: &Database) {
    let users = driver.collection::<Document>("users");
    let odd = [
        user("665f1f77bcf86cd799439031", "ana@example.COM", "client", 1),
        user("665f1f77bcf86cd799439032", "rich@example.com", "client", 1e18),
        user("665f1f77bcf86cd799439033", "text@example.com", "client", "ten"),
        user("665f1f77bcf86cd799439034", "who@example.com", "owner", "2.5"),
        doc! { "_id": id("665f1f77bcf86cd799439035"), "balance": 4 },
    ];
    users.insert_many(odd).await.unwrap();
    let pods = driver.collection::<Document>("pods");
    let with = |pod_id: &str, name: &str, changes: Document| {
        let mut pod = pod(pod_id, name, "stopped");
        pod.remove("kubernetesResources");
        pod.remove("httpServices");
        pod.extend(changes);
        pod
    };
    let mut nobody = pod("3f9a0c1d2e4b5a71", "Lost", "stopped");
    nobody.insert("userId", id("665f1f77bcf86cd799439099"));
    let no_image = doc! { "dockerImage": "-rf", "templateId": Bson::Null };
    pods.insert_many([
        nobody,
        with("3f9a0c1d2e4b5a72", "Broken", no_image),
        // Its record has the name "Training".
        with(
            "3f9a0c1d2e4b5a78",
            "Copy",
            doc! { "kubernetesResources": { "podName": "training-81dc9bdb", "pvcName": "workspace-81dc9bdb" } },
        ),
        // The same names in the cluster as "Training".
        with("3f9a0c1d2e4b5a73", "training", doc! {}),
        with(
            "not hexadecimal!",
            "---",
            doc! {
                "containerDiskSize": "20", "volumeDiskSize": 0, "gpu": "rtx-3090",
                "httpServices": [{ "port": "8888", "url": "https://lab.example.com/?token=b1726e8f" }],
            },
        ),
        with("3f9a0c1d2e4b5a75", "Año 2", doc! {}),
        with(
            "3f9a0c1d2e4b5a76",
            "any",
            doc! {
                "dockerImage": "-rf",
                "kubernetesResources": { "podName": "a-o--3-81dc9bdb", "pvcName": "pvc-Año 3-81dc9bdb" },
            },
        ),
        with(
            "3f9a0c1d2e4b5a77",
            "2 de mayo",
            doc! { "httpServices": [{ "port": 8888 }, { "port": 0 }] },
        ),
    ])
    .await
    .unwrap();
}

fn check_findings(migration: &Migration) {
    let count_of = |matches: fn(&Oddity) -> bool| {
        migration
            .findings()
            .iter()
            .filter(|finding| matches(&finding.oddity))
            .count()
    };
    assert_eq!(count_of(|odd| matches!(odd, Oddity::AddressTaken { .. })), 1);
    assert_eq!(count_of(|odd| matches!(odd, Oddity::NoAddress { .. })), 1);
    assert_eq!(count_of(|odd| matches!(odd, Oddity::BalanceUnusable { .. })), 2);
    assert_eq!(count_of(|odd| matches!(odd, Oddity::RoleUnknown { .. })), 1);
    assert_eq!(
        count_of(|odd| matches!(odd, Oddity::NoOwner { .. } | Oddity::ImageUnusable { .. })),
        2
    );
    assert_eq!(count_of(|odd| matches!(odd, Oddity::ImageOfTemplate { .. })), 1);
    assert_eq!(count_of(|odd| matches!(odd, Oddity::NameTaken { .. })), 2);
    assert_eq!(count_of(|odd| matches!(odd, Oddity::PodIdReplaced { .. })), 1);
    assert_eq!(
        count_of(|odd| matches!(odd, Oddity::Size { .. })),
        1,
        "a number may be a text"
    );
    assert_eq!(count_of(|odd| matches!(odd, Oddity::Renamed { .. })), 2);
    assert_eq!(count_of(|odd| matches!(odd, Oddity::PortLeftOut { .. })), 1);
    let summary = migration.summary();
    assert_eq!((summary.users.to_take, summary.pods.to_take), (9, 8));
    assert_eq!(
        (summary.to_set_aside(), summary.unknown_gpus.get("rtx-3090")),
        (2, Some(&1))
    );
}

async fn check_carried(store: &MongoStore) {
    let all = store.users().await.unwrap();
    assert_eq!(all.len(), 9);
    let twice = store
        .user(&UserId::new("665f1f77bcf86cd799439031"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(twice.email, "665f1f77bcf86cd799439031@missing.invalid");
    assert!(twice.name.contains("ana@example.COM"), "{}", twice.name);
    for (user, cents) in [("31", 100), ("32", 0), ("33", 0), ("34", 250), ("35", 400)] {
        let user = UserId::new(format!("665f1f77bcf86cd7994390{user}"));
        assert_eq!(
            store.balance(&user).await.unwrap().available,
            Money::from_cents(cents),
            "{user}"
        );
    }
    let list = store.list(&ListOptions::default()).await.unwrap().pods;
    let mut names: Vec<_> = list
        .iter()
        .map(|pod| (pod.name.as_str(), pod.slug.as_str(), pod.volume.as_str()))
        .collect();
    names.sort_unstable();
    assert_eq!(names.len(), 8);
    assert_eq!(names[3], ("Copy", "copy", "workspace-81dc9bdb"));
    assert_eq!(names[1], ("2 de mayo", "p-2-de-mayo", "workspace-81dc9bdb"));
    assert_eq!(names[2], ("Año 2", "a-o-2", "workspace-81dc9bdb"));
    assert_eq!(names[5], ("Training", "training", "workspace-81dc9bdb"));
    assert_eq!(names[6], ("any", "a-o--3", "pvc-a-o-3-81dc9bdb"));
    assert_eq!(names[7], ("training", "training-2", "workspace-81dc9bdb"));
    let dashes = list.iter().find(|pod| pod.name == "---").unwrap();
    assert_eq!((dashes.options.disk_gb(), dashes.options.volume_gb()), (20, 1));
}

async fn check_kept(driver: &Database) {
    // Replaced values are still in the document, and documents set aside are complete.
    let pods = driver.collection::<Document>("pods");
    let stored = pods.find_one(doc! { "podName": "---" }).await.unwrap().unwrap();
    let was = stored
        .get_document("secrets")
        .unwrap()
        .get_document("beforeMigration")
        .unwrap();
    assert_eq!(was.get_str("podId").unwrap(), "not hexadecimal!");
    let aside = driver.collection::<Document>("unmigrated");
    let aside: Vec<_> = aside.find(doc! {}).await.unwrap().try_collect().await.unwrap();
    assert_eq!(aside.len(), 2);
    let nobody = aside.iter().find(|aside| {
        let document = aside
            .get_document("secrets")
            .unwrap()
            .get_document("document")
            .unwrap();
        document.get_str("podName").is_ok_and(|name| name == "Lost")
    });
    assert_eq!(nobody.unwrap().get_array("reasons").unwrap().len(), 1);
}
