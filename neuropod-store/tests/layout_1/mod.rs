//! The contents of the databases in this folder, written by the last version before layout 2.
#![allow(dead_code, reason = "no test uses all of it")]

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use neuropod_core::PodOptions;
use neuropod_core::cluster::ReasonCode;
use neuropod_core::cluster::observation::Step;
use neuropod_core::money::OpeningCredit;
use neuropod_core::money::billing::{Details, Period, Spent};
use neuropod_core::money::meter::{HoldState, Meter, PendingCharge, Price};
use neuropod_core::pod::{Awaited, Jupyter, Login, VolumeDeletion, Wait};
use neuropod_core::pod::{Desired, Port};
use neuropod_core::store::audit::{
    AuditAction, AuditChange, AuditEntry, AuditId, AuditOutcome, AuditPerson, AuditTarget,
};
use neuropod_core::store::{Outcome, PastRequest};
use neuropod_core::token::TokenState;
use neuropod_core::user::Identity;
use neuropod_core::{AccessToken, Money, Pod, PriceList, Reason, Role, Status, Template, User, UserId};
use serde_json::json;

/// The secrets of the pods.
pub(crate) const CANARIES: [&str; 4] = [
    "canary-chosen",
    "canary-injected",
    "canary-found",
    "canary-variable",
];

pub(crate) const ANA: &str = "665f1f77bcf86cd799439011";

pub(crate) fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_767_225_845_678).unwrap() + SignedDuration::from_secs(seconds)
}

pub(crate) fn details() -> Details {
    Details {
        pod: Some("3f9a0c1d2e4b5a68".parse().unwrap()),
        pod_name: Some("Training".into()),
        price_version: Some(1),
        hourly: Some(Money::from_cents(360)),
        period: Some(Period {
            from: moment(1),
            until: moment(2),
        }),
        note: Some("for Ana".into()),
        folded: None,
    }
}

#[expect(clippy::too_many_lines, reason = "every field of a pod")]
pub(crate) fn full_pod() -> Pod {
    Pod {
        id: "3f9a0c1d2e4b5a68".parse().unwrap(),
        version: 1,
        owner: UserId::new(ANA),
        owner_hash: "81dc9bdb".parse().unwrap(),
        created_by: UserId::new("root"),
        name: "Training".into(),
        slug: "training".parse().unwrap(),
        template: Some("665f1f77bcf86cd799439021".into()),
        options: PodOptions::default()
            .with_image("ghcr.io/owner/name:1.2".parse().unwrap())
            .with_gpu("rtx-4090")
            .with_disks(20, 150)
            .with_mount_path("/home/jovyan/work")
            .with_ports([Port::http(8888).with_name("Jupyter Lab"), Port::http(9000)])
            .with_jupyter(Jupyter::Chosen(AccessToken::new("canary-chosen")))
            .with_variable("HF.TOKEN", "canary-variable")
            .with_variable("EMPTY", "")
            .with_daily_cap(Money::from_cents(500)),
        volume: "workspace-81dc9bdb".into(),
        namespace: Some("user-81dc9bdb".into()),
        desired: Desired::Stopped,
        run: 3,
        status: Status::Error,
        step: Step::PullingImage,
        reason: Some(Reason::new(
            ReasonCode::ImageNotFound,
            "manifest unknown",
            moment(5),
        )),
        login: Login {
            injected: Some(AccessToken::new("canary-injected")),
            found: TokenState::Generated(AccessToken::new("canary-found")),
            container: Some("containerd://0f1e2d".into()),
            read_at: Some(moment(5)),
        },
        price: Price {
            hourly: Money::from_cents(360),
            stopped: Money::from_cents(36),
            version: 2,
        },
        meter: Meter {
            hold_number: 4,
            hold_state: HoldState::Closing,
            price: Price {
                hourly: Money::from_cents(350),
                stopped: Money::from_cents(35),
                version: 1,
            },
            container: Some("containerd://0f1e2d".into()),
            started_at: Some(moment(5)),
            charged_seconds: 7,
            from: Some(moment(6)),
            volume_from: Some(moment(14)),
            is_long: false,
            phase: None,
            pending: Some(PendingCharge {
                period: Period {
                    from: moment(12),
                    until: moment(13),
                },
                amount: Money::from_micros(11),
                hourly: Money::from_micros(3),
                version: 4,
                from_hold: true,
            }),
            draws: 12,
            remaining: Some(Money::from_micros(13)),
            capped: true,
            charged_until: Some(moment(9)),
            seen_at: Some(moment(10)),
        },
        charged: Money::from_micros(14),
        spent: Some(Spent {
            day: Date::constant(2026, 2, 28),
            amount: Money::from_micros(8),
            before: Money::from_micros(10),
        }),
        owner_cap: Some(Money::from_micros(9)),
        volume_deletion: Some(VolumeDeletion {
            at: moment(15),
            decided: true,
            done: true,
        }),
        started_at: Some(moment(7)),
        node: Some("node-1".into()),
        failed_nodes: vec!["node-2".into(), "node-3".into()],
        last_end: Some(Reason::new(ReasonCode::OutOfMemory, "exit code 137", moment(6))),
        attempts: 5,
        failing_since: Some(moment(11)),
        wait: Some(Wait {
            since: moment(16),
            what: Awaited::Step {
                uid: "5a1b".into(),
                reached: Some(moment(17)),
            },
        }),
        retry_at: Some(moment(8)),
        request_digest: Some("0123456789abcdef".into()),
        created_at: moment(1),
        requested_at: moment(2),
        updated_at: moment(3),
    }
}

