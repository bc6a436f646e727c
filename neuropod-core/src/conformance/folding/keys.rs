//! What is forgotten, and what is not.

use jiff::Timestamp;

use super::fixture::{Books, Running, usage};
use crate::conformance::expect::{failure, unique};
use crate::id::UserId;
use crate::money::amount::Money;
use crate::money::billing::{AccountKind, BillingExt, Draw};

/// A charge that was folded is refused when it is repeated, however late and however it is altered, and not made again.
pub async fn a_folded_charge_is_not_made_again(books: &Books) {
    let mut running = Running::start(books, 500).await;
    let mut charged = running.charge_day(books, 5).await;
    charged.extend(running.charge_day(books, 5).await);
    books.fold().await;
    let before = books.shown(&running.user).await;
    charged.pop().expect("the newest charge, which is not folded");
    for round in 0..2 {
        for (draw, _) in &charged {
            let altered = Draw {
                amount: draw.amount + Money::from_micros(1),
                ..draw.clone()
            };
            for draw in [draw, &altered] {
                let refused = books.billing.draw(draw).await;
                let error = failure(refused, "invalid_state", "a charge that was folded");
                assert!(!error.is_retryable(), "it is refused for ever");
            }
        }
        assert_eq!(books.shown(&running.user).await, before, "nothing is charged");
        if round == 0 {
            books.fold().await;
        }
    }
}

/// The newest charge of a pod can be repeated: its record may still have it as pending. So can charges that are too new to be
/// folded.
pub async fn the_newest_charge_can_be_repeated(books: &Books) {
    let mut running = Running::start(books, 500).await;
    let charged = running.charge_day(books, 6).await;
    books.fold().await;
    books.fold().await;
    let (newest, drawn) = charged.last().unwrap();
    assert_eq!(
        books.billing.draw(newest).await.unwrap(),
        *drawn,
        "the first result"
    );
    let later = running.charge_day(books, 3).await;
    books.fold_before(Timestamp::UNIX_EPOCH).await;
    for (draw, drawn) in later.iter().chain(charged.last()) {
        assert_eq!(books.billing.draw(draw).await.unwrap(), *drawn);
    }
    let counted: u64 = usage(&books.entries(&running.user).await)
        .iter()
        .map(|entry| entry.entry_count())
        .sum();
    assert_eq!(counted, 9);
}

/// A hold that was topped up, and whose entries were folded, pays the next charge and is released with what is left.
pub async fn an_open_hold_goes_on(books: &Books) {
    let mut running = Running::start(books, 500).await;
    running.charge_day(books, 5).await;
    books.fold().await;
    let (_, drawn) = running.charge(books, 3600).await;
    assert_eq!(
        (drawn.charged, drawn.held),
        (running.hourly, Money::from_cents(100))
    );
    let held = books.billing.balance(&running.user).await.unwrap().held;
    assert_eq!(held, Money::from_cents(100));
    books.billing.release(&running.hold).await.unwrap();
    books.fold().await;
    books.billing.release(&running.hold).await.unwrap();
    let (balance, _) = books.shown(&running.user).await;
    assert_eq!(balance.held, Money::ZERO);
    let late = books
        .billing
        .hold_amount(&running.hold, &running.user, Money::from_cents(100));
    failure(late.await, "invalid_state", "a hold that was released");
    failure(
        books.billing.draw(&running.next(60)).await,
        "invalid_state",
        "a charge of a hold that was released",
    );
}

/// The keys of holds, releases and postings are known as before.
pub async fn keys_that_are_no_charges_stay(books: &Books) {
    let mut running = Running::start(books, 500).await;
    let (user, billing) = (running.user.clone(), &books.billing);
    let [paid, closed] = [unique("key"), unique("key")];
    billing.deposit(&paid, &user, Money::from_cents(7)).await.unwrap();
    billing.release(&closed).await.unwrap();
    running.charge_day(books, 5).await;
    books.fold().await;
    let before = books.shown(&user).await;
    billing.deposit(&paid, &user, Money::from_cents(7)).await.unwrap();
    let other = billing.deposit(&paid, &user, Money::from_cents(8)).await;
    failure(other, "conflict", "another deposit with the same key");
    let hold = billing.hold_amount(&closed, &user, Money::from_cents(1)).await;
    failure(hold, "invalid_state", "a hold with a closed key");
    billing
        .hold_amount(&running.hold, &user, Money::from_cents(100))
        .await
        .expect("a repetition of the hold");
    assert_eq!(books.shown(&user).await, before);
}

/// What one account is charged for a pod does not depend on what another one is.
pub async fn a_pod_that_two_accounts_pay(books: &Books) {
    let mut first = Running::start(books, 500).await;
    first.charge_day(books, 5).await;
    books.fold().await;
    let second = UserId::new(unique("user"));
    books.billing.open(&second, AccountKind::Unlimited).await.unwrap();
    let mut running = Running::of(books, &second).await;
    running.pod = first.pod.clone();
    let charged = running.charge_day(books, 5).await;
    let before = books.shown(&second).await;
    books.fold().await;
    assert_eq!(books.shown(&second).await, before);
    for (draw, _) in &charged {
        // Whether they are folded is up to the store.
        match books.billing.draw(draw).await {
            Ok(drawn) => assert_eq!(drawn.charged, draw.amount),
            Err(error) => assert_eq!(error.kind().code(), "invalid_state", "{error}"),
        }
    }
    assert_eq!(books.shown(&second).await, before, "nothing is charged twice");
}
