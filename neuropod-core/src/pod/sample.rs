//! A pod for tests.
#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "the texts in it are valid"
)]

use jiff::Timestamp;

use crate::cluster::observation::Step;
use crate::id::{PodId, UserId};
use crate::money::amount::Money;
use crate::money::meter::{Meter, Price};
use crate::pod::options::{Jupyter, PodOptions};
use crate::pod::port::Port;
use crate::pod::record::{Desired, Login, Pod, Status};
use crate::token::secret::AccessToken;

impl Pod {
    /// A pod with Jupyter that Ana has just requested, at `now`: a record for tests (feature `conformance`).
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
            template: None,
            options: PodOptions::default()
                .with_image("quay.io/jupyter/base-notebook".parse().unwrap())
                .with_gpu("rtx-4090")
                .with_disks(20, 30)
                .with_ports([Port::http(8888).with_name("Jupyter Lab"), Port::http(7860)])
                .with_jupyter(Jupyter::Generated)
                .complete(),
            volume: "workspace-k3j5qzx2ab".into(),
            namespace: None,
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
