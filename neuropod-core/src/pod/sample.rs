//! A pod for tests.
#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "the texts in it are valid"
)]

use jiff::Timestamp;

use super::{Desired, Environment, Login, Pod, PodSpec, Status};
use crate::cluster::observation::Step;
use crate::id::{PodId, UserId};
use crate::money::amount::Money;
use crate::money::meter::{Meter, Price};
use crate::pod::endpoint::name_endpoints;
use crate::token::secret::AccessToken;

impl Pod {
    /// A pod with Jupyter that Ana has just asked for, at `now`: something to store, in tests (feature `conformance`).
    pub fn sample(now: Timestamp) -> Self {
        let price = Price {
            hourly: Money::from_cents(360),
            stopped: Money::from_cents(36),
            version: 1,
        };
        Self {
            id: PodId::from_bits(0x3f9a_0c1d_2e4b_5a68),
            version: 1,
            owner: UserId::new("ana"),
            owner_hash: "k3j5qzx2ab".parse().unwrap(),
            created_by: UserId::new("ana"),
            name: "Training".into(),
            slug: "training".parse().unwrap(),
            spec: PodSpec {
                template: None,
                image: "quay.io/jupyter/base-notebook".parse().unwrap(),
                gpu: "rtx-4090".into(),
                container_disk_gb: 20,
                volume_disk_gb: 30,
                mount_path: "/workspace".into(),
                volume: "workspace-k3j5qzx2ab".into(),
                namespace: None,
                endpoints: name_endpoints(&[8888, 7860], &[], true),
                jupyter: true,
                inject_token: true,
                daily_cap: None,
                chosen_token: None,
                environment: Environment::default(),
            },
            desired: Desired::Running,
            run: 1,
            status: Status::Creating,
            step: Step::Accepted,
            reason: None,
            login: Login {
                injected: Some(AccessToken::new("0123456789abcdef")),
                ..Login::default()
            },
            price,
            meter: Meter::opening(price),
            charged: Money::ZERO,
            spent: None,
            owner_cap: None,
            volume_deletion: None,
            started_at: None,
            node: None,
            failed_nodes: Vec::new(),
            last_end: None,
            attempts: 0,
            failing_since: None,
            wait: None,
            retry_at: None,
            request_digest: None,
            created_at: now,
            requested_at: now,
            updated_at: now,
        }
    }
}
