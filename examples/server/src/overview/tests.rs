use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use neuropod::{Money, Pod, PodId, Status, UserId};

use super::*;
use crate::directory::{People, Person};
use crate::test_api::{Api, config};

/// Five pods of two people, and the people.
async fn stage() -> (Vec<Arc<Pod>>, People) {
    let now = Timestamp::UNIX_EPOCH;
    let api = Api::start(config()).await;
    let token = api.sign_in("ana@example.com").await;
    let id = api.create(&token, "training").await.parse().unwrap();
    let actor = api.app.caller(&token).await.unwrap().actor();
    let sample = api.app.platform.get(&actor, &id).await.unwrap();
    let ana = UserId::new("1");
    let berta = UserId::new("2");
    let pod = |number: u64, name: &str, owner: &UserId, gpu: &str, status, cents| {
        let mut pod = sample.clone();
        pod.created_at = now + SignedDuration::from_secs(number.cast_signed());
        pod.id = PodId::from_bits(number);
        pod.name = name.into();
        pod.owner = owner.clone();
        pod.options.gpu = Some(gpu.into());
        pod.status = status;
        pod.charged = Money::from_cents(cents);
        pod.node = (status == Status::Running).then(|| format!("node-{number}"));
        Arc::new(pod)
    };
    let pods = vec![
        pod(1, "Éter", &ana, "cpu", Status::Running, 5),
        pod(2, "training", &ana, "rtx-4090", Status::Stopped, 7),
        pod(3, "Alpha", &berta, "rtx-4090", Status::Running, 5),
        pod(4, "beta", &berta, "rtx-4050", Status::Error, 0),
        pod(5, "gone", &UserId::new("3"), "cpu", Status::Creating, 9),
    ];
    let person = |email: &str, name: &str| Person {
        email: email.into(),
        name: name.into(),
    };
    let people = HashMap::from([
        (ana, person("Ana@example.com", "Ana López")),
        (berta, person("berta@example.com", "Berta")),
    ]);
    (pods, Arc::new(people))
}

fn ids((pods, people): &(Vec<Arc<Pod>>, People), query: &Query) -> Vec<u64> {
    let found = select(pods.clone(), people, |_| Use::default(), query);
    let ids = found
        .pods
        .iter()
        .map(|pod| u64::from_str_radix(pod.id.as_str(), 16).unwrap());
    ids.collect()
}

fn all() -> Query {
    Query {
        limit: 100,
        ..Query::default()
    }
}

#[tokio::test(start_paused = true)]
async fn filters() {
    let stage = stage().await;
    let text = |text: &str| Some(text.to_owned());
    let cases = [
        (all(), vec![5, 4, 3, 2, 1]),
        (
            Query {
                status: Some(StatusFilter::Running),
                ..all()
            },
            vec![3, 1],
        ),
        (
            Query {
                gpu: text("rtx-4090"),
                ..all()
            },
            vec![3, 2],
        ),
        (
            Query {
                node: text("node-3"),
                ..all()
            },
            vec![3],
        ),
        (
            Query {
                owner: text("2"),
                ..all()
            },
            vec![4, 3],
        ),
        (
            Query {
                owner: text("ana@EXAMPLE.com"),
                ..all()
            },
            vec![2, 1],
        ),
        (
            Query {
                owner: text("ana"),
                ..all()
            },
            vec![],
        ),
        (
            Query {
                search: text(" LÓPEZ "),
                ..all()
            },
            vec![2, 1],
        ),
        (
            Query {
                search: text("éter"),
                ..all()
            },
            vec![1],
        ),
        (
            Query {
                search: text("node-1"),
                ..all()
            },
            vec![1],
        ),
        (
            Query {
                search: text("0000003"),
                ..all()
            },
            vec![3],
        ),
        (
            Query {
                search: text(".*"),
                ..all()
            },
            vec![],
        ),
        (
            Query {
                search: text("berta"),
                status: Some(StatusFilter::Error),
                gpu: text("rtx-4050"),
                ..all()
            },
            vec![4],
        ),
    ];
    for (query, expected) in cases {
        assert_eq!(ids(&stage, &query), expected, "{query:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_order_both_ways_in_pages_of_any_size() {
    let orders = [
        (Sort::Created, vec![1, 2, 3, 4, 5]),
        (Sort::Name, vec![3, 4, 5, 2, 1]),
        (Sort::Owner, vec![5, 1, 2, 3, 4]),
        (Sort::Gpu, vec![1, 5, 4, 2, 3]),
        (Sort::Node, vec![2, 4, 5, 1, 3]),
        (Sort::Status, vec![4, 5, 1, 3, 2]),
        (Sort::Total, vec![4, 1, 3, 2, 5]),
        (Sort::Cost, vec![1, 2, 3, 4, 5]),
        (Sort::Cpu, vec![1, 2, 3, 4, 5]),
        (Sort::Use, vec![1, 2, 3, 4, 5]),
    ];
    let (pods, people) = stage().await;
    for (sort, mut expected) in orders {
        for order in [Order::Asc, Order::Desc] {
            for limit in 1..=6 {
                let mut query = Query {
                    sort,
                    order,
                    limit,
                    ..Query::default()
                };
                let mut seen = Vec::new();
                loop {
                    let page = select(pods.clone(), &people, |_| Use::default(), &query);
                    assert_eq!(page.total, 5);
                    seen.extend(page.pods.iter().map(|pod| pod.id.clone()));
                    let Some(next) = page.next else { break };
                    query.after = Some(Place::from_text(&next.to_text()).unwrap());
                }
                let ids: Vec<_> = expected.iter().map(|id| PodId::from_bits(*id)).collect();
                assert_eq!(seen, ids, "{sort:?} {order:?} {limit}");
            }
            expected.reverse();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn counts_ignore_the_status_filter() {
    let (pods, people) = stage().await;
    let query = Query {
        status: Some(StatusFilter::Stopped),
        ..all()
    };
    let found = select(pods, &people, |_| Use::default(), &query);
    assert_eq!(found.total, 1);
    let counts = [("creating", 1), ("error", 1), ("running", 2), ("stopped", 1)];
    assert_eq!(found.counts, counts.into());
    let gpus = ["cpu", "rtx-4050", "rtx-4090"].map(str::to_owned);
    assert_eq!(found.gpus, gpus.into());
}

#[test]
fn invalid_places_are_none() {
    for text in ["", "x", "e30", "%%", "WzFd"] {
        assert_eq!(Place::from_text(text), None, "{text}");
    }
}
