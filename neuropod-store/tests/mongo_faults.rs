//! Failures of a server, and recovery from them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod failure;
mod mongo_server;
mod sample;

use std::sync::Arc;
use std::time::{Duration, Instant};

use mongodb::bson::{Bson, Document, doc};
use neuropod_core::money::{AccountKind, BillingExt};
use neuropod_core::{Billing, Money, Pod, PodStore, Result, Status, UserId};
use neuropod_store::MongoStore;
use neuropod_test_cluster::{MongoServer, PostgresServer};
use tokio::task::JoinSet;

use self::failure::{failed, unanswered};
use self::mongo_server::{TestDatabase, own_servers, started};
use self::sample::minute;

/// The time limit of every operation, whatever happens.
const DEADLINE: Duration = Duration::from_secs(30);

async fn in_time<T>(operation: impl Future<Output = Result<T>>) -> Result<T> {
    let start = Instant::now();
    let result = operation.await;
    assert!(start.elapsed() < DEADLINE, "it took {:?}", start.elapsed());
    result
}

/// A stopped server fails calls in time, and once it is back everything works again.
#[tokio::test(flavor = "multi_thread")]
async fn stopped_and_started_again() {
    for server in own_servers("mongo_faults/stopped_and_started_again") {
        let store = MongoStore::connect(&server.uri()).await.unwrap();
        let user = UserId::new("ana");
        let pod = store.insert(&sample::pod(&user)).await.unwrap();
        store.open(&user, AccountKind::Prepaid).await.unwrap();
        store.deposit("first", &user, Money::from_cents(5)).await.unwrap();

        server.stop().unwrap();
        let uri = server.uri();
        let (got, updated, paid, connected) = tokio::join!(
            in_time(store.get(&pod.id)),
            in_time(store.update(&pod)),
            in_time(store.deposit("second", &user, Money::from_cents(7))),
            in_time(MongoStore::connect(&uri)),
        );
        failed(got, "unavailable", true);
        failed(updated, "unavailable", true);
        failed(paid, "unavailable", true);
        failed(connected, "unavailable", true);

        server.restart().unwrap();
        assert_eq!(store.get(&pod.id).await.unwrap(), Some(pod.clone()));
        assert_eq!(store.update(&pod).await.unwrap().version, 2);
        store
            .deposit("second", &user, Money::from_cents(7))
            .await
            .unwrap();
        let balance = store.balance(&user).await.unwrap();
        assert_eq!(balance.available, Money::from_cents(12));
    }
}

/// A silent server fails calls in time. If a call took effect all the same, its repetition counts once.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_fails_calls_in_time() {
    for server in own_servers("mongo_faults/a_silent_server_fails_calls_in_time") {
        let store = MongoStore::connect(&server.uri()).await.unwrap();
        let user = UserId::new("ana");
        store.open(&user, AccountKind::Prepaid).await.unwrap();
        store.deposit("first", &user, Money::from_cents(5)).await.unwrap();

        server.pause().unwrap();
        let (read, paid) = tokio::join!(
            in_time(store.balance(&user)),
            in_time(store.deposit("second", &user, Money::from_cents(7))),
        );
        unanswered(read);
        unanswered(paid);

        server.resume().unwrap();
        store
            .deposit("second", &user, Money::from_cents(7))
            .await
            .unwrap();
        let balance = store.balance(&user).await.unwrap();
        assert_eq!(balance.available, Money::from_cents(12));
    }
}

/// The server crashes repeatedly during many changes of money; each is repeated until it is acknowledged. In
/// the end each was made once, and the entries add up.
#[tokio::test(flavor = "multi_thread")]
async fn crashes_under_load() {
    for server in own_servers("mongo_faults/crashes_under_load") {
        survives_crashes(server, |server| {
            server.stop().unwrap();
            server.restart().unwrap();
        })
        .await;
    }
}

/// The same of the PostgreSQL in which FerretDB keeps documents.
#[tokio::test(flavor = "multi_thread")]
async fn crashes_below_the_server() {
    let Some(server) = on_postgres("crashes_below_the_server") else {
        return;
    };
    survives_crashes(server, |server| {
        let postgres = server.postgres().unwrap();
        postgres.stop().unwrap();
        postgres.restart().unwrap();
    })
    .await;
}

