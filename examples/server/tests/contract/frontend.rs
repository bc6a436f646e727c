//! The existing frontend, request by request: the bodies of its forms, the events of its pages, and the fields
//! that they read in replies.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::common::{ADMIN, Answer, PATIENCE, TestServer};
use crate::shape::{CREATED, TEMPLATE, USER, has, is_pod, is_update, without_time};
use crate::socketio::{Client, TRANSPORTS, modules};
use crate::websocket::Socket;

/// The body of the form "Desplegar Pod": all of its fields, including those that are ignored.
fn deploy(name: &str, template: &Value) -> Value {
    json!({
        "name": name,
        "deploymentType": "template",
        "template": template["_id"],
        "dockerImage": template["dockerImage"],
        "gpu": "rtx-4050",
        "containerDiskSize": 20,
        "volumeDiskSize": 30,
        "ports": "8888, 7860",
        "enableJupyter": true,
    })
}

async fn template(server: &TestServer, token: &str) -> Value {
    let all = server.get("/api/templates", token).await.expect(200);
    all[0].clone()
}

async fn create(server: &TestServer, token: &str, body: &Value) -> String {
    let created = server.post("/api/pods", token, body).await.expect(201);
    created["data"]["podId"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deployment_type_of_a_form_decides_between_template_and_image() {
    let server = TestServer::start_with(|config| config.opening_credit = 100.0).await;
    let token = server.sign_in("ana@example.com").await;
    let template = template(&server, &token).await;
    let image = |name: &str, value: Value| {
        let mut body = deploy(name, &template);
        body["deploymentType"] = "docker".into();
        body["dockerImage"] = value;
        body
    };
    let of_template = |name: &str, image: Value| {
        let mut body = deploy(name, &template);
        body["dockerImage"] = image;
        body
    };
    let made = [
        (deploy("template", &template), &template["dockerImage"]),
        (
            of_template("other image", json!("example.org/other:2")),
            &template["dockerImage"],
        ),
        (of_template("no image", json!("")), &template["dockerImage"]),
        (of_template("null image", Value::Null), &template["dockerImage"]),
        (
            of_template("bad image", json!("Not An Image")),
            &template["dockerImage"],
        ),
        (
            image("image", json!("example.org/mine:1")),
            &json!("example.org/mine:1"),
        ),
    ];
    for (body, image) in made {
        let id = create(&server, &token, &body).await;
        let pod = server.get(&format!("/api/pods/{id}"), &token).await.expect(200)["pod"].clone();
        is_pod(&pod);
        assert_eq!(&pod["dockerImage"], image, "{body}");
        assert_eq!(pod["deploymentType"], body["deploymentType"]);
        let kept = if body["deploymentType"] == "template" {
            &template["_id"]
        } else {
            &Value::Null
        };
        assert_eq!(&pod["templateId"], kept, "{body}");
    }
    let listed = server.get("/api/pods", &token).await.expect(200)["data"].clone();
    let names: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|pod| &pod["podName"])
        .collect();
    let newest_first = [
        "image",
        "bad image",
        "null image",
        "no image",
        "other image",
        "template",
    ];
    assert_eq!(names, newest_first);

    let gone = json!({ "_id": "0123456789abcdef01234567", "dockerImage": "example.org/mine:1" });
    let missing = |field: &str| {
        let mut body = deploy("wrong", &template);
        body.as_object_mut().unwrap().remove(field);
        body
    };
    let with = |field: &str, value: Value| {
        let mut body = deploy("wrong", &template);
        body[field] = value;
        body
    };
    for (body, field) in [
        (deploy("wrong", &gone), "template"),
        (missing("template"), "template"),
        (with("template", json!("")), "template"),
        (image("wrong", json!("")), "dockerImage"),
        (missing("deploymentType"), "deploymentType"),
        (with("deploymentType", json!("")), "deploymentType"),
        (with("deploymentType", json!("vm")), "deploymentType"),
    ] {
        let refused = server.post("/api/pods", &token, &body).await.expect(400);
        let fields: Vec<_> = refused["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|problem| &problem["field"])
            .collect();
        assert_eq!(fields, [field], "{body}: {refused}");
        assert!(refused["errors"][0].is_string(), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pods_life_as_the_pages_read_it() {
    let server = TestServer::start().await;
    let token = server.sign_in("ana@example.com").await;
    let template = template(&server, &token).await;
    let id = create(&server, &token, &deploy("training", &template)).await;
    let path = |rest: &str| format!("/api/pods/{id}{rest}");
    // The table calls `toFixed` on every figure, whatever the status of the pod.
    let readable = async || {
        for pod in server.get("/api/pods", &token).await.expect(200)["data"]
            .as_array()
            .unwrap()
        {
            is_pod(pod);
        }
    };
    readable().await;
    server.until(&token, &id, "running").await;
    readable().await;
    let again = server
        .post(&path("/start"), &token, &Value::Null)
        .await
        .expect(400);
    assert_eq!(again["success"], false);
    let stopped = server
        .post(&path("/stop"), &token, &Value::Null)
        .await
        .expect(200);
    has(
        &stopped,
        &[("success", "bool"), ("message", "text"), ("data", "object")],
    );
    server.until(&token, &id, "stopped").await;
    readable().await;
    server
        .post(&path("/stop"), &token, &Value::Null)
        .await
        .expect(400);
    let started = server
        .post(&path("/start"), &token, &Value::Null)
        .await
        .expect(200);
    assert_eq!(started["data"], json!({ "podId": id, "status": "creating" }));
    server
        .call(Method::DELETE, &path(""), &token, None)
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_buttons_of_the_page_of_users_work() {
    let server = TestServer::start().await;
    let admin = server.sign_in(ADMIN).await;
    let ana = server.sign_in("ana@example.com").await;
    let user = server.user_id(&ana).await;
    let pods = [server.create(&ana, "one").await, server.create(&ana, "two").await];
    server.until(&ana, &pods[1], "running").await;
    let of_ana = async || {
        let users = server.get("/api/auth/users", &admin).await.expect(200)["data"].clone();
        let users = users.as_array().unwrap().clone();
        for user in &users {
            has(user, USER);
        }
        users.into_iter().find(|one| one["id"] == user.as_str()).unwrap()
    };

    // The shown value is sent back.
    let shown = of_ana().await["balance"].clone();
    let set = async |balance: &Value| {
        let body = json!({ "userId": user, "balance": balance });
        server.post("/api/auth/users/balance", &admin, &body).await
    };
    for balance in [
        &shown,
        &json!(9.027_917),
        &json!(0.000_001),
        &json!(12),
        &json!(9.5),
    ] {
        set(balance).await.expect(200);
        assert_eq!(of_ana().await["balance"].as_f64(), balance.as_f64());
    }

    // The button "Suspender" has no counterpart: it stops the pods and suspends nobody.
    let suspend = async |body: Value| server.post("/api/auth/users/suspend", &admin, &body).await;
    let suspended = suspend(json!({ "userId": user })).await.expect(200);
    assert_eq!(suspended["success"], true);
    for pod in &pods {
        server.until(&ana, pod, "stopped").await;
    }
    assert_eq!(of_ana().await["suspended"], false);
    let start = format!("/api/pods/{}/start", pods[0]);
    server.post(&start, &ana, &Value::Null).await.expect(200);
    suspend(json!({ "userId": user, "suspended": true }))
        .await
        .expect(200);
    server.until(&ana, &pods[0], "stopped").await;
    server.post(&start, &ana, &Value::Null).await.expect(403);
    suspend(json!({ "userId": user, "suspended": false }))
        .await
        .expect(200);
    server.post(&start, &ana, &Value::Null).await.expect(200);

    let repaired = server
        .post("/api/auth/admin/fix-balances", &admin, &Value::Null)
        .await
        .expect(200);
    has(&repaired, &[("success", "bool"), ("message", "text")]);
    assert_eq!(repaired["data"], json!({ "usersUpdated": 0, "updatedUsers": [] }));

    let listed = server
        .get("/api/pods?userEmail=ana@example.com", &admin)
        .await
        .expect(200);
    let names: Vec<_> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pod| &pod["podName"])
        .collect();
    assert_eq!(names, ["two", "one"]);
    server
        .call(Method::DELETE, &format!("/api/auth/users/{user}"), &admin, None)
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_prices_changes_the_credit_of_new_clients() {
    let server = TestServer::start().await;
    let admin = server.sign_in(ADMIN).await;
    let put = async |body: Value| {
        server
            .call(Method::PUT, "/api/pricing", &admin, Some(&body))
            .await
    };
    let shown = async || server.get("/api/pricing/public", "").await.expect(200)["data"]["freeTier"].clone();
    let balance_of = async |email: &str| {
        let token = server.sign_in(email).await;
        server.get("/api/auth/me", &token).await.expect(200)["user"]["balance"].as_f64()
    };
    // The page sends back the whole document with its changes.
    let whole = async |enabled: bool, amount: f64| {
        let mut body = server.get("/api/pricing", &admin).await.expect(200)["data"].clone();
        body["freeTier"] = json!({ "enabled": enabled, "initialBalance": amount });
        put(body).await.expect(200);
    };
    assert_eq!(balance_of("first@example.com").await, Some(10.0));
    whole(true, 2.5).await;
    assert_eq!(shown().await, json!({ "enabled": true, "initialBalance": 2.5 }));
    assert_eq!(balance_of("second@example.com").await, Some(2.5));
    put(json!({ "freeTier": { "enabled": false } })).await.expect(200);
    assert_eq!(shown().await["enabled"], false);
    assert_eq!(balance_of("third@example.com").await, Some(0.0));
    put(json!({ "freeTier": { "enabled": true } })).await.expect(200);
    for (email, expected) in [("third", 0.0), ("second", 2.5), ("first", 10.0), ("fourth", 2.5)] {
        let balance = balance_of(&format!("{email}@example.com")).await;
        assert_eq!(balance, Some(expected), "{email}: once, at the first time");
    }
    // All mistakes are reported, and nothing is changed.
    let wrong = json!({
        "gpus": { "rtx-4050": { "price": 9 }, "rtx-4070": { "price": -1 } },
        "freeTier": { "enabled": "yes", "initialBalance": -3 },
    });
    let refused = put(wrong).await.expect(400);
    let fields: Vec<_> = refused["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| &problem["field"])
        .collect();
    assert_eq!(fields, ["gpus", "enabled", "initialBalance"]);
    let prices = server.get("/api/pricing/public", "").await.expect(200)["data"].clone();
    assert_eq!(prices["gpus"]["rtx-4050"]["price"], 0.5);
    server
        .post("/api/pricing/reset", &admin, &Value::Null)
        .await
        .expect(200);
    assert_eq!(shown().await, json!({ "enabled": true, "initialBalance": 10.0 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_in_the_table_of_prices_can_be_read() {
    let server = TestServer::start().await;
    for language in ["es", "en"] {
        let request = server
            .client
            .get(format!("{}/api/pricing/public", server.origin))
            .header("accept-language", language);
        let prices = Answer::of(request).await.expect(200)["data"].clone();
        for (id, gpu) in prices["gpus"].as_object().unwrap() {
            has(
                gpu,
                &[
                    ("id", "text"),
                    ("name", "text"),
                    ("price", "number"),
                    ("available", "bool"),
                ],
            );
            let specs = &gpu["specs"];
            has(
                specs,
                &[("memory", "text"), ("cores", "number"), ("performance", "text")],
            );
            assert_ne!(specs["cores"], 0, "{id}: {specs}");
            for text in ["memory", "performance"] {
                assert_ne!(specs[text], "", "{id}: {specs}");
            }
        }
        let plain = &prices["gpus"]["cpu"]["specs"]["performance"];
        assert_eq!(plain, if language == "es" { "Sin GPU" } else { "No GPU" });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_are_created_and_changed_by_the_form() {
    let server = TestServer::start().await;
    let admin = server.sign_in(ADMIN).await;
    let body = json!({
        "name": "Whisper", "dockerImage": "example.org/whisper:1", "description": "# Whisper",
        "httpPorts": [{ "port": 8888, "serviceName": "Jupyter Lab" }],
        "tcpPorts": [{ "port": 22, "serviceName": "SSH" }],
        "containerDiskSize": 20, "volumeDiskSize": 30, "volumePath": "/workspace",
    });
    let made = server.post("/api/templates", &admin, &body).await.expect(201);
    has(&made, &[("message", "text"), ("template", "object")]);
    has(&made["template"], TEMPLATE);
    let path = format!("/api/templates/{}", made["template"]["_id"].as_str().unwrap());
    // The form for changes sends back the template that it received.
    let mut change = made["template"].clone();
    change["description"] = "changed".into();
    let changed = server
        .call(Method::PUT, &path, &admin, Some(&change))
        .await
        .expect(200);
    assert_eq!(changed["template"]["description"], "changed");
    server.call(Method::DELETE, &path, &admin, None).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fixed_language_applies_to_requests_and_both_sockets() {
    use neuropod_server::config::LanguageChoice;

    let server = TestServer::start_with(|config| config.language = LanguageChoice::Es).await;
    let token = server.sign_in("ana@example.com").await;
    let missing = server.get("/api/pods/0123456789abcdef", &token).await.expect(404);
    assert_eq!(missing["message"], "Pod no encontrado", "English was asked for");
    let wrong = server.post("/api/pods", &token, &json!({})).await.expect(400);
    assert!(
        wrong["errors"]
            .as_array()
            .unwrap()
            .contains(&json!("Nombre es requerido")),
        "{wrong}"
    );
    let mut socket = Socket::connect(&server, "").await.unwrap();
    socket
        .say(&json!({ "type": "auth", "token": token, "language": "en" }))
        .await;
    socket
        .say(&json!({ "type": "subscribe", "podId": "0123456789abcdef" }))
        .await;
    let refused = socket.until(|heard| heard["type"] == "error").await;
    assert_eq!(refused["message"], "Pod no encontrado");
    if let Some(modules) = modules("contract/frontend-language") {
        let mut client = Client::start(&modules, &server, "websocket", &token);
        let connected = client.next("connected").await;
        assert_eq!(
            connected["message"],
            "Conectado a las actualizaciones en tiempo real"
        );
        client
            .say("requestLogs", json!({ "podId": "0123456789abcdef" }))
            .await;
        assert_eq!(client.next("error").await["message"], "Pod no encontrado");
    }
}

/// Acknowledged with `null` alone, each once and in order.
#[track_caller]
fn acknowledged(client: &Client, events: &[&str]) {
    let expected: Vec<_> = events
        .iter()
        .map(|event| ((*event).to_owned(), json!([null])))
        .collect();
    assert_eq!(client.acks, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_with_many_pods_sends_all_its_events_over_one_connection() {
    let Some(modules) = modules("contract/frontend-retries") else {
        return;
    };
    let server = TestServer::start().await;
    let token = server.sign_in("ana@example.com").await;
    for transport in TRANSPORTS {
        let mut client = Client::start(&modules, &server, transport, &token);
        client.next("connected").await;
        let mut pods = Vec::new();
        for name in ["one", "two", "three"] {
            pods.push(server.create(&token, &format!("{name} {transport}")).await);
        }
        for pod in &pods {
            client.say("subscribe", json!({ "podId": pod })).await;
        }
        for pod in &pods {
            let update = client
                .until("podUpdate", |data| data["podId"] == pod.as_str())
                .await;
            is_update(&update);
        }
        for pod in &pods {
            client.say("requestLogs", json!({ "podId": pod })).await;
            assert_eq!(client.next("podLogs").await["podId"], pod.as_str());
        }
        client.say("unsubscribe", json!({ "podId": pods[0] })).await;
        assert_eq!(client.next("unsubscribed").await["podId"], pods[0].as_str());
        client.say("ping", Value::Null).await;
        client.next("pong").await;
        client.acknowledged(8).await;
        let said = [
            "subscribe",
            "subscribe",
            "subscribe",
            "requestLogs",
            "requestLogs",
            "requestLogs",
            "unsubscribe",
            "ping",
        ];
        acknowledged(&client, &said);

        // Invalid and unknown events are acknowledged like any other, and do not block the next one.
        client.acks.clear();
        let wrong = [
            ("subscribe", Value::Null),
            ("subscribe", json!({})),
            ("subscribe", json!({ "podId": 7 })),
            ("subscribe", json!({ "podId": "0123456789abcdef" })),
            ("unsubscribe", json!([])),
            ("requestLogs", json!("nothing")),
            ("joinRoom", json!({ "room": "everything" })),
            ("message", Value::Null),
        ];
        for (event, data) in &wrong {
            client.say(event, data.clone()).await;
        }
        for (event, data) in &wrong {
            let error = client.next("error").await;
            has(&error, &[("type", "text"), ("message", "text")]);
            assert_eq!(
                client
                    .acks
                    .iter()
                    .filter(|(_, args)| *args != json!([null]))
                    .count(),
                0,
                "{event} {data}"
            );
        }
        client.acknowledged(wrong.len()).await;
        acknowledged(&client, &wrong.each_ref().map(|(event, _)| *event));

        // After a lost connection the page repeats everything, including what it sent meanwhile.
        client.acks.clear();
        client.lose().await;
        client.next("disconnect").await;
        for pod in &pods {
            client.say("subscribe", json!({ "podId": pod })).await;
        }
        client.next("connected").await;
        for pod in &pods {
            client
                .until("podUpdate", |data| data["podId"] == pod.as_str())
                .await;
        }
        client.acknowledged(3).await;
        acknowledged(&client, &["subscribe"; 3]);
        for pod in &pods {
            server
                .call(Method::DELETE, &format!("/api/pods/{pod}"), &token, None)
                .await
                .expect(200);
        }
    }
}

/// All updates of a pod from running until stopped.
async fn updates_of_a_stop(
    server: &TestServer,
    token: &str,
    id: &str,
    next: impl AsyncFn() -> Value,
) -> Vec<Value> {
    let first = next().await;
    server
        .post(&format!("/api/pods/{id}/stop"), token, &Value::Null)
        .await
        .expect(200);
    let mut updates = vec![first];
    while updates.last().is_none_or(|last| last["step"] != "stopped") {
        updates.push(next().await);
    }
    // Figures are measured every ten seconds; equal ones are not sent again.
    while let Ok(more) = timeout(Duration::from_secs(12), next()).await {
        updates.push(more);
    }
    updates.iter().for_each(is_update);
    updates
}

/// The paths at which two documents differ.
fn differences(path: &str, one: &Value, other: &Value, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(fields), Value::Object(others)) => {
            for key in fields
                .keys()
                .chain(others.keys().filter(|key| !fields.contains_key(*key)))
            {
                differences(&format!("{path}.{key}"), &one[key], &other[key], found);
            }
        }
        (Value::Array(items), Value::Array(others)) if items.len() == others.len() => {
            for (place, (one, other)) in items.iter().zip(others).enumerate() {
                differences(&format!("{path}[{place}]"), one, other, found);
            }
        }
        (one, other) if one == other => {}
        (one, other) => found.push(format!("{path}: {one} -> {other}")),
    }
}

fn each_says_something_new(updates: &[Value]) {
    // Changed details of the pod are not sent to a page that does not read them.
    let brief = |update: &Value| {
        let mut update = without_time(update.clone());
        update["pod"].take();
        update
    };
    let updates: Vec<_> = updates.iter().map(brief).collect();
    for pair in updates.windows(2) {
        let mut found = Vec::new();
        differences("", &pair[0], &pair[1], &mut found);
        eprintln!("update while it stops: {}", found.join(", "));
        assert_ne!(found, Vec::<String>::new(), "{}", pair[1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_come_once_at_the_subscription_and_then_only_when_something_differs() {
    let server = TestServer::start().await;
    let token = server.sign_in("ana@example.com").await;
    let id = server.create(&token, "training").await;
    server.until(&token, &id, "running").await;
    let mut plain = Socket::of(&server, &token).await;
    plain.say(&json!({ "type": "subscribe", "podId": id })).await;
    let plain = tokio::sync::Mutex::new(plain);
    let of_plain = async || {
        let mut plain = plain.lock().await;
        plain.until(|heard| heard["type"] == "podUpdate").await
    };
    let updates = updates_of_a_stop(&server, &token, &id, of_plain).await;
    each_says_something_new(&updates);

    let Some(modules) = modules("contract/frontend-updates") else {
        return;
    };
    server
        .post(&format!("/api/pods/{id}/start"), &token, &Value::Null)
        .await
        .expect(200);
    server.until(&token, &id, "running").await;
    let mut client = Client::start(&modules, &server, "websocket", &token);
    client.say("subscribe", json!({ "podId": id })).await;
    let client = tokio::sync::Mutex::new(client);
    let of_client = async || client.lock().await.next("podUpdate").await;
    let updates = updates_of_a_stop(&server, &token, &id, of_client).await;
    each_says_something_new(&updates);
    // A repeated subscription gets the state again, once.
    let mut client = client.into_inner();
    client.say("subscribe", json!({ "podId": id })).await;
    client.next("podUpdate").await;
    assert!(
        timeout(Duration::from_secs(2), client.next("podUpdate"))
            .await
            .is_err()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn announcements_go_only_to_the_owner_even_if_an_administrator() {
    let Some(modules) = modules("contract/frontend-announcements") else {
        return;
    };
    let server = TestServer::start().await;
    let (admin, ana) = (
        server.sign_in(ADMIN).await,
        server.sign_in("ana@example.com").await,
    );
    let mut administrator = Client::start(&modules, &server, "websocket", &admin);
    let mut client = Client::start(&modules, &server, "websocket", &ana);
    administrator.next("connected").await;
    client.next("connected").await;
    let theirs = server.create(&ana, "of a client").await;
    client
        .until("podCreated", |data| data["podId"] == theirs.as_str())
        .await;
    // An administrator who watches it receives its state, and nothing else.
    administrator.say("subscribe", json!({ "podId": theirs })).await;
    administrator
        .until("podUpdate", |data| data["status"] == "running")
        .await;
    server
        .call(Method::DELETE, &format!("/api/pods/{theirs}"), &ana, None)
        .await
        .expect(200);
    client
        .until("podDeleted", |data| data["podId"] == theirs.as_str())
        .await;
    let mut assigned = crate::common::pod("assigned");
    assigned["assignToUser"] = "ana@example.com".into();
    let assigned = create(&server, &admin, &assigned).await;
    let created = client
        .until("podCreated", |data| data["podId"] == assigned.as_str())
        .await;
    has(&created, CREATED);
    assert_eq!(created["createdBy"], server.user_id(&admin).await.as_str());
    assert_eq!(created["userEmail"], "ana@example.com");
    let heard = administrator.heard_so_far().await;
    assert!(heard.iter().all(|(event, _)| event == "podUpdate"), "{heard:?}");

    let own = server.create(&admin, "of the administrator").await;
    let created = timeout(PATIENCE, administrator.until("podCreated", |_| true))
        .await
        .unwrap();
    assert_eq!(
        (&created["podId"], &created["userEmail"]),
        (&json!(own), &json!(ADMIN))
    );
    server
        .call(Method::DELETE, &format!("/api/pods/{own}"), &admin, None)
        .await
        .expect(200);
    assert_eq!(administrator.next("podDeleted").await["podId"], own.as_str());
    let heard = client.heard_so_far().await;
    assert!(
        heard.iter().all(|(_, data)| data["podId"] != own.as_str()),
        "{heard:?}"
    );
}
