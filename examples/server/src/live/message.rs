//! What listeners are told, word for word.

use std::sync::Arc;

use jiff::Timestamp;
use neuropod::message::{self, Language};
use neuropod::{Pod, PodId};
use serde_json::{Value, json};

use super::hub::Current;
use super::listener::{Alert, Outgoing, Refusal};
use crate::app::App;
use crate::failure::Failure;
use crate::view::money::BalanceView;

/// An event: its name and what it says, as JSON.
pub(super) struct Event {
    pub(super) name: &'static str,
    pub(super) text: String,
}

impl Event {
    /// An event with these fields; `type` says the name again.
    pub(super) fn new(name: &'static str, mut fields: Value) -> Self {
        fields["type"] = name.into();
        Self {
            name,
            text: fields.to_string(),
        }
    }

    /// That something does not work.
    pub(super) fn error(failure: &Failure, pod_id: Option<&str>, language: Language) -> Self {
        let mut fields = json!({ "code": failure.code(), "message": failure.message(language) });
        if let Some(pod_id) = pod_id {
            fields["podId"] = pod_id.into();
        }
        Self::new("error", fields)
    }

    /// What is told of something.
    pub(super) fn of(app: &App, outgoing: &Outgoing, language: Language) -> Self {
        match outgoing {
            Outgoing::Updated(current) => Self {
                name: "podUpdate",
                text: update(app, current, language),
            },
            Outgoing::Created(current) => {
                let pod = app.shown(language).pod(&current.pod, app.stats(&current.pod));
                Self::new(
                    "podCreated",
                    json!({ "podId": current.pod.id, "pod": pod, "timestamp": Timestamp::now() }),
                )
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
                let mut fields = json!(BalanceView::of(standing, language));
                fields["timestamp"] = json!(Timestamp::now());
                Self::new("balance", fields)
            }
            Outgoing::LowBalance { pod_id, alert } => Self::low_balance(pod_id, *alert, language),
        }
    }

    fn low_balance(pod_id: &PodId, alert: Alert, language: Language) -> Self {
        let now = Timestamp::now();
        let (seconds_left, message) = match alert {
            Alert::Account(left) => (left, message::low_balance(left, false, language)),
            Alert::Cap(left) => (left, message::low_balance(left, true, language)),
            Alert::Volume(at) => (
                at.duration_since(now).as_secs(),
                message::volume_at_risk(at, language),
            ),
        };
        Self::new(
            "lowBalanceAlert",
            json!({ "podId": pod_id, "minutesLeft": seconds_left / 60, "message": message, "timestamp": now }),
        )
    }
}

/// Why somebody can't listen, as a failure.
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

fn update(app: &App, current: &Arc<Current>, language: Language) -> String {
    let write = |pod: &Pod| {
        let view = app.shown(language).pod(pod, app.stats(pod));
        json!({
            "type": "podUpdate",
            "podId": view.pod_id,
            "status": view.status,
            "step": view.step,
            "reason": view.reason,
            "stats": view.stats,
            "httpServices": view.http_services,
            "totalCost": view.total_cost,
            "pod": view,
            "timestamp": Timestamp::now(),
        })
        .to_string()
    };
    current.text(language, write).to_owned()
}
