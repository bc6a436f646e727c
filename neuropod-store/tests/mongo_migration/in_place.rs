use mongodb::bson::{Bson, Document, doc};
use neuropod_core::money::AccountKind;
use neuropod_core::store::PriceStore;
use neuropod_core::{Billing, Money, UserId};
use neuropod_store::MongoStore;

use crate::mongo_server::TestDatabase;
use crate::old_backend::{
    ANA, ROOT, check_pods, check_prices, check_secrets, check_users, everything, fill, id, plan, prices, user,
};

#[tokio::test(flavor = "multi_thread")]
async fn migrates_users_templates_pods_and_balances() {
    let Some(database) = TestDatabase::new("mongo_migration/takes_over") else {
        return;
    };
    let driver = database.driver().await;
    fill(&driver).await;

    // Nothing works before the migration.
    let error = MongoStore::connect(&database.uri).await.unwrap_err();
    assert_eq!(error.kind().code(), "not_configured", "{error:?}");

    // A plan changes nothing, and lists the changes.
    let before = everything(&driver).await;
    let migration = plan(&database).await;
    // A debt.
    assert_eq!(migration.findings().len(), 1, "{migration:#?}");
    let changes: Vec<_> = migration.changes().map(ToString::to_string).collect();
    assert_eq!(changes.len(), 8, "{changes:#?}");
    let summary = migration.summary();
    assert_eq!(
        (
            summary.users.to_take,
            summary.templates.to_take,
            summary.pods.to_take,
            summary.prices.to_take
        ),
        (4, 1, 2, 1)
    );
    assert_eq!(summary.left, [("sessions".to_owned(), 1)]);
    let cluster = migration.cluster();
    assert_eq!(cluster.objects[0].pod, "training-81dc9bdb");
    assert_eq!(cluster.objects[0].services, ["training-81dc9bdb-8888-service"]);
    assert_eq!(cluster.volumes.len(), 1, "one for all pods of a user");
    assert!(changes.contains(&format!(
        "users {ANA}: the user Ana@Example.com with a balance of 9.70"
    )));
    assert!(changes.contains(&format!(
        "users {ROOT}: the user root@example.com with an unlimited account"
    )));
    assert_eq!(everything(&driver).await, before);

    let applied = migration.apply().await.unwrap();
    assert_eq!((applied.taken, applied.set_aside, applied.prices), (7, 0, true));
    let store = MongoStore::connect(&database.uri).await.unwrap();
    check_users(&store).await;
    check_pods(&store).await;
    check_prices(&store).await;
    check_secrets(&driver).await;
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
    // Also in nested documents and lists.
    let resources = stored.get_document("kubernetesResources").unwrap();
    assert_eq!(resources.get_str("podName").unwrap(), "training-81dc9bdb");
    let options = stored.get_document("options").unwrap();
    let service = options.get_array("ports").unwrap()[0].as_document().unwrap();
    let name = service.get_str("kubernetesServiceName").unwrap();
    assert_eq!(
        (service.get("_id").is_some(), name),
        (true, "training-81dc9bdb-8888-service")
    );

    // A second run has nothing to do.
    let after = everything(&driver).await;
    let again = plan(&database).await;
    assert_eq!(again.changes().next(), None);
    again.apply().await.unwrap();
    assert_eq!(everything(&driver).await, after);

    // Interrupted after the money was posted and before the user was done.
    let users = driver.collection::<Document>("users");
    let old = user(ANA, "Ana@Example.com", "client", 9.700_000_000_000_001);
    users.replace_one(doc! { "_id": id(ANA) }, old).await.unwrap();
    let again = plan(&database).await;
    assert_eq!(again.changes().count(), 1);
    again.apply().await.unwrap();
    check_users(&store).await;

    // The old backend changes data between plan and application: its writes are not overwritten.
    let old = |euros| user(ANA, "Ana@Example.com", "client", euros);
    users
        .replace_one(doc! { "_id": id(ANA) }, old(9.7))
        .await
        .unwrap();
    let stale = plan(&database).await;
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

    // And the old backend has changed data meanwhile, several times.
    for cents in [450, 1225, -50, 970] {
        let old = user(ANA, "Ana@Example.com", "client", f64::from(cents) / 100.0);
        users.replace_one(doc! { "_id": id(ANA) }, old).await.unwrap();
        let again = plan(&database).await;
        again.apply().await.unwrap();
        let balance = store.balance(&UserId::new(ANA)).await.unwrap();
        let expected = (AccountKind::Prepaid, Money::from_cents(cents.into()));
        assert_eq!((balance.kind, balance.available), expected);
    }
    database.remove().await;
}

/// Prices that can't be charged are reported, and later ones of an administrator stay.
#[tokio::test(flavor = "multi_thread")]
async fn prices_are_reported_and_not_overwritten() {
    let Some(database) = TestDatabase::new("mongo_migration/prices") else {
        return;
    };
    let driver = database.driver().await;
    let pricings = driver.collection::<Document>("pricings");
    pricings.insert_one(prices("gratis")).await.unwrap();
    let migration = plan(&database).await;
    let findings = migration
        .findings()
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>();
    assert!(
        findings
            .iter()
            .any(|finding| finding.contains("rtx-4050") && finding.contains("gratis")),
        "{findings:?}"
    );
    migration.apply().await.unwrap();
    let store = MongoStore::connect(&database.uri).await.unwrap();
    let stored = store.prices(None).await.unwrap().unwrap();
    assert_eq!(
        stored.quote("rtx-4050", 0, 0).gpu,
        Money::from_cents(50),
        "as configured"
    );
    let again = plan(&database).await;
    assert_eq!(again.changes().next(), None);
    // An administrator sets other prices.
    store.add_prices(&stored).await.unwrap();
    assert_eq!(plan(&database).await.changes().next(), None);
    database.remove().await;
}
