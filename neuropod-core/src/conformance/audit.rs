//! Checks for every [`AuditLog`].

use std::net::IpAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::expect::{failure, possible, unique};
use crate::id::PodId;
use crate::id::UserId;
use crate::store::audit::{
    AuditAction, AuditChange, AuditEntry, AuditId, AuditLog, AuditOptions, AuditOutcome, AuditPerson,
    AuditTarget, MAX_AUDIT_ENTRIES,
};

/// Runs every check, one after the other.
pub async fn run(log: Arc<dyn AuditLog>) {
    let log = &log;

    every_field_comes_back(log).await;
    what_is_done_stays(log).await;
    newest_first_in_pages(log).await;
    filters(log).await;
    hostile_texts(log).await;
    limits(log).await;
    old_entries_are_forgotten(log).await;
    many_at_once(log).await;
}

/// A moment with whole milliseconds.
fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_767_225_845_678).unwrap() + SignedDuration::from_secs(seconds)
}

fn person(email: &str) -> AuditPerson {
    AuditPerson {
        id: UserId::new(unique("user")),
        email: Some(email.to_owned()),
    }
}

/// An action of `actor`, `seconds` after a fixed moment.
fn entry(actor: &AuditPerson, seconds: i64) -> AuditEntry {
    AuditEntry {
        id: AuditId::random(),
        at: moment(seconds),
        actor: actor.clone(),
        address: None,
        action: AuditAction::PricesSet,
        target: AuditTarget::Prices,
        change: None,
        outcome: AuditOutcome::Done,
    }
}

fn by(actor: &AuditPerson) -> AuditOptions {
    AuditOptions {
        who: Some(actor.id.to_string()),
        ..AuditOptions::default()
    }
}

async fn found(log: &Arc<dyn AuditLog>, options: &AuditOptions) -> Vec<AuditEntry> {
    log.page(options).await.unwrap().entries
}

/// Every kind of target and outcome reads back unchanged.
pub async fn every_field_comes_back(log: &Arc<dyn AuditLog>) {
    let actor = person("Admin@example.com");
    let user = person("ana@example.com");
    let targets = [
        AuditTarget::Platform,
        AuditTarget::Prices,
        AuditTarget::User(user.clone()),
        AuditTarget::Pod {
            id: PodId::random(),
            name: "Mi Pód 🚀".into(),
            owner: AuditPerson {
                email: None,
                ..user.clone()
            },
        },
        AuditTarget::Template {
            id: "t1".into(),
            name: "Jupyter".into(),
        },
        AuditTarget::Route {
            path: "GET /api/admin/pods".into(),
        },
    ];
    let outcomes = [
        AuditOutcome::Pending,
        AuditOutcome::Done,
        AuditOutcome::Refused {
            code: "forbidden".into(),
        },
        AuditOutcome::Failed {
            code: "timeout".into(),
        },
    ];
    let addresses: [Option<IpAddr>; 3] = [
        None,
        Some([203, 0, 113, 7].into()),
        Some("2001:db8::1".parse().unwrap()),
    ];
    let changes = [
        None,
        Some(AuditChange::new(Some("10".into()), Some("25".into()))),
        Some(AuditChange::new(None, Some(String::new()))),
    ];
    let mut written = Vec::new();
    for ((number, seconds), action) in (0_usize..).zip(0_i64..).zip(AuditAction::ALL) {
        let place = |length: usize| number % length;
        let entry = AuditEntry {
            action,
            target: targets[place(targets.len())].clone(),
            outcome: outcomes[place(outcomes.len())].clone(),
            address: addresses[place(addresses.len())],
            change: changes[place(changes.len())].clone(),
            ..entry(&actor, -seconds)
        };
        log.record(&entry).await.unwrap();
        written.push(entry);
    }
    assert_eq!(found(log, &by(&actor)).await, written, "as they were written");
}

