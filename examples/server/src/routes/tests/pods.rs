use axum::body::Body;
use http::{Method, Request, header};
use serde_json::{Value, json};

use crate::test_api::{Api, config, request};

#[tokio::test(start_paused = true)]
async fn a_pod_lives_from_its_creation_to_its_end() {
    let api = Api::start(config()).await;
    let ana = api.sign_in("ana@example.com").await;
    let created = api
        .post("/api/pods", &ana, &request("Training"))
        .await
        .expect(201);
    assert_eq!(created["data"]["status"], "creating");
    assert_eq!(
        created["data"]["message"],
        "Pod creándose. Por favor espere unos minutos."
    );
    let pod = created["data"]["podId"].as_str().unwrap();
    let connections = format!("/api/pods/{pod}/connections");
    let starting = api.get(&connections, &ana).await.expect(200);
    assert_eq!(starting["data"]["status"], "starting");
    assert_eq!(starting["data"]["tcpServices"], json!([]));

    let running = api.until(&ana, pod, "running").await;
    assert_eq!(running["pod"]["costPerHour"], 3.0);
    assert_eq!(running["pod"]["step"], "ready");
    assert!(
        running["details"]["subdomain"]
            .as_str()
            .unwrap()
            .starts_with("training-")
    );
    let open = api.get(&connections, &ana).await.expect(200);
    assert_eq!(
        open["data"]["httpServices"][0]["url"]
            .as_str()
            .unwrap()
            .matches("token=")
            .count(),
        1
    );
    assert!(
        !open["data"]["httpServices"][1]["url"]
            .as_str()
            .unwrap()
            .contains("token=")
    );
    assert_eq!(open["data"]["tcpServices"][0]["status"], "disable");
    let logs = api
        .get(&format!("/api/pods/{pod}/logs?tail=5"), &ana)
        .await
        .expect(200);
    assert_eq!(
        logs["data"]["logs"].as_str().unwrap().lines().count(),
        5,
        "{logs}"
    );

    let stop = format!("/api/pods/{pod}/stop");
    let stopped = api.call(Method::POST, &stop, &ana, None).await.expect(200);
    assert_eq!(stopped["data"], json!({ "podId": pod, "status": "stopped" }));
    let again = api.call(Method::POST, &stop, &ana, None).await.expect(400);
    assert_eq!(again["message"], "El pod ya está detenido");
    let logs = api.get(&format!("/api/pods/{pod}/logs"), &ana).await.expect(200);
    assert_eq!(
        logs["data"]["logs"],
        "El pod está detenido. No hay logs disponibles."
    );
    assert_eq!(
        api.get(&connections, &ana).await.expect(200)["data"]["httpServices"],
        json!([])
    );

    let start = format!("/api/pods/{pod}/start");
    api.call(Method::POST, &start, &ana, None).await.expect(200);
    api.until(&ana, pod, "running").await;
    let again = api.call(Method::POST, &start, &ana, None).await.expect(400);
    assert_eq!(again["message"], "El pod ya está en ejecución");
    api.call(Method::DELETE, &format!("/api/pods/{pod}"), &ana, None)
        .await
        .expect(200);
    let gone = api.get(&format!("/api/pods/{pod}"), &ana).await.expect(404);
    assert_eq!(gone["message"], "Pod no encontrado");
}

