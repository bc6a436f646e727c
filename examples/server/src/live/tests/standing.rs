//! The standing of an account, reported as it changes.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use neuropod::Money;
use neuropod::money::{Low, Standing};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::config::Config;
use crate::live::{Listener, Outgoing};
use crate::test_api::{Api, config};

async fn listener(api: &Api, token: &str) -> Arc<Listener> {
    let listener = super::listener::listener(api, token).await;
    api.app.report_account(&listener);
    listener
}

/// The next standing for which this holds, within a minute and a half.
async fn until(listener: &Listener, what: &str, holds: impl Fn(&Standing) -> bool) -> Arc<Standing> {
    let reported = async {
        loop {
            if let Outgoing::Standing(standing) = listener.next().await
                && holds(&standing)
            {
                return standing;
            }
        }
    };
    let reported = timeout(Duration::from_secs(90), reported).await;
    reported.unwrap_or_else(|_| panic!("it is never reported that {what}"))
}

/// Whether no standing is reported for five minutes.
async fn is_silent(listener: &Listener) -> bool {
    let reported = async { while !matches!(listener.next().await, Outgoing::Standing(_)) {} };
    timeout(Duration::from_mins(5), reported).await.is_err()
}

async fn balance(api: &Api, token: &str) -> Value {
    api.get("/api/account/balance", token).await.expect(200)["data"].clone()
}

#[tokio::test(start_paused = true)]
async fn the_standing_is_reported_to_the_owner_alone_at_every_change() {
    let api = Api::start(config()).await;
    let (ana, berta) = (
        api.sign_in("ana@example.com").await,
        api.sign_in("berta@example.com").await,
    );
    let admin = api.sign_in("admin@example.com").await;
    let [mine, second, others, root] = [&ana, &ana, &berta, &admin].map(|token| listener(&api, token));
    let (mine, second, others, root) = tokio::join!(mine, second, others, root);
    for listener in [&mine, &second] {
        let first = until(listener, "it is as it was opened", |_| true).await;
        assert_eq!(first.balance.available, Money::from_cents(1000));
    }
    for listener in [&others, &root] {
        until(listener, "theirs is as it was opened", |_| true).await;
    }
    let pod = api.create(&ana, "training").await;
    let held = |standing: &Standing| standing.balance.held == Money::from_cents(300);
    let with_hold = until(&mine, "an hour is held", held).await;
    assert_eq!(with_hold.per_hour_if_all_ran, Money::from_cents(300));
    let billed = |standing: &Standing| standing.per_hour == Money::from_cents(300);
    until(&mine, "it runs and is charged", billed).await;
    until(&second, "so on the other connection", billed).await;
    let charged = |standing: &Standing| standing.balance.total() < Money::from_cents(1000);
    until(&mine, "a minute was charged", charged).await;
    api.call(Method::DELETE, &format!("/api/pods/{pod}"), &ana, None)
        .await
        .expect(200);
    let released = |standing: &Standing| standing.balance.held == Money::ZERO;
    let last = until(&mine, "nothing is held any more", released).await;
    assert_eq!(
        (last.per_hour, last.per_hour_if_all_ran),
        (Money::ZERO, Money::ZERO)
    );
    for listener in [&others, &root] {
        assert!(
            is_silent(listener).await,
            "neither the standing of others is reported nor an unchanged one"
        );
    }
    let shown = balance(&api, &ana).await;
    assert_eq!(shown["total"], last.balance.total().as_f64());
}

