use std::sync::Arc;
use std::time::Duration;

use http::Method;
use neuropod::message::Language;
use neuropod::{Pod, PodId, Status};
use serde_json::Value;
use tokio::time::timeout;

use crate::live::message::Event;
use crate::live::{Listener, MAX_SUBSCRIPTIONS, Outgoing, Refusal, Scope};
use crate::test_api::{Api, config};

pub(super) async fn listener(api: &Api, token: &str) -> Arc<Listener> {
    let caller = api.app.caller(token).await.unwrap();
    Listener::join(&api.app.live, caller.actor(), caller.user.email, Language::Es)
}

async fn next(listener: &Listener) -> Outgoing {
    timeout(Duration::from_mins(1), listener.next())
        .await
        .expect("something is sent")
}

async fn silent(listener: &Listener) -> bool {
    timeout(Duration::from_mins(1), listener.next()).await.is_err()
}

#[tokio::test(start_paused = true)]
async fn a_pod_is_reported_from_creation_to_end_and_only_to_its_owner() {
    let api = Api::start(config()).await;
    let (ana, berta) = (
        api.sign_in("ana@example.com").await,
        api.sign_in("berta@example.com").await,
    );
    let (mine, others) = (listener(&api, &ana).await, listener(&api, &berta).await);
    mine.subscribe_all(Scope::Changes);
    others.subscribe_all(Scope::Changes);
    let pod = api.create(&ana, "training").await;
    let id: PodId = pod.parse().unwrap();
    assert!(matches!(next(&mine).await, Outgoing::Created(created) if created.pod.id == id));
    loop {
        if let Outgoing::Updated(current) = next(&mine).await
            && current.pod.status == Status::Running
        {
            break;
        }
    }
    assert_eq!(others.subscribe(&id), Err(Refusal::NoPod));
    api.call(Method::DELETE, &format!("/api/pods/{pod}"), &ana, None)
        .await
        .expect(200);
    loop {
        match next(&mine).await {
            Outgoing::Deleted(gone) => {
                assert_eq!(gone, id);
                break;
            }
            Outgoing::Updated(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(silent(&others).await, "changes of others are not sent");
}

#[tokio::test(start_paused = true)]
async fn a_slow_listener_gets_the_last_state_and_nothing_accumulates() {
    let api = Api::start(config()).await;
    let ana = api.sign_in("ana@example.com").await;
    let pod = api.create(&ana, "training").await;
    let id: PodId = pod.parse().unwrap();
    api.until(&ana, &pod, "running").await;
    let slow = listener(&api, &ana).await;
    slow.subscribe(&id).unwrap();
    for _ in 0..3 {
        api.call(Method::POST, &format!("/api/pods/{pod}/stop"), &ana, None)
            .await
            .expect(200);
        api.until(&ana, &pod, "stopped").await;
        api.call(Method::POST, &format!("/api/pods/{pod}/start"), &ana, None)
            .await
            .expect(200);
        api.until(&ana, &pod, "running").await;
    }
    let Outgoing::Updated(current) = next(&slow).await else {
        panic!("the pod is reported");
    };
    assert_eq!((current.pod.status, current.pod.run), (Status::Running, 4));
    slow.unsubscribe(&id);
    assert!(silent(&slow).await);
    slow.leave();
    assert_eq!(api.app.live.listeners(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_has_a_limited_number_of_subscriptions() {
    let api = Api::start(config()).await;
    let ana = api.sign_in("ana@example.com").await;
    let id: PodId = api.create(&ana, "training").await.parse().unwrap();
    let pod = api.store.pods.get(&id).await.unwrap().unwrap();
    let listener = listener(&api, &ana).await;
    let ids: Vec<_> = (0..=MAX_SUBSCRIPTIONS as u64).map(PodId::from_bits).collect();
    for id in &ids {
        let id = id.clone();
        api.app.live.learn(Pod { id, ..pod.clone() });
    }
    let (last, fit) = ids.split_last().unwrap();
    for id in fit {
        listener.subscribe(id).unwrap();
    }
    assert_eq!(listener.subscribe(last), Err(Refusal::TooMany));
    listener.subscribe(&fit[0]).unwrap();
    listener.unsubscribe(&fit[0]);
    listener.subscribe(last).unwrap();
}

/// The next update of a pod that is sent, within this time.
async fn sent(api: &Api, listener: &Listener, time: Duration) -> Option<Value> {
    let next = async {
        loop {
            let outgoing = listener.next().await;
            match Event::of(&api.app, listener, &outgoing).await {
                Some(event) if event.name == "podUpdate" => {
                    return serde_json::from_str(&event.text).unwrap();
                }
                _ => {}
            }
        }
    };
    timeout(time, next).await.ok()
}

#[tokio::test(start_paused = true)]
async fn a_charge_alone_is_not_sent() {
    let api = Api::start(config()).await;
    let ana = api.sign_in("ana@example.com").await;
    let pod = api.create(&ana, "training").await;
    let id: PodId = pod.parse().unwrap();
    api.until(&ana, &pod, "running").await;
    let mine = listener(&api, &ana).await;
    mine.subscribe(&id).unwrap();
    let charged = async || api.store.pods.get(&id).await.unwrap().unwrap().charged;
    // Until its token and the first figures of its usage are there.
    while sent(&api, &mine, Duration::from_secs(50)).await.is_some() {}
    let before = charged().await;
    let quiet = sent(&api, &mine, Duration::from_mins(10)).await;
    assert!(charged().await > before, "it is charged every minute");
    assert_eq!(quiet, None);
    api.call(Method::POST, &format!("/api/pods/{pod}/stop"), &ana, None)
        .await
        .expect(200);
    let mut last = Value::Null;
    while let Some(update) = sent(&api, &mine, Duration::from_mins(5)).await {
        last = update;
    }
    assert_eq!(last["status"], "stopped");
    assert_eq!(
        last["totalCost"],
        charged().await.as_f64(),
        "with its last charge"
    );
}
