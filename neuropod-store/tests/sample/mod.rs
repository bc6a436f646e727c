//! Documents to store.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use neuropod_core::meter::{Meter, Price};
use neuropod_core::observation::Step;
use neuropod_core::pod::{Environment, Login};
use neuropod_core::{Desired, Money, Pod, PodId, PodSpec, Status, UserId};

/// A pod that was just asked for, with a name of its own.
pub(crate) fn pod(owner: &UserId) -> Pod {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let id = PodId::random();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let slug = format!("pod-{number}-{id}");
    let now = Timestamp::from_millisecond(1_767_225_845_678).unwrap();
    Pod {
        version: 0,
        owner: owner.clone(),
        owner_hash: "k3j5qzx2ab".parse().unwrap(),
        created_by: owner.clone(),
        name: slug.clone(),
        slug: slug.parse().unwrap(),
        spec: PodSpec {
            template: None,
            image: "pytorch/pytorch:latest".parse().unwrap(),
            gpu: "rtx-4090".into(),
            container_disk_gb: 20,
            volume_disk_gb: 30,
            mount_path: "/workspace".into(),
            volume: "workspace-k3j5qzx2ab".into(),
            namespace: None,
            endpoints: neuropod_core::endpoint::name_endpoints(&[8888, 7860], &[], true),
            jupyter: true,
            inject_token: true,
            chosen_token: None,
            environment: Environment::default(),
        },
        desired: Desired::Running,
        run: 1,
        status: Status::Creating,
        step: Step::Accepted,
        reason: None,
        login: Login::default(),
        price: Price::default(),
        meter: Meter::opening(Price::default()),
        charged: Money::ZERO,
        started_at: None,
        attempts: 0,
        failing_since: None,
        retry_at: None,
        request_digest: None,
        created_at: now,
        requested_at: now,
        updated_at: now,
        id,
    }
}
