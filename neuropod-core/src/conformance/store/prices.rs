//! Price lists. Other suites on the same store may add some at the same time.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::conformance::expect::failure;
use crate::error::kind::ErrorKind;
use crate::money::amount::Money;
use crate::money::pricing::{OpeningCredit, PriceList};
use crate::store::traits::PriceStore;

/// Adds a list with the price `cents` for other GPUs, whatever list is the newest.
async fn add(store: &Arc<dyn PriceStore>, cents: i64) -> PriceList {
    loop {
        let newest = store.prices(None).await.unwrap();
        let next = PriceList {
            version: newest.map_or(0, |prices| prices.version),
            other_gpu: Money::from_cents(cents),
            // None, disabled and enabled: each reads back unchanged.
            opening_credit: match cents % 3 {
                0 => None,
                one => Some(OpeningCredit {
                    enabled: one == 1,
                    amount: Money::from_cents(cents),
                }),
            },
            ..PriceList::default()
        };
        match store.add_prices(&next).await {
            Ok(stored) => return stored,
            Err(error) => assert_eq!(*error.kind(), ErrorKind::Conflict, "{error}"),
        }
    }
}

/// A new list is the newest until another is added, and never changes.
pub async fn every_version_is_kept(store: &Arc<dyn PriceStore>) {
    let first = add(store, 31).await;
    let second = add(store, 32).await;
    assert!(
        first.version >= 1 && second.version > first.version,
        "versions are counted up"
    );
    for stored in [&first, &second] {
        let found = store.prices(Some(stored.version)).await.unwrap();
        assert_eq!(
            found.as_ref(),
            Some(stored),
            "a version comes back as it was stored"
        );
    }
    let newest = store.prices(None).await.unwrap().expect("there are price lists");
    assert!(newest.version >= second.version, "the newest is the last");
    assert_eq!(
        store.prices(Some(u64::from(u32::MAX))).await.unwrap(),
        None,
        "a version that never was"
    );
    let stale = PriceList {
        version: first.version - 1,
        ..first.clone()
    };
    failure(
        store.add_prices(&stale).await,
        "conflict",
        "a list after one that is not the newest",
    );
    assert_eq!(
        store.prices(Some(first.version)).await.unwrap(),
        Some(first),
        "and nothing has changed"
    );
}

/// Of many writers at the same time, each gets its own version.
pub async fn writers_lose_nothing(store: &Arc<dyn PriceStore>) {
    let mut tasks = JoinSet::new();
    for cents in 100..116 {
        let store = store.clone();
        tasks.spawn(async move { add(&store, cents).await });
    }
    let stored = tasks.join_all().await;
    let versions: BTreeSet<_> = stored.iter().map(|prices| prices.version).collect();
    assert_eq!(versions.len(), stored.len(), "no version was given twice");
    for prices in stored {
        assert_eq!(
            store.prices(Some(prices.version)).await.unwrap(),
            Some(prices),
            "each is kept"
        );
    }
}
