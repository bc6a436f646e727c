//! Invalid balances and price lists.

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{ADMIN, Answer, TestServer, pod};
use crate::socketio::{Client, TRANSPORTS, modules};
use crate::websocket::Socket;

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_is_an_amount_of_money() {
    let server = TestServer::start().await;
    let (admin, ana) = (
        server.sign_in(ADMIN).await,
        server.sign_in("ana@example.com").await,
    );
    let id = server.user_id(&ana).await;
    for wrong in [
        "NaN",
        "Infinity",
        "-Infinity",
        "\"Infinity\"",
        "\"10\"",
        "-1",
        "-0.01",
        "1.2345678",
        "0.30000000000000004",
        "1e18",
        "1e400",
        "null",
        "[]",
        "{\"$gt\":0}",
        "true",
    ] {
        let body = format!("{{\"userId\":\"{id}\",\"balance\":{wrong}}}");
        let request = server
            .request(Method::POST, "/api/auth/users/balance", &admin)
            .body(body);
        assert_eq!(Answer::of(request).await.status, 400, "{wrong}");
    }
    let balance =
        async || server.get("/api/account/balance", &ana).await.expect(200)["data"]["balance"].clone();
    assert_eq!(balance().await, 10.0);
    for (user, status) in [("nobody", 404), (id.as_str(), 200)] {
        let body = json!({ "userId": user, "balance": 25.5 });
        server
            .post("/api/auth/users/balance", &admin, &body)
            .await
            .expect(status);
    }
    assert_eq!(balance().await, 25.5);
    let statement = server.get("/api/account/statement", &ana).await.expect(200)["data"].clone();
    assert_eq!(
        statement["total"], 25.5,
        "the entries add up to the balance: {statement}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_is_an_amount_of_money_for_something_on_offer() {
    let server = TestServer::start().await;
    let admin = server.sign_in(ADMIN).await;
    let before = server.get("/api/pricing/public", "").await.expect(200);
    for wrong in [
        json!({ "gpus": { "rtx-4090": { "price": -1 } } }),
        json!({ "gpus": { "rtx-4090": { "price": "1" } } }),
        json!({ "gpus": { "rtx-4090": { "price": null } } }),
        json!({ "gpus": { "rtx-4090": { "price": 1e18 } } }),
        json!({ "gpus": { "rtx-4090": null } }),
        json!({ "gpus": { "rtx-9999": { "price": 1 } } }),
        json!({ "gpus": [] }),
        json!({ "gpus": { "$set": { "price": 1 } } }),
        json!({ "storage": { "volumeDisk": { "price": -0.01 } } }),
        json!({ "storage": { "__proto__": { "price": 1 } } }),
        json!({ "limits": { "portsMax": 100 } }),
        json!({ "freeTier": { "enabled": 1 } }),
        json!({ "freeTier": { "initialBalance": -1 } }),
        json!({ "freeTier": { "$inc": 5 } }),
        json!({ "gpus": { "rtx-4090": { "price": 1 } }, "freeTier": { "initialBalance": "5" } }),
    ] {
        let refused = server
            .call(Method::PUT, "/api/pricing", &admin, Some(&wrong))
            .await;
        assert_eq!(refused.status, 400, "{wrong}: {}", refused.text);
    }
    assert_eq!(server.get("/api/pricing/public", "").await.expect(200), before);
    let change = json!({ "gpus": { "rtx-4050": { "price": 0.75 } } });
    let changed = server
        .call(Method::PUT, "/api/pricing", &admin, Some(&change))
        .await
        .expect(200);
    assert_eq!(changed["data"]["gpus"]["rtx-4050"]["price"], 0.75);
    assert_eq!(
        changed["data"]["gpus"]["rtx-4070"]["price"], 1.0,
        "a part is changed, the rest stays"
    );
    let reset = server
        .post("/api/pricing/reset", &admin, &Value::Null)
        .await
        .expect(200);
    assert_eq!(reset["data"], before["data"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_has_the_prices_of_a_single_list_even_during_a_change() {
    let server = TestServer::start_with(|config| config.opening_credit = 1000.0).await;
    let (admin, ana) = (
        server.sign_in(ADMIN).await,
        server.sign_in("ana@example.com").await,
    );
    let change = async {
        for round in 0..20 {
            // GPU and disks change together.
            let (gpu, disk) = if round % 2 == 0 { (5.0, 0.1) } else { (0.5, 0.01) };
            let body = json!({
                "gpus": { "rtx-4050": { "price": gpu } },
                "storage": { "containerDisk": { "price": disk }, "volumeDisk": { "price": disk } },
            });
            server
                .call(Method::PUT, "/api/pricing", &admin, Some(&body))
                .await
                .expect(200);
        }
    };
    let create = async {
        for number in 0..20 {
            server.create(&ana, &format!("pod {number}")).await;
        }
    };
    tokio::join!(change, create);
    let pods = server.get("/api/pods", &ana).await.expect(200);
    for pod in pods["data"].as_array().unwrap() {
        // 20 GB and 30 GB of disk.
        assert!([json!(1.0), json!(10.0)].contains(&pod["costPerHour"]), "{pod}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn costs_are_calculated_for_available_types_only() {
    let server = TestServer::start().await;
    for (field, wrong) in [
        ("hours", json!(-1)),
        ("hours", json!(1e300)),
        ("hours", json!("1")),
        ("containerDiskSize", json!(0)),
        ("containerDiskSize", json!(101)),
        ("volumeDiskSize", json!(151)),
        ("volumeDiskSize", json!(1.5)),
    ] {
        let mut body = json!({ "gpu": "rtx-4090", "containerDiskSize": 10, "volumeDiskSize": 20 });
        body[field] = wrong.clone();
        let refused = server.post("/api/pricing/calculate-cost", "", &body).await;
        assert_eq!(refused.status, 400, "{field}: {wrong}: {}", refused.text);
    }
    let unpaid = pod("x");
    server.post("/api/pods", "", &unpaid).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscribed_balance_equals_the_one_read_from_the_api() {
    let server = TestServer::start().await;
    let ana = server.sign_in("ana@example.com").await;
    let read = async || server.get("/api/account/balance", &ana).await.expect(200)["data"].clone();
    let mut socket = Socket::of(&server, &ana).await;
    socket.say(&json!({ "type": "subscribeAccount" })).await;
    let mut balance = socket.until(|heard| heard["type"] == "balance").await;
    for added in ["type", "timestamp"] {
        assert!(
            balance.as_object_mut().unwrap().remove(added).is_some(),
            "{added}: {balance}"
        );
    }
    assert_eq!(balance, read().await);
    let id = server.create(&ana, "training").await;
    let held = |heard: &Value| heard["type"] == "balance" && heard["held"].as_f64() > Some(0.0);
    socket.until(held).await;
    server
        .call(Method::DELETE, &format!("/api/pods/{id}"), &ana, None)
        .await
        .expect(200);
    socket
        .until(|heard| heard["type"] == "balance" && heard["held"] == 0.0)
        .await;
    let Some(modules) = modules("contract/balance") else {
        return;
    };
    for transport in TRANSPORTS {
        let mut client = Client::start(&modules, &server, transport, &ana);
        client.next("connected").await;
        client.say("subscribeAccount", Value::Null).await;
        let balance = client.next("balance").await;
        // Node.js writes 10.0 as 10.
        let available = read().await["available"].as_f64();
        assert_eq!(balance["available"].as_f64(), available, "{transport}");
        // It was acknowledged, so the next event is sent.
        client.say("ping", Value::Null).await;
        client.next("pong").await;
    }
}
