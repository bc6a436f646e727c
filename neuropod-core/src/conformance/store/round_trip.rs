//! Stored values read back unchanged.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;

use super::sample::{HOSTILE, full_pod, moment, pod, user_id};
use crate::cluster::observation::Step;
use crate::cluster::reason::Reason;
use crate::cluster::reason::ReasonCode;
use crate::cluster::workload::VolumePolicy;
use crate::conformance::expect::{possible, unique};
use crate::id::UserId;
use crate::money::meter::{HoldState, Meter};
use crate::pod::environment::Environment;
use crate::pod::options::{Jupyter, PodOptions};
use crate::pod::port::Port;
use crate::pod::record::{Desired, Login, Pod, Status};
use crate::store::traits::{ListOptions, PodStore};
use crate::token::TokenState;
use crate::token::secret::AccessToken;

/// Stores `pod`, checks that get and list return it unchanged, and removes it, because large ones would slow
/// down later checks.
async fn comes_back(store: &Arc<dyn PodStore>, pod: Pod, what: &str) {
    let inserted = store
        .insert(&pod)
        .await
        .unwrap_or_else(|error| panic!("{what} must be stored: {error}"));
    let expected = Pod { version: 1, ..pod };
    assert!(inserted == expected, "insert returns {what} as it was");
    let got = store.get(&expected.id).await.unwrap();
    assert!(got.as_ref() == Some(&expected), "get returns {what} as it was");
    let options = ListOptions {
        owner: Some(expected.owner.clone()),
        include_deleted: true,
        ..ListOptions::default()
    };
    let page = store.list(&options).await.unwrap();
    assert!(page.pods == [expected], "list returns {what} as it was");
    store.remove(&inserted.id, inserted.version).await.unwrap();
}

/// Every field, including secrets.
pub async fn every_field(store: &Arc<dyn PodStore>) {
    comes_back(store, full_pod(&user_id(), "full"), "a pod with every field set").await;
    comes_back(
        store,
        pod(&user_id(), "sparse"),
        "a pod with nothing in it that can be left out",
    )
    .await;
}

/// Every state of a field, one update after the other.
pub async fn every_state(store: &Arc<dyn PodStore>) {
    let mut stored = store.insert(&full_pod(&user_id(), "states")).await.unwrap();
    for change in states() {
        change(&mut stored);
        let updated = store.update(&stored).await.unwrap();
        stored.version += 1;
        assert_eq!(updated, stored, "update returns every state as it was");
        let got = store.get(&stored.id).await.unwrap();
        assert_eq!(got.as_ref(), Some(&stored), "get returns every state as it was");
    }
}

type Change = Box<dyn Fn(&mut Pod) + Send>;

fn states() -> Vec<Change> {
    let keep = VolumePolicy::Keep;
    let delete = VolumePolicy::Delete;
    let codes = [
        ReasonCode::NoGpuFree,
        ReasonCode::OutOfMemory,
        ReasonCode::InsufficientFunds,
    ];

    let desired = [
        Desired::Running,
        Desired::Stopped,
        Desired::Deleted { volume: keep },
        Desired::Deleted { volume: delete },
    ];
    let status = [Status::Creating, Status::Running, Status::Stopped, Status::Error];
    let step = [
        Step::Accepted,
        Step::Scheduling,
        Step::Preparing,
        Step::PullingImage,
        Step::Starting,
        Step::Ready,
        Step::Stopping,
        Step::Stopped,
    ];
    let hold = [
        HoldState::None,
        HoldState::Opening,
        HoldState::Open,
        HoldState::Closing,
    ];
    let found = [
        TokenState::Unknown,
        TokenState::Generated(AccessToken::new("generated")),
        TokenState::Configured,
        TokenState::Disabled,
        TokenState::Password,
    ];
    let mut changes: Vec<Change> = Vec::new();
    changes.extend(desired.map(|desired| Box::new(move |pod: &mut Pod| pod.desired = desired) as Change));
    changes.extend(status.map(|status| Box::new(move |pod: &mut Pod| pod.status = status) as Change));
    changes.extend(step.map(|step| Box::new(move |pod: &mut Pod| pod.step = step) as Change));
    changes.extend(hold.map(|state| Box::new(move |pod: &mut Pod| pod.meter.hold_state = state) as Change));
    changes
        .extend(found.map(|found| Box::new(move |pod: &mut Pod| pod.login.found = found.clone()) as Change));
    changes.extend(codes.map(|code| {
        Box::new(move |pod: &mut Pod| pod.reason = Some(Reason::new(code, "0/3 nodes", moment(4)))) as Change
    }));
    // Optional values can be removed again.
    changes.push(Box::new(|pod| {
        let sparse = super::sample::pod(&pod.owner, pod.slug.as_str());
        *pod = Pod {
            id: pod.id.clone(),
            version: pod.version,
            created_at: pod.created_at,
            ..sparse
        };
    }));
    changes
}

