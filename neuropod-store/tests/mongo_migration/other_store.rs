use std::sync::Arc;

use mongodb::bson::{Document, doc};
use neuropod_core::money::{AccountKind, BillingExt};
use neuropod_core::store::UserStore;
use neuropod_core::{Billing, Money, UserId};
use neuropod_store::mongo::migrate::{self, Destination};
use neuropod_store::{MemoryStore, SqliteStore};

use crate::mongo_server::TestDatabase;
use crate::old_backend::{ANA, check_pods, check_prices, check_users, everything, fill, id, in_place, pod};

/// Everything is written into another store, and the old database is not changed.
#[tokio::test(flavor = "multi_thread")]
async fn migrates_into_another_store() {
    let Some(database) = TestDatabase::new("mongo_migration/other_store") else {
        return;
    };
    let driver = database.driver().await;
    fill(&driver).await;
    let mut nobody = pod("3f9a0c1d2e4b5a71", "Lost", "stopped");
    nobody.insert("userId", id("665f1f77bcf86cd799439099"));
    let pods = driver.collection::<Document>("pods");
    pods.insert_one(nobody).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(
        SqliteStore::open(folder.path().join("neuropod.db"))
            .await
            .unwrap(),
    );
    let destination = in_place().into_store(store.clone(), store.clone());
    let plan = async || migrate::plan(&database.uri, &destination).await.unwrap();

    let before = everything(&driver).await;
    let migration = plan().await;
    assert_eq!(migration.changes().count(), 8);
    assert_eq!(migration.summary().to_set_aside(), 1);
    assert!(store.users().await.unwrap().is_empty(), "a plan changes nothing");
    // Interrupted after the first user: their money must not be posted twice.
    let ana = store_first_user(&store, &destination, &database).await;
    let migration = plan().await;
    assert_eq!(
        (migration.summary().users.done, migration.summary().users.to_take),
        (1, 3)
    );
    migration.apply().await.unwrap();
    assert_eq!(
        store.balance(&ana).await.unwrap().available,
        Money::from_cents(970)
    );
    check_users(&*store).await;
    check_pods(&*store).await;
    check_prices(&*store).await;
    assert_eq!(
        everything(&driver).await,
        before,
        "the old database stays as it is"
    );
    assert_eq!(plan().await.changes().next(), None);

    // A user deleted on the new platform does not come back, nor do their pods.
    let whole = UserId::new("665f1f77bcf86cd799439014");
    store.remove_user(&whole).await.unwrap();
    let migration = plan().await;
    assert_eq!(migration.changes().next(), None, "{migration:#?}");

    // The old backend has changed data meanwhile.
    let users = driver.collection::<Document>("users");
    let change = doc! { "$set": { "balance": 5.0 } };
    users.update_one(doc! { "_id": id(ANA) }, change).await.unwrap();
    let migration = plan().await;
    assert_eq!(migration.changes().count(), 1, "{migration:#?}");
    migration.apply().await.unwrap();
    assert_eq!(
        store.balance(&ana).await.unwrap().available,
        Money::from_cents(500)
    );
    users
        .update_one(doc! { "_id": id(ANA) }, doc! { "$set": { "balance": 9.7 } })
        .await
        .unwrap();
    plan().await.apply().await.unwrap();
    database.remove().await;
}

/// The first user, as an attempt leaves them that was interrupted afterwards.
async fn store_first_user(store: &SqliteStore, destination: &Destination, database: &TestDatabase) -> UserId {
    let other = Arc::new(MemoryStore::new());
    let whole = destination.clone().into_store(other.clone(), other.clone());
    migrate::plan(&database.uri, &whole)
        .await
        .unwrap()
        .apply()
        .await
        .unwrap();
    let ana = other.user(&UserId::new(ANA)).await.unwrap().unwrap();
    store.open(&ana.id, AccountKind::Prepaid).await.unwrap();
    store
        .deposit(&format!("migration:{ANA}"), &ana.id, Money::from_cents(970))
        .await
        .unwrap();
    store.insert_user(&ana).await.unwrap();
    ana.id
}