/// Something that is done to the PostgreSQL.
type Act = fn(&PostgresServer);

/// FerretDB on PostgreSQL. `None` where the server is another one, which has nothing below it.
fn on_postgres(test: &str) -> Option<MongoServer> {
    let server = started(&format!("mongo_faults/{test}"), MongoServer::start_on_postgres())?;
    server.is_ferretdb().then_some(server)
}

/// Fails calls in time while the PostgreSQL below FerretDB is away, and works again with it.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_below_the_server() {
    let Some(server) = on_postgres("nothing_below_the_server") else {
        return;
    };
    let postgres = server.postgres().unwrap();
    let store = MongoStore::connect(&server.uri()).await.unwrap();
    let user = UserId::new("ana");
    store.open(&user, AccountKind::Prepaid).await.unwrap();
    let uri = server.uri();
    let outages: [(Act, Act); 2] = [
        (
            |postgres| postgres.stop().unwrap(),
            |postgres| postgres.restart().unwrap(),
        ),
        (
            |postgres| postgres.pause().unwrap(),
            |postgres| postgres.resume().unwrap(),
        ),
    ];
    for (away, back) in outages {
        away(postgres);
        let (read, paid, connected) = tokio::join!(
            in_time(store.balance(&user)),
            in_time(store.deposit("paid", &user, Money::from_cents(7))),
            in_time(MongoStore::connect(&uri)),
        );
        unanswered(read);
        unanswered(paid);
        unanswered(connected);
        back(postgres);
        repeat(|| store.deposit("paid", &user, Money::from_cents(7))).await;
        let balance = store.balance(&user).await.unwrap();
        assert_eq!(balance.available, Money::from_cents(7));
    }
}

async fn survives_crashes(server: MongoServer, crash: impl Fn(&MongoServer) + Send + 'static) {
    const TASKS: usize = 8;
    const CHANGES: usize = 20;
    const CRASHES: usize = 10;
    let server = Arc::new(server);
    let store = Arc::new(MongoStore::connect(&server.uri()).await.unwrap());
    let user = UserId::new("ana");
    store.open(&user, AccountKind::Prepaid).await.unwrap();

    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let (store, user) = (store.clone(), user.clone());
        tasks.spawn(async move {
            for change in 0..CHANGES {
                let key = format!("{task}/{change}");
                repeat(|| store.deposit(&key, &user, Money::from_cents(10))).await;
                let hold = format!("{key}/hold");
                repeat(|| store.hold_amount(&hold, &user, Money::from_cents(5))).await;
                let drawn = minute(&format!("{key}/minute"), &user, &hold);
                repeat(|| async { store.draw(&drawn).await.map(drop) }).await;
                repeat(|| store.release(&hold)).await;
            }
        });
    }
    let crashes = {
        let server = server.clone();
        tokio::task::spawn_blocking(move || {
            for number in 0..CRASHES {
                // Not waiting for anything: the point is the varying progress of the others.
                std::thread::sleep(Duration::from_millis(150 + 37 * number as u64));
                crash(&server);
            }
        })
    };
    crashes.await.unwrap();
    tasks.join_all().await;

    let balance = store.balance(&user).await.unwrap();
    let each = Money::from_cents(10 - 1);
    let all = each.times(u32::try_from(TASKS * CHANGES).unwrap());
    assert_eq!((balance.available, balance.held), (all, Money::ZERO));
    let entries = store.all_entries(&user).await.unwrap();
    assert_eq!(
        entries.len(),
        TASKS * CHANGES * 4,
        "each change has its entries once"
    );
    assert_eq!(entries.iter().map(|entry| entry.amount).sum::<Money>(), all);
}

async fn repeat<F: Future<Output = Result<()>>>(change: impl Fn() -> F) {
    while let Err(error) = change().await {
        assert!(error.is_retryable(), "{error:?}");
    }
}

