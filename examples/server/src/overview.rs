//! All pods, for administrators: which ones, in which order, a page at a time. Plain functions over what the live updates
//! know already, so that a page costs the store nothing.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use neuropod::pod::Desired;
use neuropod::{Pod, PodId, Status};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::directory::{People, Person};

/// By what pods are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sort {
    /// When they were created.
    #[default]
    Created,
    /// Their names.
    Name,
    /// The addresses of their owners.
    Owner,
    /// Their GPU types.
    Gpu,
    /// Their nodes.
    Node,
    /// How they are.
    Status,
    /// What they cost per hour now.
    Cost,
    /// What they have cost so far.
    Total,
    /// How much of their processor time they use.
    Cpu,
    /// How much of their GPU they use.
    Use,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Order {
    /// The least first.
    Asc,
    /// The most first.
    #[default]
    Desc,
}

/// How pods are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StatusFilter {
    /// On their way to running.
    Creating,
    /// Running.
    Running,
    /// Stopped.
    Stopped,
    /// Failed.
    Error,
}

impl StatusFilter {
    fn fits(self, status: Status) -> bool {
        let wanted = match self {
            Self::Creating => Status::Creating,
            Self::Running => Status::Running,
            Self::Stopped => Status::Stopped,
            Self::Error => Status::Error,
        };
        wanted == status
    }
}

/// Which pods.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pub(crate) status: Option<StatusFilter>,
    pub(crate) gpu: Option<String>,
    pub(crate) node: Option<String>,
    /// Their owner: an id or an e-mail address.
    pub(crate) owner: Option<String>,
    /// What is in their name, id, image or node, or in the name or address of their owner.
    pub(crate) search: Option<String>,
    pub(crate) sort: Sort,
    pub(crate) order: Order,
    pub(crate) after: Option<Place>,
    pub(crate) limit: usize,
}

/// What a pod uses, in percent, as far as it is known.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Use {
    pub(crate) cpu: Option<f64>,
    pub(crate) gpu: Option<f64>,
}

/// A page of pods.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) pods: Vec<Arc<Pod>>,
    /// The place of the last one, where there are more.
    pub(crate) next: Option<Place>,
    /// How many fit the query, on all pages.
    pub(crate) total: usize,
    /// How many of them would fit with each status.
    pub(crate) counts: BTreeMap<&'static str, usize>,
    /// The GPU types that any pod has.
    pub(crate) gpus: BTreeSet<String>,
}

/// A place in the order. It holds also when the pod that was there is gone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place {
    key: Key,
    id: PodId,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
enum Key {
    Number(i64),
    Text(String),
}

impl Place {
    /// The place as it is written into addresses.
    pub(crate) fn to_text(&self) -> String {
        BASE64URL_NOPAD.encode(&serde_json::to_vec(self).unwrap_or_default())
    }

    /// The place that such a text means; `None`: none.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        serde_json::from_slice(&BASE64URL_NOPAD.decode(text.as_bytes()).ok()?).ok()
    }
}

/// The pods that `query` selects.
pub(crate) fn select(
    pods: Vec<Arc<Pod>>,
    people: &People,
    uses: impl Fn(&Pod) -> Use,
    query: &Query,
) -> Selection {
    let gpus = pods.iter().map(|pod| pod.spec.gpu.clone()).collect();
    let owner_of = |pod: &Pod| people.get(&pod.owner);
    let mut found: Vec<_> = pods
        .into_iter()
        .filter(|pod| query.fits(pod, owner_of(pod)))
        .collect();
    let mut counts = BTreeMap::new();
    for pod in &found {
        *counts.entry(pod.status.as_str()).or_default() += 1;
    }
    if let Some(status) = query.status {
        found.retain(|pod| status.fits(pod.status));
    }
    let total = found.len();
    let placed = found.into_iter().map(|pod| {
        let key = query.sort.key(&pod, owner_of(&pod), &uses);
        let id = pod.id.clone();
        (Place { key, id }, pod)
    });
    let mut placed: Vec<_> = placed.collect();
    if let Some(after) = &query.after {
        placed.retain(|(place, _)| query.compare(place, after) == Ordering::Greater);
    }
    placed.sort_unstable_by(|(one, _), (other, _)| query.compare(one, other));
    let more = placed.len() > query.limit;
    placed.truncate(query.limit);
    Selection {
        next: placed.last().filter(|_| more).map(|(place, _)| place.clone()),
        pods: placed.into_iter().map(|(_, pod)| pod).collect(),
        total,
        counts,
        gpus,
    }
}

