use http::Method;
use serde_json::json;

use crate::test_api::{Api, config};

#[tokio::test(start_paused = true)]
async fn templates_are_made_changed_used_and_deleted() {
    let api = Api::start(config()).await;
    let (ana, admin) = (
        api.sign_in("ana@example.com").await,
        api.sign_in("admin@example.com").await,
    );
    let body = json!({
        "name": "Comfy", "dockerImage": "ghcr.io/example/comfy:1", "httpPorts": [{ "port": 8188, "serviceName": "Comfy UI" }],
        "containerDiskSize": 30, "volumeDiskSize": 50, "description": "<script>alert(1)</script>",
    });
    api.post("/api/templates", &ana, &body).await.expect(403);
    let made = api.post("/api/templates", &admin, &body).await.expect(201);
    let id = made["template"]["_id"].as_str().unwrap();
    assert_eq!(made["template"]["id"], id);
    let twice = api
        .post(
            "/api/templates",
            &admin,
            &json!({ "name": "COMFY", "dockerImage": "a" }),
        )
        .await
        .expect(400);
    assert_eq!(twice["fields"][0]["code"], "already_taken");
    let wrong = json!({ "name": " ", "dockerImage": "A B", "volumePath": "/proc", "containerDiskSize": 0 });
    let refused = api.post("/api/templates", &admin, &wrong).await.expect(400);
    assert_eq!(refused["fields"].as_array().unwrap().len(), 4, "{refused}");

    let wrong = json!({ "name": "a", "dockerImage": "a", "httpPorts": [
        { "port": 65536, "serviceName": "a" }, { "port": 0, "serviceName": "b" }, { "port": -1, "serviceName": "c" },
        { "port": 80, "serviceName": "d" }, { "port": 80, "serviceName": "e" },
    ] });
    let refused = api.post("/api/templates", &admin, &wrong).await.expect(400);
    let refused: Vec<_> = refused["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| &field["code"])
        .collect();
    assert_eq!(refused, ["port", "port", "port", "port_twice"]);

    let path = format!("/api/templates/{id}");
    let changed = api
        .call(Method::PUT, &path, &admin, Some(&json!({ "name": "Comfy 2" })))
        .await
        .expect(200);
    assert_eq!(changed["template"]["name"], "Comfy 2");
    assert_eq!(
        changed["template"]["dockerImage"],
        made["template"]["dockerImage"]
    );
    assert!(api.get("/api/templates", &ana).await.expect(200).is_array());
    let pod = json!({
        "name": "drawing", "deploymentType": "template", "template": id, "gpu": "cpu",
        "containerDiskSize": 30, "volumeDiskSize": 50, "ports": "8188", "enableJupyter": false,
    });
    api.post("/api/pods", &ana, &pod).await.expect(201);
    assert_eq!(
        api.get("/api/pods", &ana).await.expect(200)["data"][0]["httpServices"][0]["serviceName"],
        "Comfy UI"
    );
    assert_eq!(
        api.get("/api/templates/summary", &ana).await.expect(200)["data"]["templates"][0]["pods"],
        1
    );
    api.call(Method::DELETE, &path, &admin, None).await.expect(200);
    assert_eq!(
        api.get(&path, &ana).await.expect(404)["message"],
        "Template no encontrado"
    );
}
