use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use http::Method;
use neuropod::cluster::Step;
use neuropod::message::Language;
use neuropod::money::BillingExt;
use neuropod::store::MemoryStore;
use neuropod::{ClusterBackend, Money, Status};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::backends::Store;
use crate::config::Config;
use crate::live::{Alert, Listener, Outgoing, Scope};
use crate::test_api::{Api, config, secrets};

/// This many servers on one store and one cluster.
fn replicas<const N: usize>() -> [Api; N] {
    crate::tls::use_ring();
    let store = Arc::new(MemoryStore::new());
    let cluster: Arc<dyn ClusterBackend> = Arc::new(crate::test_api::simulated());
    let secrets = secrets();
    [(); N].map(|()| {
        // Configured as shared; the store that it gets is the one above.
        let config = Config {
            store: "mongodb://not-asked".into(),
            ..config()
        };
        Api::with(
            config,
            &secrets,
            Store::all(Arc::clone(&store)),
            Arc::clone(&cluster),
        )
    })
}

/// Listens to all pods of the token's owner on one of the servers.
async fn listen(server: &Api, token: &str) -> Arc<Listener> {
    let caller = server.app.caller(token).await.unwrap();
    let live = &server.app.live;
    let listener = Listener::join(live, caller.actor(), caller.user.email, Language::Es);
    listener.subscribe_all(Scope::Changes);
    listener
}

#[tokio::test(start_paused = true)]
async fn changes_by_one_server_are_reported_by_the_other_and_charged_once() {
    let [one, other] = replicas();
    let ana = one.sign_in("ana@example.com").await;
    let listener = listen(&other, &ana).await;
    let pod = one.create(&ana, "training").await;
    let mut created = 0;
    let running = async {
        loop {
            match listener.next().await {
                Outgoing::Created(current) => {
                    created += 1;
                    assert_eq!(current.pod.id.as_str(), pod);
                }
                Outgoing::Updated(current) if current.pod.status == Status::Running => break,
                _ => {}
            }
        }
    };
    timeout(Duration::from_mins(1), running)
        .await
        .expect("the other server reports that it runs");
    assert_eq!(created, 1, "it is new once");

    tokio::time::sleep(Duration::from_mins(10)).await;
    other
        .post(&format!("/api/pods/{pod}/stop"), &ana, &json!({}))
        .await
        .expect(200);
    // The last period is charged after the end of the container.
    one.until(&ana, &pod, "stopped").await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    let statement = one.get("/api/account/statement", &ana).await.expect(200);
    let usage: Vec<&Value> = statement["data"]["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["kind"] == "usage")
        .collect();
    let texts: std::collections::BTreeSet<_> = usage.iter().map(|entry| entry["text"].to_string()).collect();
    assert_eq!(texts.len(), usage.len(), "no period is charged twice: {usage:?}");
    assert!(
        (10..=11).contains(&usage.len()),
        "a period is a minute: {usage:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn signing_out_on_one_server_applies_to_all() {
    let [one, other] = replicas();
    let token = one.sign_in("ana@example.com").await;
    other.get("/api/auth/me", &token).await.expect(200);
    one.post("/api/auth/logout", &token, &json!({})).await.expect(200);
    other.get("/api/auth/me", &token).await.expect(401);
}

#[tokio::test(start_paused = true)]
async fn the_deletion_of_a_stopped_pod_reaches_listeners_of_the_other_server() {
    let [one, other] = replicas();
    let ana = one.sign_in("ana@example.com").await;
    let pod = one.create(&ana, "training").await;
    one.until(&ana, &pod, "running").await;
    one.post(&format!("/api/pods/{pod}/stop"), &ana, &json!({}))
        .await
        .expect(200);
    tokio::time::sleep(Duration::from_secs(20)).await;
    let listener = listen(&other, &ana).await;
    one.call(Method::DELETE, &format!("/api/pods/{pod}"), &ana, None)
        .await
        .expect(200);
    let gone = async { while !matches!(listener.next().await, Outgoing::Deleted(_)) {} };
    timeout(Duration::from_secs(15), gone)
        .await
        .expect("the other server reports that it is gone");
}

#[tokio::test(start_paused = true)]
async fn every_server_sends_low_balance_warnings_to_its_listeners() {
    let servers: [Api; 2] = replicas();
    let ana = servers[0].sign_in("ana@example.com").await;
    let listeners = join_all(servers.iter().map(|server| listen(server, &ana))).await;
    servers[0].create(&ana, "training").await;
    let warnings = listeners.iter().map(async |listener| {
        let mut minutes = Vec::new();
        loop {
            match listener.next().await {
                Outgoing::LowBalance {
                    alert:
                        Alert::Account {
                            seconds_left: seconds,
                            ..
                        },
                    ..
                } => minutes.push(seconds / 60),
                Outgoing::Updated(current) if current.pod.step == Step::Stopped => return minutes,
                _ => {}
            }
        }
    });
    let warnings = timeout(Duration::from_hours(24), join_all(warnings)).await;
    assert_eq!(warnings.unwrap(), [[59, 14, 4], [59, 14, 4]]);
}

#[tokio::test(start_paused = true)]
async fn balance_changes_by_another_server_are_reported_within_seconds() {
    let [one, other] = replicas();
    let ana = one.sign_in("ana@example.com").await;
    let user = one.app.caller(&ana).await.unwrap().user.id;
    let listener = listen(&other, &ana).await;
    other.app.report_account(&listener);
    let euros = async |euros: i64| {
        let shown = async {
            loop {
                if let Outgoing::Standing(standing) = listener.next().await
                    && standing.balance.total() == Money::from_cents(100 * euros)
                {
                    return;
                }
            }
        };
        let shown = timeout(Duration::from_secs(7), shown).await;
        shown.unwrap_or_else(|_| panic!("a balance of {euros} is never reported"));
    };
    euros(10).await;
    // No pod changes with it.
    let paid = one
        .store
        .billing
        .deposit("payment", &user, Money::from_cents(500));
    paid.await.unwrap();
    euros(15).await;
}