#[tokio::test(start_paused = true)]
async fn every_mistake_is_reported_at_once_in_the_language_of_the_request() {
    let api = Api::start(config()).await;
    let ana = api.sign_in("ana@example.com").await;
    let wrong =
        json!({ "name": "", "deploymentType": "docker", "containerDiskSize": 0, "volumeDiskSize": 1000 });
    let refused = api.post("/api/pods", &ana, &wrong).await.expect(400);
    let errors: Vec<_> = refused["errors"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    for expected in [
        "Nombre es requerido",
        "GPU es requerida",
        "Imagen Docker es requerida",
        "Puertos son requeridos",
    ] {
        assert!(errors.contains(&expected), "{errors:?}");
    }
    assert_eq!(refused["fields"].as_array().unwrap().len(), errors.len());
    let english = Request::post("/api/pods")
        .header(header::AUTHORIZATION, format!("Bearer {ana}"))
        .header(header::ACCEPT_LANGUAGE, "en-GB")
        .body(Body::from(wrong.to_string()))
        .unwrap();
    let refused = api.send(english).await.expect(400);
    assert!(
        refused["errors"]
            .as_array()
            .unwrap()
            .contains(&json!("Name is required")),
        "{refused}"
    );
}

#[tokio::test(start_paused = true)]
async fn money_that_is_not_there_is_named() {
    let api = Api::start(config()).await;
    let ana = api.sign_in("ana@example.com").await;
    for name in ["one", "two", "three"] {
        api.create(&ana, name).await;
    }
    let refused = api.post("/api/pods", &ana, &request("four")).await.expect(400);
    assert_eq!(refused["code"], "insufficient_funds");
    assert_eq!(refused["required"], 3.0);
    assert!(refused["available"].as_f64().unwrap() < 3.0, "{refused}");
}

#[tokio::test(start_paused = true)]
async fn nobody_gets_at_the_pods_of_others_but_administrators() {
    let api = Api::start(config()).await;
    let (ana, berta) = (
        api.sign_in("ana@example.com").await,
        api.sign_in("berta@example.com").await,
    );
    let admin = api.sign_in("admin@example.com").await;
    let pod = api.create(&ana, "training").await;
    for path in ["", "/connections", "/logs"] {
        api.get(&format!("/api/pods/{pod}{path}"), &berta)
            .await
            .expect(403);
    }
    api.call(Method::POST, &format!("/api/pods/{pod}/stop"), &berta, None)
        .await
        .expect(403);
    let deleted = api
        .call(Method::DELETE, &format!("/api/pods/{pod}"), &berta, None)
        .await;
    let logs = api.get(&format!("/api/pods/{pod}/logs"), &berta).await;
    for (refused, message) in [
        (deleted, "No tienes permiso para eliminar este pod"),
        (logs, "No tienes permiso para acceder a los logs de este pod"),
    ] {
        assert_eq!(refused.expect(403)["message"], message);
    }
    assert_eq!(api.get("/api/pods", &berta).await.expect(200)["data"], json!([]));
    for id in ["0000000000000000", "nonsense", "%2e%2e%2f"] {
        api.get(&format!("/api/pods/{id}"), &berta).await.expect(404);
    }
    api.get("/api/pods?userEmail=ana@example.com", &berta)
        .await
        .expect(403);
    api.get("/api/pods?userEmail=nobody@example.com", &admin)
        .await
        .expect(404);
    let found = api
        .get("/api/pods?userEmail=ana@example.com", &admin)
        .await
        .expect(200);
    assert_eq!(found["data"][0]["userEmail"], "ana@example.com");
    let all = api.get("/api/pods/admin", &admin).await.expect(200);
    assert_eq!(all["data"][0]["podId"], pod);
}

#[tokio::test(start_paused = true)]
async fn a_repeated_key_answers_the_same_pod() {
    let api = Api::start(config()).await;
    let ana = api.sign_in("ana@example.com").await;
    let send = async |name: &str| {
        let request = Request::post("/api/pods")
            .header(header::AUTHORIZATION, format!("Bearer {ana}"))
            .header("Idempotency-Key", "first")
            .body(Body::from(request(name).to_string()));
        api.send(request.unwrap()).await
    };
    let first = send("training").await.expect(201);
    assert_eq!(
        send("training").await.expect(201)["data"]["podId"],
        first["data"]["podId"]
    );
    send("other").await.expect(409);
}

#[tokio::test(start_paused = true)]
async fn bodies_that_are_none_are_refused() {
    let api = Api::start(config()).await;
    let ana = api.sign_in("ana@example.com").await;
    let send = async |body: Vec<u8>| {
        let request = Request::post("/api/pods")
            .header(header::AUTHORIZATION, format!("Bearer {ana}"))
            .body(Body::from(body));
        api.send(request.unwrap()).await
    };
    send(b"{".to_vec()).await.expect(400);
    send(b"\xff\xfe".to_vec()).await.expect(400);
    send("[".repeat(100_000).into()).await.expect(400);
    send(format!("{{\"name\":\"{}\"}}", "a".repeat(300 * 1024)).into())
        .await
        .expect(413);
}
