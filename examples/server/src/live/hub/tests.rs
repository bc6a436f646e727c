use neuropod::Reason;
use neuropod::cluster::ReasonCode;
use neuropod::sim::{Settings, SimCluster};

use super::*;
use crate::live::{Listener, Outgoing};
use crate::metrics::MeteredCluster;
use crate::test_api::{Api, config};

async fn owner_and_pod() -> (Actor, Pod) {
    let api = Api::start(config()).await;
    let ana = api.sign_in("ana@example.com").await;
    let id = api.create(&ana, "training").await.parse().unwrap();
    let actor = api.app.caller(&ana).await.unwrap().actor();
    let pod = api.app.platform.get(&actor, &id).await.unwrap();
    (actor, pod)
}

#[tokio::test(start_paused = true)]
async fn a_list_from_before_a_creation_does_not_end_its_subscriptions() {
    let (actor, pod) = owner_and_pod().await;
    let id = pod.id.clone();
    let hub: Arc<Hub> = Arc::default();
    let progress = Progress::new(Arc::new(MeteredCluster::new(Arc::new(SimCluster::new(
        Settings::default(),
    )))));
    let empty = || Update::Snapshot { pods: Vec::new() };
    let listener = Listener::join(&hub, actor, String::new(), Language::Es);
    hub.learn(pod.clone());
    listener.subscribe(&id).unwrap();
    assert!(matches!(listener.next().await, Outgoing::Updated(_)));
    hub.apply(empty(), &progress);
    assert!(hub.pod(&id).is_some());
    hub.apply(Update::Changed(Box::new(pod)), &progress);
    assert!(matches!(listener.next().await, Outgoing::Updated(_)));
    // A list that still lacks it was requested later.
    hub.apply(empty(), &progress);
    assert!(matches!(listener.next().await, Outgoing::Deleted(gone) if gone == id));
    assert!(hub.pod(&id).is_none());
}

#[tokio::test(start_paused = true)]
async fn administrators_receive_notices_from_lists() {
    let (_, pod) = owner_and_pod().await;
    let hub: Arc<Hub> = Arc::default();
    hub.learn(pod.clone());
    let listener = Listener::join(&hub, Actor::admin("root"), String::new(), Language::Es);
    listener.subscribe_all(Scope::Changes);
    let reason = Reason::new(ReasonCode::QuotaExceeded, "", pod.updated_at);
    let troubled = Pod {
        version: pod.version + 1,
        reason: Some(reason),
        ..pod
    };
    hub.listed(&hub.known(), vec![troubled]);
    let noticed = loop {
        if let Outgoing::Notice { code, .. } = listener.next().await {
            break code;
        }
    };
    assert_eq!(noticed, ReasonCode::QuotaExceeded);
}