/// An entry can be completed; once its outcome is `Done` it never changes.
pub async fn what_is_done_stays(log: &Arc<dyn AuditLog>) {
    let actor = person("admin@example.com");
    let pending = AuditEntry {
        outcome: AuditOutcome::Pending,
        ..entry(&actor, 0)
    };
    let failed = AuditEntry {
        outcome: AuditOutcome::Failed {
            code: "timeout".into(),
        },
        ..pending.clone()
    };
    let done = AuditEntry {
        outcome: AuditOutcome::Done,
        change: Some(AuditChange::new(Some("1".into()), Some("2".into()))),
        ..pending.clone()
    };
    for (entry, expected) in [
        (&pending, &pending),
        (&failed, &failed),
        (&pending, &pending),
        (&done, &done),
        (&pending, &done),
        (&failed, &done),
    ] {
        log.record(entry).await.expect("recording an entry again is fine");
        assert_eq!(found(log, &by(&actor)).await, std::slice::from_ref(expected));
    }
}

/// Pages follow each other without gaps, newest first, while new entries arrive.
pub async fn newest_first_in_pages(log: &Arc<dyn AuditLog>) {
    let actor = person("admin@example.com");
    let mut all = Vec::new();
    for number in 0..7 {
        // Three of them at the same moment.
        let entry = entry(&actor, [0, 1, 2, 2, 2, 3, 4][number]);
        log.record(&entry).await.unwrap();
        all.push(entry);
    }
    all.sort_by(|one, other| (other.at, &other.id).cmp(&(one.at, &one.id)));
    let mut options = AuditOptions {
        limit: 2,
        ..by(&actor)
    };
    let mut seen = Vec::new();
    loop {
        let page = log.page(&options).await.unwrap();
        seen.extend(page.entries);
        let Some(next) = page.next else { break };
        options.after = Some(next);
        log.record(&entry(&actor, 10)).await.unwrap();
    }
    assert_eq!(seen, all);
    let empty = log.page(&by(&person("nobody@example.com"))).await.unwrap();
    assert_eq!((empty.entries, empty.next), (Vec::new(), None));
}

/// By person, action, target and time.
pub async fn filters(log: &Arc<dyn AuditLog>) {
    let address = format!("{}@Example.com", unique("admin"));
    let actor = person(&address);
    let user = person(&format!("{}@example.com", unique("ana")));
    let pod = PodId::random();
    let on_user = AuditEntry {
        action: AuditAction::CreditAdded,
        target: AuditTarget::User(user.clone()),
        ..entry(&actor, 0)
    };
    let on_pod = AuditEntry {
        action: AuditAction::PodStopped,
        target: AuditTarget::Pod {
            id: pod.clone(),
            name: "training".into(),
            owner: user.clone(),
        },
        ..entry(&actor, 10)
    };
    let on_prices = entry(&actor, 20);
    for entry in [&on_user, &on_pod, &on_prices] {
        log.record(entry).await.unwrap();
    }
    let all = [&on_prices, &on_pod, &on_user];
    let options = by(&actor);
    let whom = |text: &str| AuditOptions {
        whom: Some(text.to_owned()),
        ..options.clone()
    };
    let email = user.email.clone().unwrap_or_default();
    for (options, expected, what) in [
        (options.clone(), &all[..], "all of the actor"),
        (
            AuditOptions {
                who: Some(address.to_uppercase()),
                ..AuditOptions::default()
            },
            &all[..],
            "by the actor's address",
        ),
        (
            AuditOptions {
                who: Some(address[1..].to_owned()),
                ..AuditOptions::default()
            },
            &[],
            "by a part of it",
        ),
        (whom(user.id.as_str()), &all[1..], "by the user, with their pods"),
        (whom(&email.to_uppercase()), &all[1..], "by the user's address"),
        (whom(pod.as_str()), &all[1..2], "by the pod"),
        (
            AuditOptions {
                action: Some(AuditAction::CreditAdded),
                ..options.clone()
            },
            &all[2..],
            "by action",
        ),
        (
            AuditOptions {
                from: Some(moment(10)),
                until: Some(moment(20)),
                ..options.clone()
            },
            &all[1..2],
            "by time: from is in it, until is not",
        ),
        (
            AuditOptions {
                from: Some(moment(10) + SignedDuration::from_nanos(1)),
                ..options.clone()
            },
            &all[..1],
            "by a time between two that can be stored",
        ),
    ] {
        let found = found(log, &options).await;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{what}");
    }
}