/// Times are kept at least to the millisecond, and read back as they were returned.
pub async fn times(store: &Arc<dyn PodStore>) {
    let time = moment(0) + SignedDuration::from_nanos(123_456);
    let given = Pod {
        created_at: time,
        updated_at: time,
        started_at: Some(time),
        ..full_pod(&user_id(), "times")
    };
    let inserted = store.insert(&given).await.unwrap();
    let got = store.get(&given.id).await.unwrap().unwrap();
    assert_eq!(got, inserted, "get returns the times that insert returned");
    for time_got in [got.created_at, got.updated_at, got.started_at.unwrap()] {
        let off = time.duration_since(time_got).abs();
        assert!(
            off < SignedDuration::from_millis(1),
            "{time} came back as {time_got}, more than a millisecond off"
        );
    }
    // A pod read from the store can be written back: its creation time counts as unchanged.
    store.update(&got).await.expect("a returned pod can be updated");
}

/// Texts that break queries, keys and lines.
pub async fn hostile_texts(store: &Arc<dyn PodStore>) {
    for text in &HOSTILE.map(possible) {
        // Unique, because other runs use the same server.
        let owner = UserId::new(format!("{text}{}", unique("hostile")));
        let sparse = pod(&owner, "hostile");
        let hostile = Pod {
            name: text.into(),
            created_by: UserId::new(text),
            template: Some(text.into()),
            options: PodOptions {
                gpu: Some(text.into()),
                mount_path: Some(text.into()),
                ports: Some(vec![Port::http(1).with_name(text)]),
                jupyter: Some(Jupyter::Chosen(AccessToken::new(text))),
                environment: Environment(BTreeMap::from([("VALUE".into(), text.into())])),
                ..sparse.options
            },
            volume: text.into(),
            namespace: Some(text.into()),
            reason: Some(Reason::new(ReasonCode::Unschedulable, text, moment(0))),
            login: Login {
                injected: Some(AccessToken::new(text)),
                found: TokenState::Generated(AccessToken::new(text)),
                container: Some(text.into()),
                read_at: None,
            },
            meter: Meter {
                hold_number: 1,
                ..sparse.meter
            },
            request_digest: Some(text.into()),
            ..sparse
        };
        comes_back(store, hostile, &format!("a pod full of {text:?}")).await;

        // As a filter it is taken literally: neither pattern nor operator.
        let options = ListOptions {
            owner: Some(UserId::new(format!("{}{text}", unique("nobody")))),
            ..ListOptions::default()
        };
        let page = store.list(&options).await.unwrap();
        assert!(
            page.pods.is_empty(),
            "an owner without pods whose id ends in {text:?} has none"
        );
    }
    // Names of variables that are operators, paths or prototypes elsewhere.
    let sparse = pod(&user_id(), "hostile");
    let names = ["$where", "a.b", "__proto__", "constructor", "_id", "$", "."];
    let variables = names.map(|name| (name.to_owned(), "value".to_owned()));
    let hostile = Pod {
        options: PodOptions {
            environment: Environment(variables.into()),
            ..sparse.options
        },
        ..sparse
    };
    comes_back(store, hostile, "a pod with hostile names of variables").await;
}

/// A text of a megabyte.
pub async fn large_texts(store: &Arc<dyn PodStore>) {
    let sparse = pod(&user_id(), "large");
    let large = Pod {
        name: "ñ".repeat(512 * 1024),
        ..sparse
    };
    comes_back(store, large, "a pod whose name has a megabyte").await;
}
