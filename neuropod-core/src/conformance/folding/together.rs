//! Folding while other things happen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinSet;

use super::fixture::{Books, Running, usage};
use crate::money::amount::Money;

/// The number of pods of a user that are charged at the same time, and of the charges of each.
const PODS: u64 = 4;
const CHARGES: u64 = 40;

/// Charges that are made, and repeated, while their account is folded again and again count once.
pub async fn draws_during_folding(books: &Books) {
    let first = Running::start(books, 1000).await;
    let user = first.user.clone();
    let mut all = vec![first];
    while (all.len() as u64) < PODS {
        all.push(Running::of(books, &user).await);
    }
    let (hourly, pods) = (all[0].hourly, all.clone());
    let is_over = Arc::new(AtomicBool::new(false));
    let mut folding = JoinSet::new();
    for _ in 0..2 {
        let (books, is_over) = (books.clone(), Arc::clone(&is_over));
        folding.spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                books.fold().await;
                tokio::task::yield_now().await;
            }
        });
    }
    let mut drawing = JoinSet::new();
    for mut running in all {
        let books = books.clone();
        drawing.spawn(async move {
            for _ in 0..CHARGES {
                let (draw, drawn) = running.charge(&books, 60).await;
                // It is the newest of its pod, so it is not folded.
                assert_eq!(books.billing.draw(&draw).await.unwrap(), drawn);
            }
        });
    }
    drawing.join_all().await;
    is_over.store(true, Ordering::Relaxed);
    folding.join_all().await;
    books.fold().await;

    let (balance, _) = books.shown(&user).await;
    let entries = books.entries(&user).await;
    let charged: Money = usage(&entries).iter().map(|entry| -entry.amount).sum();
    let each = hourly.for_seconds(60);
    let expected = each.times(u32::try_from(PODS * CHARGES).unwrap());
    assert_eq!(charged, expected, "each charge counts once");
    assert_eq!(balance.total(), Money::from_cents(100_000) - expected);
    for running in pods {
        let of_pod = usage(&entries)
            .into_iter()
            .filter(|entry| entry.pod() == Some(running.pod.clone()));
        let counts: Vec<_> = of_pod
            .map(|entry| (entry.entry_count(), entry.charged_seconds()))
            .collect();
        let folded = CHARGES - 1;
        assert_eq!(counts, [(folded, (folded * 60).cast_signed()), (1, 60)]);
    }
}

/// Several that fold at the same time fold once.
pub async fn several_fold_at_once(books: &Books) {
    let mut running = Running::start(books, 500).await;
    running.charge_day(books, 60).await;
    let before = books.shown(&running.user).await;
    let mut folding = JoinSet::new();
    for _ in 0..4 {
        let books = books.clone();
        folding.spawn(async move { books.fold().await });
    }
    folding.join_all().await;
    assert_eq!(books.shown(&running.user).await, before);
    let entries = books.entries(&running.user).await;
    let counts: Vec<_> = usage(&entries).iter().map(|entry| entry.entry_count()).collect();
    assert_eq!(counts, [59, 1]);
}