/// Search texts are neither patterns nor operators nor separators.
pub async fn hostile_texts(log: &Arc<dyn AuditLog>) {
    let end = unique("hostile");
    let texts = [
        "'; --",
        "$where",
        "a.b",
        "%",
        "_",
        ".*",
        "NUL \0",
        "line\nline",
        "ñ 日本",
        "\"\\",
    ]
    .map(possible);
    let mut written = Vec::new();
    for text in &texts {
        let actor = AuditPerson {
            id: UserId::new(format!("{text}{end}")),
            email: None,
        };
        let entry = AuditEntry {
            target: AuditTarget::Template {
                id: format!("{end}{text}"),
                name: format!("{end} {text}"),
            },
            change: Some(AuditChange::new(Some(text.into()), Some(text.into()))),
            ..entry(&actor, 0)
        };
        log.record(&entry).await.unwrap();
        written.push(entry);
    }
    for (text, expected) in texts.iter().zip(&written) {
        let options = by(&expected.actor);
        assert_eq!(
            found(log, &options).await,
            std::slice::from_ref(expected),
            "{text:?}"
        );
        let options = AuditOptions {
            whom: Some(format!("{end}{text}")),
            ..AuditOptions::default()
        };
        assert_eq!(
            found(log, &options).await,
            std::slice::from_ref(expected),
            "{text:?}"
        );
    }
    for part in [end.as_str(), "%", "_", ".*", "\n", ""] {
        let options = AuditOptions {
            who: Some(part.to_owned()),
            whom: Some(part.to_owned()),
            ..AuditOptions::default()
        };
        assert_eq!(found(log, &options).await, Vec::new(), "{part:?} is nobody");
    }
}

/// A page of 0 or too many entries is refused.
pub async fn limits(log: &Arc<dyn AuditLog>) {
    for limit in [0, MAX_AUDIT_ENTRIES + 1] {
        let options = AuditOptions {
            limit,
            ..AuditOptions::default()
        };
        failure(
            log.page(&options).await,
            "invalid",
            "a page of no or too many entries",
        );
    }
}

/// Only entries older than the given time are removed.
pub async fn old_entries_are_forgotten(log: &Arc<dyn AuditLog>) {
    // Older than the entries of any other check.
    let seconds = -100 * 365 * 24 * 3600;
    let actor = person("admin@example.com");
    let [old, limit] = [entry(&actor, seconds - 1), entry(&actor, seconds)];
    for entry in [&old, &limit] {
        log.record(entry).await.unwrap();
    }
    log.forget(limit.at).await.unwrap();
    assert_eq!(found(log, &by(&actor)).await, std::slice::from_ref(&limit));
    log.forget(limit.at + SignedDuration::from_millis(1))
        .await
        .unwrap();
    assert_eq!(found(log, &by(&actor)).await, Vec::new());
}

/// Concurrent records are all kept, and one id remains one entry.
pub async fn many_at_once(log: &Arc<dyn AuditLog>) {
    let actor = person("admin@example.com");
    let one = entry(&actor, 0);
    let mut tasks = Vec::new();
    for number in 0..20 {
        let (log, actor, one) = (Arc::clone(log), actor.clone(), one.clone());
        tasks.push(tokio::spawn(async move {
            log.record(&entry(&actor, number)).await.unwrap();
            log.record(&one).await.unwrap();
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(found(log, &by(&actor)).await.len(), 21);
}
