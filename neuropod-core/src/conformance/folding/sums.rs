//! What stays the same, and what becomes less.

use std::time::Duration;

use jiff::SignedDuration;

use super::fixture::{Books, Running, begin, usage};
use crate::conformance::expect::unique;
use crate::money::amount::Money;
use crate::money::billing::{
    AccountKind, BillingExt, Details, EntryKind, EntryOptions, LedgerEntry, Posting, PostingKind,
};
use crate::money::statement::explain;

/// The charges of a day become one, with its seconds and the exact sum; those of another day and another price become
/// others.
pub async fn a_day_of_a_pod_becomes_one_charge(books: &Books) {
    let mut running = Running::start(books, 500).await;
    running.charge_day(books, 37).await;
    running.charge_day(books, 7).await;
    running.hourly = Money::from_micros(1_234_567);
    let second_day = running.until;
    running.charge_day(books, 3).await;
    running.charge(books, 60).await;
    let before = books.entries(&running.user).await;
    books.fold().await;
    let after = books.entries(&running.user).await;
    let charges: Vec<_> = usage(&after)
        .iter()
        .map(|entry| explain(entry).expect("every charge is explained"))
        .collect();
    let shown: Vec<_> = charges
        .iter()
        .map(|charge| (charge.charges, charge.seconds, charge.agrees))
        .collect();
    let day = 24 * 3600;
    assert_eq!(
        shown,
        [(37, day, true), (7, day, true), (3, day, true), (1, 60, true)],
        "three days, and the newest charge"
    );
    assert_eq!(
        (charges[0].period.from, charges[2].period.from),
        (begin(), second_day),
        "each period begins with its first charge"
    );
    assert_eq!(charges[1].period.until, second_day, "and ends with its last one");
    let of_first: Money = usage(&before)[..37].iter().map(|entry| entry.amount).sum();
    assert_eq!(usage(&after)[0].amount, of_first, "the exact sum");
    let (first, last) = (usage(&after)[0], usage(&before)[36]);
    assert_eq!(
        (first.number, &first.key, first.at),
        (last.number, &last.key, last.at),
        "the number, key and time are those of the last one"
    );
    let holds = |entries: &[LedgerEntry]| {
        let holds = entries.iter().filter(|entry| entry.kind == EntryKind::Hold);
        holds.count()
    };
    assert_eq!(
        (holds(&before), holds(&after)),
        (49, 5),
        "the hold, and the top-ups of each day"
    );
}

/// Balance and statement stay as they are, with usage that nobody could pay, gaps, and several pods on one day.
pub async fn statement_and_balance_stay(books: &Books) {
    let mut running = Running::start(books, 20).await;
    let mut other = Running::of(books, &running.user).await;
    for round in 0..30 {
        running.charge(books, 1111 + round).await;
        other.until += SignedDuration::from_secs(100);
        other.charge(books, 3599).await;
    }
    let before = books.shown(&running.user).await;
    let line_count = before.1.days.values().map(|day| day.lines.len()).sum::<usize>();
    assert!(line_count >= 3, "it is not trivial");
    let written_off = books.entries(&running.user).await;
    let written_off = written_off.iter().any(|entry| entry.kind == EntryKind::WriteOff);
    assert!(written_off, "the account could not pay all of it");
    let count = books.entries(&running.user).await.len();
    books.fold().await;
    assert_eq!(books.shown(&running.user).await, before);
    let after = books.entries(&running.user).await.len();
    assert!(after * 4 < count, "{count} entries became {after}");
}

/// Entries without a pod, with a note, and of kinds that are not folded, stay as they are.
pub async fn other_entries_stay(books: &Books) {
    let mut running = Running::start(books, 100).await;
    let (user, billing) = (&running.user.clone(), &books.billing);
    let mut kept = Vec::new();
    for _ in 0..3 {
        for kind in [
            PostingKind::Deposit,
            PostingKind::Adjustment,
            PostingKind::Refund,
            PostingKind::Charge,
        ] {
            let mut posting = Posting::new(unique("key"), user, kind, Money::from_cents(1));
            posting.details.pod = Some(running.pod.clone());
            posting.details.note = (kind == PostingKind::Adjustment).then(|| "sent twice".into());
            billing.post(&posting).await.unwrap();
            kept.push(posting.key);
        }
        let nobodys = unique("key");
        billing
            .hold_amount(&nobodys, user, Money::from_cents(1))
            .await
            .unwrap();
        billing.release(&nobodys).await.unwrap();
        kept.push(nobodys);
        let mut noted = running.next(60);
        noted.details.note = Some("by hand".into());
        billing.draw(&noted).await.unwrap();
        kept.push(noted.key);
        let mut timeless = running.next(60);
        timeless.details = Details {
            period: None,
            ..timeless.details
        };
        billing.draw(&timeless).await.unwrap();
        kept.push(timeless.key.clone());
        running.charge(books, 60).await;
    }
    let those = |entries: Vec<LedgerEntry>| -> Vec<LedgerEntry> {
        let those = entries.into_iter().filter(|entry| kept.contains(&entry.key));
        those.collect()
    };
    let before = those(books.entries(user).await);
    assert_eq!(before.len(), 3 * (4 + 2 + 1 + 1));
    books.fold().await;
    let after = books.entries(user).await;
    assert_eq!(those(after.clone()), before);
    assert_eq!(
        usage(&after).len(),
        3 + 3 + 2,
        "two of the three plain charges became one"
    );
}

