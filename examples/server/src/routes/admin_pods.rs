//! All pods, for administrators.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use neuropod::error::Violation;
use neuropod::message::Language;
use neuropod::{Actor, Pod};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::{App, Shared};
use crate::auth::Admin;
use crate::contract::failure::{Failure, FailureBody};
use crate::contract::pod::PodView;
use crate::contract::reply::{Answer, Parameters, data};
use crate::directory::People;
use crate::language::Asked;
use crate::overview::{self, Order, Place, Query, Sort, StatusFilter, Use};

/// Pods of a page, unless it is asked for another number.
const USUAL_LIMIT: u32 = 50;
/// Most pods of a page.
const MAX_LIMIT: u32 = 200;

/// Which pods, and in which order.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Only those in this state.
    #[param(inline)]
    status: Option<StatusFilter>,
    /// Only those with this GPU type.
    gpu: Option<String>,
    /// Only those on this node.
    node: Option<String>,
    /// Only those of this user: an id or an e-mail address.
    owner: Option<String>,
    /// Only those with this in their name, id, image or node, or in the name or address of their owner.
    search: Option<String>,
    /// The sort key; the creation unless given.
    #[serde(default)]
    #[param(inline)]
    sort: Sort,
    /// `desc` unless given.
    #[serde(default)]
    #[param(inline)]
    order: Order,
    /// Only those after this place: `next` of the page before.
    after: Option<String>,
    /// At most so many; 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// A page of all pods.
#[derive(Serialize, ToSchema)]
pub(crate) struct PodsPage {
    /// The pods, without their services: links are shown for a single pod only.
    pods: Vec<OwnedPod>,
    /// Where the next page begins; null: this was the last.
    next: Option<String>,
    /// How many there are on all pages.
    total: usize,
    /// How many there would be with each status.
    counts: BTreeMap<&'static str, usize>,
    /// The GPU types that any pod has.
    gpus: BTreeSet<String>,
}

/// A pod and its owner.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OwnedPod {
    #[serde(flatten)]
    pod: PodView,
    /// The name of its owner; null: they are deleted.
    user_name: Option<String>,
    /// The node it is on, where one is chosen.
    node: Option<String>,
}

/// All pods, a page at a time.
#[utoipa::path(get, path = "/api/admin/pods", tag = "Administration", params(Which), security(("bearer" = [])), responses(
    (status = 200, body = Answer<PodsPage>), (status = 400, body = FailureBody),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody),
))]
pub(crate) async fn list(
    State(app): State<Shared>,
    Asked(language): Asked,
    Admin(admin): Admin,
    Parameters(which): Parameters<Which>,
) -> Result<Json<Answer<PodsPage>>, Failure> {
    let query = which.query()?;
    let pods = app.all_pods(&admin.actor()).await?;
    let owners = pods.iter().map(|pod| &pod.owner);
    let people = app.directory.get(&app.platform, owners).await?;
    let found = overview::select(pods, &people, |pod| app.use_of(pod), &query);
    Ok(data(PodsPage {
        pods: found
            .pods
            .iter()
            .map(|pod| app.owned_pod(pod, &people, language))
            .collect(),
        next: found.next.map(|place| place.to_text()),
        total: found.total,
        counts: found.counts,
        gpus: found.gpus,
    }))
}

impl Which {
    fn query(self) -> Result<Query, Failure> {
        let limit = self.limit.unwrap_or(USUAL_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            let range = Violation::OutOfRange {
                min: 1,
                max: MAX_LIMIT,
            };
            return Err(Failure::field("limit", range));
        }
        let after = match self.after.as_deref().filter(|text| !text.is_empty()) {
            Some(text) => {
                let place = Place::from_text(text);
                Some(place.ok_or_else(|| Failure::field("after", Violation::Malformed))?)
            }
            None => None,
        };
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        Ok(Query {
            status: self.status,
            gpu: given(self.gpu),
            node: given(self.node),
            owner: given(self.owner),
            search: given(self.search),
            sort: self.sort,
            order: self.order,
            after,
            limit: limit as usize,
        })
    }
}

impl App {
    /// All pods: as the live updates know them, which read all of them anyway; from the store until then.
    async fn all_pods(&self, actor: &Actor) -> Result<Vec<Arc<Pod>>, Failure> {
        if let Some(pods) = self.live.all() {
            return Ok(pods.into_iter().filter(|pod| !pod.is_deleted()).collect());
        }
        let pods = self.platform.list_all(actor, None).await?;
        Ok(pods.into_iter().map(Arc::new).collect())
    }

    fn use_of(&self, pod: &Pod) -> Use {
        let stats = self.stats(pod);
        Use {
            cpu: stats.known.cpu.then_some(stats.cpu_usage),
            gpu: stats.known.gpu.then_some(stats.gpu_usage),
        }
    }

    fn owned_pod(&self, pod: &Pod, people: &People, language: Language) -> OwnedPod {
        let owner = people.get(&pod.owner);
        OwnedPod {
            pod: PodView {
                user_email: owner.map(|owner| owner.email.clone()),
                http_services: Vec::new(),
                tcp_services: Vec::new(),
                ..self.shown(language).pod(pod, self.stats(pod))
            },
            user_name: owner.map(|owner| owner.name.clone()),
            node: pod.node.clone(),
        }
    }
}