impl Query {
    fn compare(&self, one: &Place, other: &Place) -> Ordering {
        match self.order {
            Order::Asc => one.cmp(other),
            Order::Desc => other.cmp(one),
        }
    }

    /// Whether a pod is one of those, but for its status.
    fn fits(&self, pod: &Pod, owner: Option<&Person>) -> bool {
        let is = |wanted: &Option<String>, value: &str| wanted.as_ref().is_none_or(|wanted| wanted == value);
        let is_theirs = self.owner.as_ref().is_none_or(|wanted| {
            wanted == pod.owner.as_str()
                || owner.is_some_and(|owner| owner.email.to_lowercase() == wanted.to_lowercase())
        });
        is(&self.gpu, &pod.spec.gpu)
            && is(&self.node, pod.node.as_deref().unwrap_or_default())
            && is_theirs
            && self.search.as_ref().is_none_or(|text| mentions(pod, owner, text))
    }
}

/// Whether a text is in what is shown of a pod.
fn mentions(pod: &Pod, owner: Option<&Person>, text: &str) -> bool {
    let text = text.trim().to_lowercase();
    let has = |value: &str| value.to_lowercase().contains(&text);
    has(&pod.name)
        || has(pod.id.as_str())
        || has(pod.spec.image.as_ref())
        || pod.node.as_deref().is_some_and(has)
        || owner.is_some_and(|owner| has(&owner.email) || has(&owner.name))
}

impl Sort {
    fn key(self, pod: &Pod, owner: Option<&Person>, uses: &impl Fn(&Pod) -> Use) -> Key {
        let text = |text: &str| Key::Text(text.to_lowercase());
        match self {
            Self::Created => Key::Number(pod.created_at.as_microsecond()),
            Self::Name => text(&pod.name),
            Self::Owner => text(owner.map_or("", |owner| &owner.email)),
            Self::Gpu => text(&pod.spec.gpu),
            Self::Node => text(pod.node.as_deref().unwrap_or_default()),
            Self::Status => Key::Number(match pod.status {
                Status::Error => 0,
                Status::Creating => 1,
                Status::Running => 2,
                Status::Stopped => 3,
            }),
            Self::Cost => Key::Number(match pod.desired {
                Desired::Running => pod.price.hourly.micros(),
                _ => pod.price.stopped.micros(),
            }),
            Self::Total => Key::Number(pod.charged.micros()),
            Self::Cpu => Key::Number(tenths(uses(pod).cpu)),
            Self::Use => Key::Number(tenths(uses(pod).gpu)),
        }
    }
}

/// What is not known comes before what is nothing.
#[expect(clippy::cast_possible_truncation, reason = "percentages")]
fn tenths(percent: Option<f64>) -> i64 {
    percent.map_or(-1, |percent| (percent * 10.0) as i64)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use jiff::{SignedDuration, Timestamp};
    use neuropod::{Money, UserId};

    use super::*;
    use crate::smoke::{Api, config};

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
            pod.spec.gpu = gpu.into();
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
    async fn counts_are_of_all_that_fit_but_for_the_status() {
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
    fn what_is_no_place_is_none() {
        for text in ["", "x", "e30", "%%", "WzFd"] {
            assert_eq!(Place::from_text(text), None, "{text}");
        }
    }
}
