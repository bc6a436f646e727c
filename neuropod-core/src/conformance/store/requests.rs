//! Past requests.

use std::sync::Arc;

use jiff::SignedDuration;

use super::sample::moment;
use crate::id::PodId;
use crate::money::amount::Money;
use crate::store::traits::{Outcome, PastRequest, RequestStore};

/// A request made `hours` before a fixed moment, so that only its own check removes it.
fn request(hours: i64, outcome: Outcome) -> PastRequest {
    PastRequest {
        id: PodId::random(),
        digest: "0123456789abcdef0123456789abcdef".into(),
        outcome,
        created_at: moment(-hours * 3600),
    }
}

/// The outcome reads back, and the first one stays.
pub async fn the_first_outcome_stays(store: &Arc<dyn RequestStore>) {
    let refused = Outcome::InsufficientFunds {
        required: Money::from_micros(i64::MAX),
        available: Money::from_micros(i64::MIN),
    };
    for outcome in [Outcome::Deleted, refused, Outcome::NoAccount] {
        let first = request(0, outcome);
        assert_eq!(
            store.past_request(&first.id).await.unwrap(),
            None,
            "nobody made it"
        );
        store.keep_request(&first).await.unwrap();
        let second = PastRequest {
            digest: "another".into(),
            outcome: Outcome::Deleted,
            ..first.clone()
        };
        store
            .keep_request(&second)
            .await
            .expect("a request that is kept already is fine");
        let got = store.past_request(&first.id).await.unwrap();
        assert_eq!(got.as_ref(), Some(&first), "the first stays as it was");
    }
}

/// Only requests older than the given time are removed; their ids can be used again.
pub async fn old_ones_are_forgotten(store: &Arc<dyn RequestStore>) {
    let hundred_years = 100 * 365 * 24;
    let old = request(hundred_years + 1, Outcome::Deleted);
    let limit = request(hundred_years, Outcome::Deleted);
    for request in [&old, &limit] {
        store.keep_request(request).await.unwrap();
    }
    store.forget_requests(limit.created_at).await.unwrap();
    assert_eq!(
        store.past_request(&old.id).await.unwrap(),
        None,
        "it is forgotten"
    );
    assert_eq!(
        store.past_request(&limit.id).await.unwrap().as_ref(),
        Some(&limit),
        "one that was not made before the time stays"
    );
    let anew = PastRequest {
        outcome: Outcome::NoAccount,
        created_at: limit.created_at,
        ..old
    };
    store.keep_request(&anew).await.unwrap();
    assert_eq!(store.past_request(&anew.id).await.unwrap().as_ref(), Some(&anew));

    let just_after = limit.created_at + SignedDuration::from_millis(1);
    store.forget_requests(just_after).await.unwrap();
    assert_eq!(
        store.past_request(&limit.id).await.unwrap(),
        None,
        "now it is older"
    );
}