/// A process died after writing a change and before its entries reached their collection.
#[tokio::test(flavor = "multi_thread")]
async fn a_pending_change_is_completed() {
    let Some(database) = TestDatabase::new("mongo_faults/a_pending_change_is_completed") else {
        return;
    };
    let store = MongoStore::connect(&database.uri).await.unwrap();
    let user = UserId::new("ana");
    store.open(&user, AccountKind::Prepaid).await.unwrap();
    store.deposit("paid", &user, Money::from_cents(5)).await.unwrap();
    let whole = store.all_entries(&user).await.unwrap();

    // The state in between.
    let driver = database.driver().await;
    let collection = |name: &str| driver.collection::<Document>(name);
    let (accounts, entries, keys) = (collection("accounts"), collection("entries"), collection("keys"));
    let account = accounts.find_one(doc! {}).await.unwrap().unwrap();
    let mut entry = entries.find_one_and_delete(doc! {}).await.unwrap().unwrap();
    entry.remove("_id");
    // A later version may have started the change.
    entry.insert("team", "vision");
    let key = keys.find_one(doc! {}).await.unwrap().unwrap();
    let mut record = key.get_document("record").unwrap().clone();
    record.insert("team", "vision");
    let pending = doc! {
        "version": account.get("version").unwrap(),
        "entries": [entry],
        "records": [{ "key": "paid", "record": record }],
    };
    let unknown = doc! { "$set": { "record": Bson::Null, "at": 0_i64 } };
    keys.update_one(doc! {}, unknown).await.unwrap();
    let set = doc! { "$set": { "pending": pending } };
    accounts.update_one(doc! {}, set).await.unwrap();

    // The next call may be its repetition, a release, or a read.
    let other = UserId::new("berta");
    store.open(&other, AccountKind::Prepaid).await.unwrap();
    let error = store.deposit("paid", &other, Money::from_cents(5)).await;
    failed(error, "conflict", false);
    failed(store.release("paid").await, "conflict", false);
    store.deposit("paid", &user, Money::from_cents(5)).await.unwrap();
    assert_eq!(store.all_entries(&user).await.unwrap(), whole);
    let account = accounts.find_one(doc! {}).await.unwrap().unwrap();
    assert_eq!(account.get("pending"), Some(&Bson::Null), "it is completed");
    let entry = entries.find_one(doc! {}).await.unwrap().unwrap();
    let key = keys.find_one(doc! { "_id": "paid" }).await.unwrap().unwrap();
    for document in [&entry, key.get_document("record").unwrap()] {
        assert_eq!(
            document.get_str("team").unwrap(),
            "vision",
            "what is unknown stays"
        );
    }
    database.remove().await;
}

/// A process died after claiming a key, or while taking one over: the key is still free.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_is_taken_over() {
    let Some(database) = TestDatabase::new("mongo_faults/a_claim_is_taken_over") else {
        return;
    };
    let store = MongoStore::connect(&database.uri).await.unwrap();
    let (ana, berta) = (UserId::new("ana"), UserId::new("berta"));
    for user in [&ana, &berta] {
        store.open(user, AccountKind::Prepaid).await.unwrap();
    }
    let keys = database.driver().await.collection::<Document>("keys");
    let claims = [
        ("claimed", "ana".into(), Bson::Null),
        ("half taken over", "carla".into(), "ana".into()),
        ("half closed", Bson::Null, "ana".into()),
    ];
    for (name, account, previous) in claims {
        for end in ["", ", closed"] {
            let claim = doc! {
                "_id": format!("{name}{end}"), "account": &account, "previous": &previous,
                "claim": 1_i64, "record": Bson::Null, "at": 0_i64,
            };
            keys.insert_one(claim).await.unwrap();
        }
        store.deposit(name, &berta, Money::from_cents(1)).await.unwrap();
        store.deposit(name, &berta, Money::from_cents(1)).await.unwrap();
        failed(
            store.deposit(name, &ana, Money::from_cents(1)).await,
            "conflict",
            false,
        );

        let closed = format!("{name}, closed");
        let drawn = store
            .draw(&minute(&format!("{closed}, minute"), &ana, &closed))
            .await;
        failed(drawn, "not_found", false);
        store.release(&closed).await.unwrap();
        failed(
            store.hold_amount(&closed, &ana, Money::ZERO).await,
            "invalid_state",
            false,
        );
    }
    let balance = store.balance(&berta).await.unwrap();
    assert_eq!(balance.available, Money::from_cents(3));
    assert_eq!(store.balance(&ana).await.unwrap().available, Money::ZERO);
    database.remove().await;
}