pub(crate) fn sparse_pod() -> Pod {
    Pod {
        version: 1,
        id: "3f9a0c1d2e4b5a69".parse().unwrap(),
        login: Login::default(),
        options: Pod::sample(moment(0))
            .options
            .with_ports::<u16>([])
            .with_jupyter(Jupyter::Off),
        name: "Sparse".into(),
        slug: "sparse".parse().unwrap(),
        ..Pod::sample(moment(0))
    }
}

pub(crate) fn users() -> Vec<User> {
    let ana = User {
        id: UserId::new(ANA),
        email: "Ana@Example.com".into(),
        name: "Ana".into(),
        role: Role::Client,
        identity: Some(Identity::new("https://accounts.google.com", "1083")),
        email_verified: true,
        suspended: true,
        deleted: true,
        daily_cap: Some(Money::from_cents(700)),
        extra: [
            ("avatar".to_owned(), json!("https://example.com/a.png")),
            (
                "endedSessions".to_owned(),
                json!([{ "id": "session-1", "until": moment(3600).to_string() }]),
            ),
        ]
        .into(),
        registration_date: moment(0),
        version: 1,
    };
    let root = User {
        id: UserId::new("root"),
        email: "root@example.com".into(),
        name: "Root".into(),
        role: Role::Admin,
        identity: None,
        email_verified: false,
        suspended: false,
        deleted: false,
        daily_cap: None,
        extra: [("endedSessions".to_owned(), json!([]))].into(),
        registration_date: moment(1),
        version: 1,
    };
    vec![ana, root]
}

pub(crate) fn template() -> Template {
    let options = PodOptions::default()
        .with_image("jupyter/scipy-notebook".parse().unwrap())
        .with_disks(20, 30)
        .with_mount_path("/home/jovyan")
        .with_ports([
            Port::http(8888).with_name("Jupyter Lab"),
            Port::tcp(22).with_name("SSH"),
        ])
        .with_jupyter(Jupyter::Read);
    let mut template = Template::new("665f1f77bcf86cd799439021", "Scipy", options, moment(0));
    template.description = "# Scipy".into();
    template.version = 1;
    template
}

pub(crate) fn prices() -> PriceList {
    PriceList {
        version: 1,
        gpus: [
            ("rtx-4090".to_owned(), Money::from_cents(299)),
            ("a.100".to_owned(), Money::from_cents(499)),
        ]
        .into(),
        other_gpu: Money::from_cents(50),
        container_disk_gb: Money::from_cents(5),
        volume_disk_gb: Money::from_cents(1),
        opening_credit: Some(OpeningCredit {
            enabled: true,
            amount: Money::from_cents(1000),
        }),
    }
}

pub(crate) fn requests() -> Vec<PastRequest> {
    vec![
        PastRequest {
            id: "00000000000000a1".parse().unwrap(),
            digest: "d1".into(),
            outcome: Outcome::Deleted,
            created_at: moment(1),
        },
        PastRequest {
            id: "00000000000000a2".parse().unwrap(),
            digest: "d2".into(),
            outcome: Outcome::InsufficientFunds {
                required: Money::from_cents(2),
                available: Money::from_cents(1),
            },
            created_at: moment(2),
        },
        PastRequest {
            id: "00000000000000a3".parse().unwrap(),
            digest: "d3".into(),
            outcome: Outcome::NoAccount,
            created_at: moment(3),
        },
    ]
}

pub(crate) fn audit() -> Vec<AuditEntry> {
    let person = |id: &str| AuditPerson {
        id: UserId::new(id),
        email: Some(format!("{id}@example.com")),
    };
    vec![
        AuditEntry {
            id: AuditId::from_bits(1),
            at: moment(1),
            actor: person("root"),
            address: Some("2001:db8::1".parse().unwrap()),
            action: AuditAction::BalanceSet,
            target: AuditTarget::User(person("ana")),
            change: Some(AuditChange::new(Some("1.00".into()), Some("2.00".into()))),
            outcome: AuditOutcome::Done,
        },
        AuditEntry {
            id: AuditId::from_bits(2),
            at: moment(2),
            actor: person("root"),
            address: None,
            action: AuditAction::PodStopped,
            target: AuditTarget::Pod {
                id: "3f9a0c1d2e4b5a68".parse().unwrap(),
                name: "Training".into(),
                owner: person("ana"),
            },
            change: None,
            outcome: AuditOutcome::Refused {
                code: "forbidden".into(),
            },
        },
    ]
}
