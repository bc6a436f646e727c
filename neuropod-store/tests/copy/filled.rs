//! A SQLite file that has something of everything.

use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use neuropod_core::clock::Clock;
use neuropod_core::cluster::VolumePolicy;
use neuropod_core::money::billing::{Details, Draw, Hold, Period};
use neuropod_core::money::{AccountKind, BillingExt, LedgerFolding};
use neuropod_core::pod::Desired;
use neuropod_core::store::{PriceStore, TemplateStore, UserStore};
use neuropod_core::user::Identity;
use neuropod_core::{Billing, Money, Pod, PodId, PodStore, PriceList, User, UserId};
use neuropod_store::SqliteStore;

use crate::by_hand;
use crate::layout_1::{moment, prices, template, users};

pub(crate) const HOURLY: Money = Money::from_cents(360);
/// A text that some database may have trouble with.
pub(crate) const ODD: &str = "ñandú 🚀 \0 \u{1} $ne . '\" א";

/// A clock that stands still, at a whole millisecond, as MongoDB has none that are finer.
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        moment(86_400 * 100)
    }
}

pub(crate) fn berta() -> UserId {
    UserId::new(format!("berta {ODD}"))
}

/// A pod whose ledger is folded.
pub(crate) fn charged_pod() -> PodId {
    "00000000000000c1".parse().unwrap()
}

/// A minute of that pod.
pub(crate) fn minute(number: i64) -> Draw {
    let pod = charged_pod();
    let at = |minutes| moment(0) + SignedDuration::from_mins(minutes);
    Draw {
        key: format!("{pod}:0:{number}"),
        user: berta(),
        hold: Some(format!("{pod}:0")),
        amount: HOURLY.for_seconds(60),
        top_up: Money::ZERO,
        at_most: None,
        daily_cap: None,
        details: Details {
            pod: Some(pod),
            pod_name: Some(ODD.into()),
            hourly: Some(HOURLY),
            price_version: Some(1),
            period: Some(Period {
                from: at(number),
                until: at(number + 1),
            }),
            ..Details::default()
        },
    }
}

/// A file of the first layout, with what has been added since, and fields of a later version everywhere.
pub(crate) async fn file(path: &Path) {
    let old = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/layout_1/sqlite.db");
    std::fs::copy(old, path).unwrap();
    let store = SqliteStore::open_with_clock(path, Arc::new(Stopped))
        .await
        .unwrap();
    people(&store).await;
    pods(&store).await;
    money(&store).await;
    store.close().await;
    let mut file = by_hand::connect(path).await;
    for table in [
        "pods",
        "users",
        "templates",
        "prices",
        "requests",
        "entries",
        "audit",
    ] {
        let later = format!(
            "UPDATE {table} SET document = json_set(document, '$.later', json('{{\"ñ\":[1,2.5,null,\"x\"]}}'))"
        );
        by_hand::run(&mut file, &later).await;
    }
    by_hand::run(
        &mut file,
        "UPDATE pods SET document = json_set(document, '$.options.ports[0].later', 7) \
         WHERE json_extract(document, '$.options.ports[0]') IS NOT NULL; \
         INSERT INTO pod_names VALUES ('00000000000000c1', 'Old name'); \
         UPDATE keys SET record = json_set(record, '$.later', json('{\"a\":1}'))",
    )
    .await;
}

async fn people(store: &SqliteStore) {
    let berta = User {
        id: berta(),
        email: format!("Berta-{ODD}@example.com"),
        name: ODD.into(),
        identity: Some(Identity::new("https://id.example.com", ODD)),
        deleted: false,
        version: 0,
        ..users().swap_remove(0)
    };
    let berta = store.insert_user(&berta).await.unwrap();
    store.update_user(&berta).await.unwrap();
    let gone = User {
        id: UserId::new("gone"),
        email: "gone@example.com".into(),
        identity: None,
        ..berta
    };
    store.insert_user(&gone).await.unwrap();
    store.remove_user(&gone.id).await.unwrap();
    let mut other = template();
    other.id = "another".into();
    other.name = ODD.into();
    store.insert_template(&other).await.unwrap();
    let dearer = PriceList {
        other_gpu: Money::from_cents(77),
        ..prices()
    };
    store.add_prices(&dearer).await.unwrap();
}

async fn pods(store: &SqliteStore) {
    let sample = Pod::sample(moment(3));
    let pod = Pod {
        id: charged_pod(),
        owner: berta(),
        created_by: berta(),
        name: ODD.into(),
        slug: "charged".parse().unwrap(),
        volume: "volume-of-berta".into(),
        ..sample
    };
    let pod = store.insert(&pod).await.unwrap();
    let deleted = Pod {
        id: "00000000000000c2".parse().unwrap(),
        slug: "deleted".parse().unwrap(),
        desired: Desired::Deleted {
            volume: VolumePolicy::Keep,
        },
        ..pod.clone()
    };
    let deleted = store.insert(&deleted).await.unwrap();
    store.update(&deleted).await.unwrap();
}

async fn money(store: &SqliteStore) {
    let berta = berta();
    store.open(&berta, AccountKind::Prepaid).await.unwrap();
    store
        .open(&UserId::new("root"), AccountKind::Unlimited)
        .await
        .unwrap();
    store
        .deposit(&format!("payment {ODD}"), &berta, Money::from_cents(5000))
        .await
        .unwrap();
    let hold = Hold {
        details: Details {
            pod: Some(charged_pod()),
            ..Details::default()
        },
        ..Hold::new(format!("{}:0", charged_pod()), &berta, Money::from_cents(1000))
    };
    store.hold(&hold).await.unwrap();
    for number in 0..20 {
        store.draw(&minute(number)).await.unwrap();
    }
    let folded = store.fold(Timestamp::MAX).await.unwrap();
    assert!(folded.entries_removed > 10, "{folded:?}");
    store.draw(&minute(20)).await.unwrap();
    store.release("never held").await.unwrap();
}