/// Fields of a later version are kept when this one changes the rest.
#[tokio::test(flavor = "multi_thread")]
async fn unknown_fields_survive_a_rewrite() {
    let Some(database) = TestDatabase::new("mongo_faults/unknown_fields_survive_a_rewrite") else {
        return;
    };
    let store = MongoStore::connect(&database.uri).await.unwrap();
    let pod = store.insert(&sample::pod(&UserId::new("ana"))).await.unwrap();
    let pods = database.driver().await.collection::<Document>("pods");
    let later = doc! { "$set": {
        "team": "vision", "meter.tax": 21, "options.ports.1.kubernetesServiceName": "a-b-7860-service",
    } };
    pods.update_one(doc! {}, later).await.unwrap();

    let pod = Pod {
        status: Status::Running,
        ..store.get(&pod.id).await.unwrap().unwrap()
    };
    let updated = store.update(&pod).await.unwrap();
    assert_eq!(updated.status, Status::Running);
    let stored = pods.find_one(doc! {}).await.unwrap().unwrap();
    assert_eq!(stored.get_str("status").unwrap(), "running");
    assert_eq!(stored.get_str("team").unwrap(), "vision");
    assert_eq!(stored.get_document("meter").unwrap().get_i32("tax").unwrap(), 21);
    let services = stored
        .get_document("options")
        .unwrap()
        .get_array("ports")
        .unwrap();
    let service = services[1].as_document().unwrap();
    assert_eq!(
        service.get_str("kubernetesServiceName").unwrap(),
        "a-b-7860-service"
    );
    database.remove().await;
}

/// The same of what happened under a key of money, which changes as the hold is used and ends.
#[tokio::test(flavor = "multi_thread")]
async fn unknown_fields_of_a_hold_survive_its_changes() {
    let name = "mongo_faults/unknown_fields_of_a_hold_survive_its_changes";
    let Some(database) = TestDatabase::new(name) else {
        return;
    };
    let store = MongoStore::connect(&database.uri).await.unwrap();
    let ana = UserId::new("ana");
    store.open(&ana, AccountKind::Unlimited).await.unwrap();
    store
        .hold_amount("hour", &ana, Money::from_cents(9))
        .await
        .unwrap();

    let keys = database.driver().await.collection::<Document>("keys");
    let later = doc! { "$set": { "record.team": "vision", "record.by": { "tax": 21 } } };
    keys.update_one(doc! {}, later).await.unwrap();
    let expected = |held: i64, end: Bson| {
        doc! {
            "kind": "held", "user": "ana", "amount": 90_000_i64, "held": held, "end": end,
            "team": "vision", "by": { "tax": 21 },
        }
    };
    let record = async || {
        let key = keys.find_one(doc! { "_id": "hour" }).await.unwrap().unwrap();
        key.get_document("record").unwrap().clone()
    };
    store.draw(&minute("minute", &ana, "hour")).await.unwrap();
    assert_eq!(record().await, expected(80_000, Bson::Null));
    store.release("hour").await.unwrap();
    assert_eq!(record().await, expected(0, "released".into()));
    database.remove().await;
}

/// The error names the problem, and not the password.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_server_is_unavailable() {
    for (uri, code, retryable) in [
        (
            "mongodb://ana:s3cret@127.0.0.1:1/?connectTimeoutMS=100",
            "unavailable",
            true,
        ),
        ("mongodb://ana:s3cret@127.0.0.1:1:2/", "not_configured", false),
        ("postgres://ana:s3cret@127.0.0.1/", "not_configured", false),
    ] {
        let error = failed(in_time(MongoStore::connect(uri)).await, code, retryable);
        assert!(!format!("{error:?}{error}").contains("s3cret"));
    }
}