/// Entries booked at the given time or later stay as they are.
pub async fn later_entries_stay(books: &Books) {
    let mut running = Running::start(books, 100).await;
    running.charge_day(books, 5).await;
    // On one day, so that only the time of booking makes a difference.
    running.until = begin();
    tokio::time::sleep(Duration::from_millis(20)).await;
    running.charge(books, 60).await;
    let entries = books.entries(&running.user).await;
    let cut = usage(&entries)[5].at;
    running.charge_day(books, 4).await;
    let later = |entries: Vec<LedgerEntry>| -> Vec<LedgerEntry> {
        let later = entries.into_iter().filter(|entry| entry.at >= cut);
        later.collect()
    };
    let before = later(books.entries(&running.user).await);
    books.fold_before(cut).await;
    let after = books.entries(&running.user).await;
    assert_eq!(
        usage(&after).len(),
        2 + 5,
        "five became one and the newest of them"
    );
    assert_eq!(later(after), before);
}

/// Folding again changes nothing.
pub async fn twice_is_once(books: &Books) {
    let mut running = Running::start(books, 100).await;
    running.charge_day(books, 9).await;
    books.fold().await;
    let once = books.entries(&running.user).await;
    books.fold().await;
    assert_eq!(books.entries(&running.user).await, once);
}

/// A day that was folded in part takes in what follows.
pub async fn a_day_goes_on(books: &Books) {
    let mut running = Running::start(books, 100).await;
    for round in 1..=4 {
        for _ in 0..3 {
            running.charge(books, 1000).await;
        }
        let before = books.shown(&running.user).await;
        books.fold().await;
        assert_eq!(books.shown(&running.user).await, before);
        let entries = books.entries(&running.user).await;
        let folded = explain(usage(&entries)[0]).unwrap();
        assert_eq!(
            (folded.charges, folded.seconds),
            (3 * round - 1, (3_000 * round - 1_000_u64).cast_signed())
        );
        assert_eq!(usage(&entries).len(), 2, "one, and the newest");
    }
}

/// Pages have every entry once, in the order of their numbers; an entry that was read is not numbered anew.
pub async fn pages_stay_in_order(books: &Books) {
    let mut running = Running::start(books, 100).await;
    let mut numbers = Vec::new();
    for _ in 0..3 {
        running.charge_day(books, 4).await;
        books
            .billing
            .deposit(&unique("key"), &running.user, Money::from_cents(1))
            .await
            .unwrap();
        numbers.extend(
            books
                .entries(&running.user)
                .await
                .last()
                .map(|entry| entry.number),
        );
    }
    books.fold().await;
    let all = books.entries(&running.user).await;
    assert!(all.is_sorted_by(|one, next| one.number < next.number));
    let mut paged: Vec<LedgerEntry> = Vec::new();
    loop {
        let after = paged.last().map_or(0, |entry| entry.number);
        let options = EntryOptions::default().with_after(after).with_limit(2);
        let page = books.billing.entries(&running.user, &options).await.unwrap();
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, all);
    let deposits = all
        .iter()
        .filter(|entry| entry.kind == EntryKind::Deposit)
        .skip(1);
    assert_eq!(deposits.map(|entry| entry.number).collect::<Vec<_>>(), numbers);
    let last = all.last().map(|entry| entry.number);
    running.charge(books, 60).await;
    let next = books
        .entries(&running.user)
        .await
        .last()
        .map(|entry| entry.number);
    assert!(next > last, "the next entry comes after all");
}

/// An account with more entries than fit into one step.
pub async fn long_ledgers(books: &Books) {
    let mut running = Running::start(books, 10_000).await;
    for _ in 0..2 {
        running.charge_day(books, 550).await;
    }
    let before = books.shown(&running.user).await;
    books.fold().await;
    assert_eq!(books.shown(&running.user).await, before);
    let entries = books.entries(&running.user).await;
    let charges: Vec<_> = usage(&entries).iter().map(|entry| entry.entry_count()).collect();
    assert_eq!(charges, [550, 549, 1]);
}

/// Amounts at the ends of their range are kept exactly.
pub async fn nothing_is_lost_at_the_limits(books: &Books) {
    let mut running = Running::start(books, 100).await;
    books
        .billing
        .open(&running.user, AccountKind::Unlimited)
        .await
        .unwrap();
    running.hourly = Money::from_micros(i64::MAX / 3);
    for _ in 0..6 {
        running.charge(books, 3600).await;
        books
            .billing
            .deposit(&unique("key"), &running.user, running.hourly)
            .await
            .unwrap();
    }
    let exact = async || {
        let entries = books.entries(&running.user).await;
        let of = |amount: fn(&LedgerEntry) -> Money| -> i128 {
            entries
                .iter()
                .map(|entry| i128::from(amount(entry).micros()))
                .sum()
        };
        (of(|entry| entry.amount), of(|entry| entry.held))
    };
    let before = exact().await;
    books.fold().await;
    assert_eq!(exact().await, before);
    let entries = books.entries(&running.user).await;
    let counted: u64 = usage(&entries).iter().map(|entry| entry.entry_count()).sum();
    assert_eq!(counted, 6);
}
