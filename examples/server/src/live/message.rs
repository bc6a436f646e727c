//! The events of live updates, as sent.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use jiff::Timestamp;
use neuropod::message::{self, Language};
use neuropod::{Money, PodId};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::current::{Current, Digest, Written};
use super::listener::{Listener, Refusal};
use super::mailbox::{Alert, Outgoing};
use crate::app::App;
use crate::contract::failure::Failure;
use crate::contract::money::BalanceView;
use crate::contract::pod::PodView;

/// How long a warning waits for the balance that it contains.
const BALANCE: Duration = Duration::from_secs(2);

/// An event: its name and its content as JSON.
pub(super) struct Event {
    pub(super) name: &'static str,
    pub(super) text: String,
}

impl Event {
    /// An event with these fields; `type` repeats the name.
    pub(super) fn new(name: &'static str, mut fields: Value) -> Self {
        fields["type"] = name.into();
        Self {
            name,
            text: fields.to_string(),
        }
    }

    /// The event for a failure.
    pub(super) fn error(app: &App, failure: &Failure, pod_id: Option<&str>, language: Language) -> Self {
        let mut fields =
            json!({ "code": failure.code(), "message": failure.message(language, app.platform.currency()) });
        if let Some(pod_id) = pod_id {
            fields["podId"] = pod_id.into();
        }
        Self::new("error", fields)
    }

    /// The event for this news; `None`: the listener knows it already.
    pub(super) async fn of(app: &App, listener: &Listener, outgoing: &Outgoing) -> Option<Self> {
        let language = listener.language();
        let event = match outgoing {
            Outgoing::Updated(current) => {
                let update = update(app, current, language);
                if !listener.is_news(&current.pod.id, update) {
                    return None;
                }
                Self {
                    name: "podUpdate",
                    text: update.text.clone(),
                }
            }
            Outgoing::Created(current) => {
                listener.announced(&current.pod.id, update(app, current, language));
                Self::created(app, current, listener)
            }
            Outgoing::Deleted(id) => Self::new(
                "podDeleted",
                json!({ "podId": id, "timestamp": Timestamp::now() }),
            ),
            Outgoing::Notice { pod_id, code } => Self::new(
                "adminNotification",
                json!({
                    "podId": pod_id,
                    "podName": app.live.pod(pod_id).map(|pod| pod.name.clone()),
                    "code": code,
                    "message": message::reason(*code, language),
                    "timestamp": Timestamp::now(),
                }),
            ),
            Outgoing::Standing(standing) => {
                let mut fields = json!(BalanceView::of(standing, app.platform.currency(), language));
                fields["timestamp"] = json!(Timestamp::now());
                Self::new("balance", fields)
            }
            Outgoing::LowBalance { pod_id, alert } => {
                let balance = current_balance(app, listener).await;
                Self::low_balance(pod_id, *alert, balance, language)
            }
        };
        Some(event)
    }

    fn created(app: &App, current: &Current, listener: &Listener) -> Self {
        let pod = app
            .shown(listener.language())
            .pod(&current.pod, app.stats(&current.pod));
        Self::new(
            "podCreated",
            json!({
                "podId": pod.pod_id,
                "podName": pod.pod_name,
                // Only its owner receives it.
                "userEmail": listener.email(),
                "status": pod.status,
                "gpu": pod.gpu,
                "containerDiskSize": pod.container_disk_size,
                "volumeDiskSize": pod.volume_disk_size,
                "createdBy": pod.created_by,
                "pod": pod,
                "timestamp": Timestamp::now(),
            }),
        )
    }

    fn low_balance(pod_id: &PodId, alert: Alert, balance: Option<Money>, language: Language) -> Self {
        let now = Timestamp::now();
        let (seconds_left, message) = match alert {
            Alert::Account { seconds_left, .. } => {
                (seconds_left, message::low_balance(seconds_left, false, language))
            }
            Alert::Cap { seconds_left, .. } => {
                (seconds_left, message::low_balance(seconds_left, true, language))
            }
            Alert::Volume(at) => (
                at.duration_since(now).as_secs(),
                message::volume_at_risk(at, language),
            ),
        };
        Self::new(
            "lowBalanceAlert",
            json!({
                "podId": pod_id,
                "minutesLeft": seconds_left / 60,
                "message": message,
                "currentBalance": balance.unwrap_or(Money::ZERO).as_f64(),
                "balanceKnown": balance.is_some(),
                "timestamp": now,
            }),
        )
    }
}

/// What the listener can spend now; `None` if billing does not respond in time: the warning is not delayed for
/// it.
async fn current_balance(app: &App, listener: &Listener) -> Option<Money> {
    let actor = listener.actor();
    match timeout(BALANCE, app.platform.standing(actor, &actor.id)).await {
        Ok(Ok(standing)) => Some(standing.current().available),
        Ok(Err(error)) => {
            tracing::warn!(%error, "a warning goes without the balance");
            None
        }
        Err(_) => None,
    }
}

/// The failure for a message that is not understood.
pub(super) fn not_understood() -> Failure {
    Failure::new(
        http::StatusCode::BAD_REQUEST,
        "malformed",
        "No se ha entendido el mensaje",
        "The message was not understood",
    )
}

/// The failure for a refused subscription.
pub(super) fn refused(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::NoPod => neuropod::Error::new(neuropod::ErrorKind::NotFound, "there is no such pod").into(),
        Refusal::TooMany => Failure::new(
            http::StatusCode::TOO_MANY_REQUESTS,
            "too_many_subscriptions",
            "Demasiadas suscripciones en esta conexión",
            "Too many subscriptions on this connection",
        ),
    }
}

fn update<'a>(app: &App, current: &'a Current, language: Language) -> &'a Written {
    current.update(language, |pod| {
        let view = app.shown(language).pod(pod, app.stats(pod));
        let says = |view: &PodView| {
            json!({
                "type": "podUpdate",
                "podId": view.pod_id,
                "status": view.status,
                "step": view.step,
                "reason": view.reason,
                "lastEnd": view.last_end,
                "stats": view.stats,
                "httpServices": view.http_services,
                "tcpServices": view.tcp_services,
                "totalCost": view.total_cost,
                "pod": view,
            })
        };
        let mut update = says(&view);
        update["timestamp"] = json!(Timestamp::now());
        let stats = view.stats.without_time();
        // Pages count up what accrues by themselves, so a charge of it is no news.
        let total_cost = if view.billed_per_hour > 0.0 {
            0.0
        } else {
            pod.charged.as_f64()
        };
        let mut still = says(&PodView {
            total_cost,
            stats,
            ..view
        });
        let whole = digest(&still);
        still["pod"].take();
        // Who does not read the pod gets its costs with what else is new.
        still["totalCost"].take();
        Written {
            text: update.to_string(),
            whole,
            brief: digest(&still),
        }
    })
}

fn digest(value: &Value) -> Digest {
    let mut hasher = DefaultHasher::new();
    value.to_string().hash(&mut hasher);
    hasher.finish()
}
