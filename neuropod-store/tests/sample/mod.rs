//! Sample data.
#![allow(dead_code, reason = "no test uses all of it")]

use jiff::Timestamp;
use neuropod_core::money::billing::{Details, Draw};
use neuropod_core::{Money, Pod, PodId, UserId};

/// A new pod with a unique name.
pub(crate) fn pod(owner: &UserId) -> Pod {
    let id = PodId::random();
    let slug = format!("pod-{id}");
    Pod {
        version: 0,
        owner: owner.clone(),
        created_by: owner.clone(),
        name: slug.clone(),
        slug: slug.parse().unwrap(),
        id,
        ..Pod::sample(Timestamp::from_millisecond(1_767_225_845_678).unwrap())
    }
}

/// A cent that was used, to be paid from the hold under `hold`.
pub(crate) fn minute(key: &str, user: &UserId, hold: &str) -> Draw {
    Draw {
        key: key.to_owned(),
        user: user.clone(),
        hold: Some(hold.to_owned()),
        amount: Money::from_cents(1),
        top_up: Money::ZERO,
        at_most: None,
        daily_cap: None,
        details: Details::default(),
    }
}
