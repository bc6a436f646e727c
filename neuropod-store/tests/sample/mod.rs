//! Documents to store.

use jiff::Timestamp;
use neuropod_core::{Pod, PodId, UserId};

/// A pod that was just asked for, with a name of its own.
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