#[tokio::test(start_paused = true)]
async fn simultaneous_changes_are_reported_once_per_connection() {
    let api = Api::start(config()).await;
    let (ana, admin) = (
        api.sign_in("ana@example.com").await,
        api.sign_in("admin@example.com").await,
    );
    let mine = listener(&api, &ana).await;
    until(&mine, "it is as it was opened", |_| true).await;
    let id = api.get("/api/auth/me", &ana).await.expect(200)["user"]["id"].clone();
    for euros in 20..40 {
        let body = json!({ "userId": id, "balance": euros });
        api.post("/api/auth/users/balance", &admin, &body)
            .await
            .expect(200);
    }
    let next = until(&mine, "it has changed", |_| true).await;
    assert_eq!(next.balance.available, Money::from_cents(3900));
    assert!(
        is_silent(&mine).await,
        "an unchanged standing is not reported again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_low_balance_is_reported_with_the_balance_until_a_deposit() {
    let credit = Config {
        opening_credit: 3.0,
        ..config()
    };
    let api = Api::start(credit).await;
    let (ana, admin) = (
        api.sign_in("ana@example.com").await,
        api.sign_in("admin@example.com").await,
    );
    let mine = listener(&api, &ana).await;
    let pod = api.create(&ana, "training").await;
    api.until(&ana, &pod, "running").await;
    let low = until(&mine, "the balance is low", |standing| standing.low.is_some()).await;
    let Some(Low::Balance(seconds)) = low.low else {
        panic!("{low:?}")
    };
    assert!((3000..3600).contains(&seconds), "{seconds}");
    // A page that is reloaded shows the same.
    let shown = balance(&api, &ana).await;
    assert_eq!(shown["low"]["kind"], "balance");
    let message = shown["low"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("Tu saldo se está agotando: quedan"),
        "{message}"
    );
    let id = api.get("/api/auth/me", &ana).await.expect(200)["user"]["id"].clone();
    let body = json!({ "userId": id, "balance": 100 });
    api.post("/api/auth/users/balance", &admin, &body)
        .await
        .expect(200);
    until(&mine, "it is not low any more", |standing| standing.low.is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn a_suspension_is_reported_at_once_and_shown_on_pods() {
    let api = Api::start(config()).await;
    let (ana, admin) = (
        api.sign_in("ana@example.com").await,
        api.sign_in("admin@example.com").await,
    );
    let mine = listener(&api, &ana).await;
    let pod = api.create(&ana, "training").await;
    api.until(&ana, &pod, "running").await;
    let id = api.get("/api/auth/me", &ana).await.expect(200)["user"]["id"].clone();
    let suspend = async |suspended: bool| {
        let body = json!({ "userId": id, "suspended": suspended });
        api.post("/api/auth/users/suspend", &admin, &body)
            .await
            .expect(200);
    };
    suspend(true).await;
    let at_once = timeout(
        Duration::from_secs(1),
        until(&mine, "they are suspended", |one| one.suspended),
    );
    at_once.await.expect("at once");
    assert_eq!(
        balance(&api, &ana).await["suspended"],
        true,
        "also after a reload"
    );
    let stopped = api.until(&ana, &pod, "stopped").await["pod"].clone();
    assert_eq!(
        (&stopped["reason"]["code"], &stopped["reason"]["isStop"]),
        (&json!("suspended"), &json!(true))
    );
    let refused = api
        .call(Method::POST, &format!("/api/pods/{pod}/start"), &ana, None)
        .await;
    let message = refused.expect(403)["message"].clone();
    assert!(message.as_str().unwrap().contains("suspendida"), "{message}");
    suspend(false).await;
    until(&mine, "they are not suspended any more", |one| !one.suspended).await;
    let free = api.get(&format!("/api/pods/{pod}"), &ana).await.expect(200)["pod"].clone();
    assert_eq!(
        (&free["status"], &free["reason"]),
        (&json!("stopped"), &Value::Null)
    );
}

#[tokio::test(start_paused = true)]
async fn a_pod_stopped_by_a_daily_cap_says_when_it_can_start_again() {
    let capped = Config {
        daily_cap: Some(0.5),
        ..config()
    };
    let api = Api::start(capped).await;
    let ana = api.sign_in("ana@example.com").await;
    let pod = api.create(&ana, "training").await;
    api.until(&ana, &pod, "running").await;
    tokio::time::sleep(Duration::from_mins(15)).await;
    let stopped = api.until(&ana, &pod, "stopped").await["pod"].clone();
    let reason = &stopped["reason"];
    assert_eq!(
        (&reason["code"], &reason["isStop"]),
        (&json!("spend_cap"), &json!(true))
    );
    let startable: jiff::Timestamp = reason["startableAt"].as_str().unwrap().parse().unwrap();
    let since: jiff::Timestamp = reason["since"].as_str().unwrap().parse().unwrap();
    assert!(
        startable > since && startable.strftime("%H:%M:%S").to_string() == "00:00:00",
        "{reason}"
    );
    let shown = balance(&api, &ana).await;
    assert_eq!(shown["dailyCap"], 0.5);
    // Only the volume, which no cap stops, comes on top.
    let spent = shown["spentToday"].as_f64().unwrap() - shown["accrued"].as_f64().unwrap();
    assert!(spent <= 0.5, "{shown}");
}
