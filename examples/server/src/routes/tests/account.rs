use std::time::Duration;

use http::Method;
use serde_json::json;

use crate::config::Config;
use crate::test_api::{Api, config, request};

#[tokio::test(start_paused = true)]
async fn a_balance_and_how_it_came_about() {
    let api = Api::start(config()).await;
    let (ana, berta) = (
        api.sign_in("ana@example.com").await,
        api.sign_in("berta@example.com").await,
    );
    let pod = api.create(&ana, "training").await;
    let balance = api.get("/api/account/balance", &ana).await.expect(200);
    assert_eq!(
        balance["data"],
        json!({
            "balance": 7.0, "available": 7.0, "held": 3.0, "total": 10.0, "accrued": 0.0, "kind": "prepaid", "currency": "EUR",
            // It has not started yet.
            "perHour": 0.0, "perHourIfAllRan": 3.0,
            "low": null, "suspended": false, "dailyCap": null, "spentToday": 0.0,
        })
    );
    let statement = api.get("/api/account/statement", &ana).await.expect(200);
    let entries = statement["data"]["entries"].as_array().unwrap();
    let hold = entries.iter().find(|entry| entry["kind"] == "hold").unwrap();
    // Also before the pod has cost anything.
    assert_eq!(
        (&hold["podId"], &hold["podName"]),
        (&json!(pod), &json!("training"))
    );
    api.until(&ana, &pod, "running").await;
    tokio::time::sleep(Duration::from_mins(10)).await;
    let statement = api.get("/api/account/statement", &ana).await.expect(200);
    assert_eq!(statement["data"]["pods"][0]["podId"], pod);
    assert_eq!(statement["data"]["pods"][0]["podName"], "training");
    let entries = statement["data"]["entries"].as_array().unwrap();
    let usage = entries.iter().find(|entry| entry["kind"] == "usage").unwrap();
    assert!(
        usage["text"].as_str().unwrap().contains("EUR por hora"),
        "{usage}"
    );
    let id = api.get("/api/auth/me", &ana).await.expect(200)["user"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    api.get(&format!("/api/account/statement?userId={id}"), &berta)
        .await
        .expect(403);
    let admin = api.sign_in("admin@example.com").await;
    api.get(&format!("/api/account/balance?userId={id}"), &admin)
        .await
        .expect(200);
    api.get("/api/account/statement?from=yesterday", &ana)
        .await
        .expect(400);
    let empty = api
        .get("/api/account/statement?until=2020-01-01", &ana)
        .await
        .expect(200);
    assert_eq!(empty["data"]["entries"], json!([]));

    api.call(Method::DELETE, &format!("/api/pods/{pod}"), &ana, None)
        .await
        .expect(200);
    tokio::time::sleep(Duration::from_mins(10)).await;
    let statement = api.get("/api/account/statement", &ana).await.expect(200);
    let mut entries = statement["data"]["entries"].as_array().unwrap().iter();
    assert_eq!(entries.next().unwrap()["kind"], "deposit");
    assert!(entries.clone().any(|entry| entry["kind"] == "release"));
    for entry in entries {
        assert_eq!(entry["podId"], pod, "{entry}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_currency_is_shown_everywhere() {
    let api = Api::start(Config {
        currency: "USD".into(),
        currency_symbol: Some("$".into()),
        ..config()
    })
    .await;
    let ana = api.sign_in("ana@example.com").await;
    let shown = api.get("/api/config", &ana).await.expect(200);
    assert_eq!(shown["data"]["currency"], "USD");
    let balance = api.get("/api/account/balance", &ana).await.expect(200);
    assert_eq!(balance["data"]["currency"], "USD");
    for name in ["one", "two", "three"] {
        api.create(&ana, name).await;
    }
    let refused = api.post("/api/pods", &ana, &request("four")).await.expect(400);
    assert_eq!(
        refused["message"],
        "Saldo insuficiente. Requerido: $3.00, Disponible: $1.00"
    );
    let csv = api.get("/api/account/statement.csv", &ana).await;
    assert!(
        csv.text
            .starts_with("number,at,kind,podId,podName,amountUsd,heldUsd,"),
        "{}",
        csv.text
    );
    assert!(!csv.text.contains("EUR"), "{}", csv.text);
}
