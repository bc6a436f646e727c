//! Steps of folding that were broken off, and changes that come late, on a real server.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod failure;
mod mongo_server;
mod sample;

use futures::TryStreamExt;
use jiff::{SignedDuration, Timestamp};
use mongodb::Database;
use mongodb::bson::{Bson, Document, doc};
use neuropod_core::money::billing::{Draw, Period};
use neuropod_core::money::{AccountKind, BillingExt, LedgerFolding};
use neuropod_core::{Billing, Money, PodId, UserId};
use neuropod_store::MongoStore;

use self::failure::failed;
use self::mongo_server::TestDatabase;

const COLLECTIONS: [&str; 3] = ["accounts", "entries", "keys"];

/// All documents of the ledger.
type Ledger = [Vec<Document>; 3];

async fn read(database: &Database) -> Ledger {
    let mut all = Ledger::default();
    for (documents, name) in all.iter_mut().zip(COLLECTIONS) {
        let collection = database.collection::<Document>(name);
        let found = collection.find(doc! {}).sort(doc! { "_id": 1 });
        *documents = found.await.unwrap().try_collect().await.unwrap();
    }
    all
}

async fn write(database: &Database, ledger: &Ledger) {
    for (documents, name) in ledger.iter().zip(COLLECTIONS) {
        let collection = database.collection::<Document>(name);
        collection.delete_many(doc! {}).await.unwrap();
        collection.insert_many(documents).await.unwrap();
    }
}

/// Charges a pod some minutes. Returns the draws.
async fn charge(store: &MongoStore, user: &UserId) -> Vec<Draw> {
    let pod = PodId::random();
    let hold = format!("{pod}:0");
    store.open(user, AccountKind::Unlimited).await.unwrap();
    store
        .hold_amount(&hold, user, Money::from_cents(9))
        .await
        .unwrap();
    let mut draws = Vec::new();
    for number in 0..6 {
        let at = |minutes| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
        let mut draw = sample::minute(&format!("{hold}:{number}"), user, &hold);
        draw.details.pod = Some(pod.clone());
        draw.details.hourly = Some(Money::from_cents(60));
        draw.details.period = Some(Period {
            from: at(number),
            until: at(number + 1),
        });
        draw.top_up = Money::from_cents(9);
        store.draw(&draw).await.unwrap();
        draws.push(draw);
    }
    draws
}

