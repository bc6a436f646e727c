//! Documents to store.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::cluster::observation::Step;
use crate::cluster::reason::Reason;
use crate::cluster::reason::ReasonCode;
use crate::conformance::expect::unique;
use crate::id::{PodId, Role, UserId};
use crate::money::amount::Money;
use crate::money::billing::{Period, Spent};
use crate::money::meter::{HoldState, Meter, PendingCharge, Price};
use crate::pod::environment::Environment;
use crate::pod::options::{Jupyter, PodOptions};
use crate::pod::port::Port;
use crate::pod::record::{Desired, Login, Pod, Status, VolumeDeletion};
use crate::pod::template::Template;
use crate::pod::wait::{Awaited, Wait};
use crate::token::TokenState;
use crate::token::secret::AccessToken;
use crate::user::profile::User;

/// Texts that break stores which build queries, keys or lines from them.
pub(super) const HOSTILE: [&str; 16] = [
    "",
    " ",
    "'; DROP TABLE pods; --",
    "\"quoted\" and \\ back\\slashed \\u0000",
    "$where",
    "{\"$gt\": \"\"}",
    "a.b.c",
    ".",
    "__proto__",
    "%",
    "_",
    ".*",
    "line one\nline two\r\n\ttab",
    "NUL \0 inside",
    "ñandú שלום 日本語 e\u{301} \u{202e}evil \u{1f600}\u{200d}\u{1f52c}",
    "\u{feff}\u{fffd}\u{10ffff}",
];

pub(in crate::conformance) fn user_id() -> UserId {
    UserId::new(unique("user"))
}

/// A moment with whole milliseconds, `seconds` after a fixed one.
pub(super) fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_767_225_845_678).unwrap() + SignedDuration::from_secs(seconds)
}

/// A pod with no optional values, as if just created.
pub(in crate::conformance) fn pod(owner: &UserId, slug: &str) -> Pod {
    let sample = Pod::sample(moment(0));
    Pod {
        id: PodId::random(),
        version: 0,
        owner: owner.clone(),
        created_by: owner.clone(),
        name: slug.to_owned(),
        slug: slug.parse().unwrap(),
        options: PodOptions {
            ports: Some(Vec::new()),
            jupyter: Some(Jupyter::Off),
            ..sample.options
        },
        login: Login::default(),
        meter: Meter {
            hold_state: HoldState::None,
            ..sample.meter
        },
        ..sample
    }
}

/// A pod in which every field has a value, the largest one for numbers.
#[expect(clippy::too_many_lines, reason = "every field of a pod")]
pub(super) fn full_pod(owner: &UserId, slug: &str) -> Pod {
    Pod {
        id: PodId::random(),
        version: 7,
        owner: owner.clone(),
        owner_hash: "81dc9bdb".parse().unwrap(),
        created_by: user_id(),
        name: "Mi Pód 🚀".into(),
        slug: slug.parse().unwrap(),
        template: Some("template-1".into()),
        volume: "workspace-81dc9bdb".into(),
        namespace: Some("user-81dc9bdb".into()),
        options: PodOptions {
            image: Some("ghcr.io/owner/name:1.2".parse().unwrap()),
            gpu: Some("rtx-4090".into()),
            disk_gb: Some(u32::MAX),
            volume_gb: Some(150),
            mount_path: Some("/home/jovyan/work".into()),
            ports: Some(vec![
                Port::http(8888).with_name("Jupyter Lab"),
                Port::http(u16::MAX),
                Port::tcp(22).with_name("SSH"),
            ]),
            jupyter: Some(Jupyter::Chosen(AccessToken::new("chosen by the user"))),
            daily_cap: Some(Money::from_micros(i64::MAX)),
            environment: Environment(BTreeMap::from([
                ("HF_TOKEN".to_owned(), "hf_secret".to_owned()),
                ("EMPTY".to_owned(), String::new()),
            ])),
        },
        desired: Desired::Stopped,
        // The largest number that SQLite and BSON can store.
        run: i64::MAX.unsigned_abs(),
        status: Status::Error,
        step: Step::PullingImage,
        reason: Some(Reason::new(
            ReasonCode::ImageNotFound,
            "manifest unknown",
            moment(5),
        )),
        login: Login {
            injected: Some(AccessToken::new("injected")),
            found: TokenState::Generated(AccessToken::new(
                "b1726e8f59acb3b9a1ba264bf01cd49ec07faa1910eafcb9",
            )),
            container: Some("containerd://0f1e2d".into()),
            read_at: Some(moment(5)),
        },
        price: Price {
            hourly: Money::from_micros(i64::MAX),
            stopped: Money::from_micros(5),
            version: i64::MAX.unsigned_abs(),
        },
        meter: Meter {
            hold_number: i64::MAX.unsigned_abs(),
            hold_state: HoldState::Closing,
            price: Price {
                hourly: Money::from_micros(1),
                stopped: Money::from_micros(6),
                version: 2,
            },
            container: Some("containerd://0f1e2d".into()),
            started_at: Some(moment(5)),
            charged_seconds: 7,
            from: Some(moment(6)),
            volume_from: Some(moment(14)),
            is_long: true,
            phase: Some(moment(15)),
            pending: Some(PendingCharge {
                period: Period {
                    from: moment(12),
                    until: moment(13),
                },
                amount: Money::from_micros(i64::MAX),
                hourly: Money::from_micros(3),
                version: 4,
                from_hold: true,
            }),
            draws: i64::MAX.unsigned_abs(),
            remaining: Some(Money::from_micros(i64::MIN)),
            capped: true,
            charged_until: Some(moment(9)),
            seen_at: Some(moment(10)),
        },
        charged: Money::from_micros(i64::MIN),
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
        attempts: u32::MAX,
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

pub(super) fn user(email: &str) -> User {
    User {
        id: user_id(),
        email: email.to_owned(),
        name: "Ana".into(),
        role: Role::Client,
        identity: None,
        email_verified: false,
        suspended: false,
        deleted: false,
        daily_cap: None,
        extra: BTreeMap::new(),
        registration_date: moment(0),
        version: 0,
    }
}

pub(super) fn template(name: &str) -> Template {
    let options = PodOptions::default()
        .with_image("jupyter/scipy-notebook".parse().unwrap())
        .with_disks(20, 30)
        .with_mount_path("/workspace")
        .with_ports([
            Port::http(8888).with_name("Jupyter Lab"),
            Port::tcp(22).with_name("SSH"),
        ])
        .with_jupyter(Jupyter::Generated)
        .with_variable("HF_HOME", "/workspace/hf");
    Template::new(unique("template"), name, options, moment(0))
        .with_description("# Scipy\n\n<script>alert(1)</script>")
}