/// A process died after it had written a step of folding, at any place of its flush.
#[tokio::test(flavor = "multi_thread")]
async fn a_step_of_folding_is_completed() {
    let Some(database) = TestDatabase::new("mongo_folding/a_step_of_folding_is_completed") else {
        return;
    };
    let store = MongoStore::connect(&database.uri).await.unwrap();
    let user = UserId::new("ana");
    let draws = charge(&store, &user).await;
    let driver = database.driver().await;
    let before = read(&driver).await;
    let folded = store.fold(Timestamp::MAX).await.unwrap();
    assert_eq!(
        (folded.accounts, folded.entries_removed, folded.keys_removed),
        (1, 4 + 5, 5)
    );
    let after = read(&driver).await;
    let shown = store.all_entries(&user).await.unwrap();
    assert_eq!(shown.len(), 1 + 2 + 1);

    let [accounts, entries, keys] = &after;
    let replaced: Vec<_> = entries
        .iter()
        .filter(|entry| entry.contains_key("fold"))
        .collect();
    let gone: Vec<_> = entries
        .iter()
        .filter(|entry| entry.contains_key("gone"))
        .collect();
    let is_in =
        |keys: &[Document], key: &Document| keys.iter().any(|other| other.get("_id") == key.get("_id"));
    let forgotten: Vec<_> = before[2].iter().filter(|key| !is_in(keys, key)).collect();
    let marker = keys.iter().find(|key| !is_in(&before[2], key)).unwrap();
    let number = |entry: &&Document| entry.get_i64("number").unwrap();
    let id = |key: &&Document| key.get_str("_id").unwrap().to_owned();
    let mut account = accounts[0].clone();
    account.insert(
        "folding",
        doc! {
            "version": account.get_i64("version").unwrap(),
            "replaced": replaced.iter().map(|entry| (*entry).clone()).collect::<Vec<_>>(),
            "removed": gone.iter().map(number).collect::<Vec<_>>(),
            "forgotten": forgotten.iter().map(id).collect::<Vec<_>>(),
            "records": [{ "key": id(&marker), "record": marker.get_document("record").unwrap() }],
        },
    );
    let mut claim = marker.clone();
    claim.insert("record", Bson::Null);
    claim.insert("at", 0_i64);
    for flushed in 0..=4 {
        let [_, mut entries, mut keys] = before.clone();
        keys.push(if flushed >= 1 {
            marker.clone()
        } else {
            claim.clone()
        });
        if flushed >= 2 {
            keys.retain(|key| !forgotten.contains(&key));
        }
        for entry in &mut entries {
            let same = |other: &&&Document| other.get("_id") == entry.get("_id");
            let new = replaced.iter().find(same).filter(|_| flushed >= 3);
            let new = new.or_else(|| gone.iter().find(same).filter(|_| flushed >= 4));
            if let Some(new) = new {
                *entry = (*new).clone();
            }
        }
        write(&driver, &[vec![account.clone()], entries, keys]).await;
        // Whoever comes next completes it: a reader, or a repetition of a charge.
        if flushed % 2 == 0 {
            failed(store.draw(&draws[0]).await, "invalid_state", false);
        }
        assert_eq!(store.all_entries(&user).await.unwrap(), shown, "{flushed}");
        for draw in &draws[..5] {
            failed(store.draw(draw).await, "invalid_state", false);
        }
        let newest = store.draw(&draws[5]).await.unwrap();
        assert_eq!(newest.charged, Money::from_cents(1));
        let [accounts, ..] = read(&driver).await;
        assert_eq!(accounts[0].get("folding"), Some(&Bson::Null), "{flushed}");
    }
    database.remove().await;
}

/// A process is late with the entries of a change that others have completed and folded.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_change_inserts_nothing_that_is_gone() {
    let Some(database) = TestDatabase::new("mongo_folding/a_late_change_inserts_nothing_that_is_gone") else {
        return;
    };
    let store = MongoStore::connect(&database.uri).await.unwrap();
    let user = UserId::new("ana");
    charge(&store, &user).await;
    let driver = database.driver().await;
    let [_, old, _] = read(&driver).await;
    store.fold(Timestamp::MAX).await.unwrap();
    let shown = store.all_entries(&user).await.unwrap();
    let old = old.into_iter().map(|mut entry| {
        entry.remove("_id");
        entry
    });
    let pending = doc! { "version": 1_i64, "entries": old.collect::<Vec<_>>(), "records": [] };
    let accounts = driver.collection::<Document>("accounts");
    let late = doc! { "$set": { "pending": pending } };
    accounts.update_one(doc! {}, late).await.unwrap();
    assert_eq!(store.all_entries(&user).await.unwrap(), shown);

    // They are deleted when nobody can be late any more.
    let entries = driver.collection::<Document>("entries");
    let count = async || entries.count_documents(doc! {}).await.unwrap();
    store.fold(Timestamp::MAX).await.unwrap();
    assert_eq!(count().await, 13);
    let long_ago = doc! { "$set": { "gone": mongodb::bson::DateTime::from_millis(0) } };
    entries
        .update_many(doc! { "gone": { "$exists": true } }, long_ago)
        .await
        .unwrap();
    store.fold(Timestamp::MAX).await.unwrap();
    assert_eq!(count().await, u64::try_from(shown.len()).unwrap());
    assert_eq!(store.all_entries(&user).await.unwrap(), shown);
    database.remove().await;
}
