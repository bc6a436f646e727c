//! Images and paths that the platform refuses, reported at the fields of forms in both languages.

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{ADMIN, Answer, TestServer, pod};

/// The parts that a form shows: field, code and text of each problem.
fn fields(answer: Answer) -> Vec<(String, String, String)> {
    let body = answer.expect(400);
    assert_eq!(body["code"], "invalid", "{body}");
    let fields = body["fields"].as_array().unwrap().iter();
    let text = |problem: &Value, name: &str| problem[name].as_str().unwrap().to_owned();
    fields
        .map(|problem| {
            (
                text(problem, "field"),
                text(problem, "code"),
                text(problem, "message"),
            )
        })
        .collect()
}

fn of_image(image: &str) -> Value {
    let mut body = pod("Lab");
    body["dockerImage"] = image.into();
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_outside_the_public_internet_is_reported_at_its_field() {
    let server = TestServer::start().await;
    let ana = server.sign_in("ana@example.com").await;
    for image in [
        "169.254.169.254/latest/meta-data",
        "127.0.0.1:10250/pods",
        "0xa9fea9fe:80/latest",
        "localhost:5000/lab",
        "10.0.0.7/lab",
        "100.64.0.1/lab",
        "registry.kube-system.svc.cluster.local/lab",
        "metadata.google.internal/computemetadata/v1",
    ] {
        let registry = image.split('/').next().unwrap();
        let problems = fields(server.post("/api/pods", &ana, &of_image(image)).await);
        let text = format!("Images from '{registry}' are not allowed: it is not a public registry");
        let expected = ("dockerImage".to_owned(), "registry_internal".to_owned(), text);
        assert_eq!(problems, [expected], "{image}");
    }
    let spanish = server
        .client
        .post(format!("{}/api/pods", server.origin))
        .bearer_auth(&ana)
        .header("accept-language", "es")
        .json(&of_image("localhost/lab"));
    let problems = fields(Answer::of(spanish).await);
    assert_eq!(
        problems[0].2,
        "No se permiten imágenes de 'localhost': no es un registro público"
    );
    assert_eq!(server.get("/api/pods", &ana).await.expect(200)["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_registries_holds_for_pods_and_templates() {
    let server = TestServer::start_with(|config| {
        config.images.registries = vec!["docker.io".into(), "quay.io/jupyter".into()];
        config.images.internal_registries = vec!["registry.lan:5000".into()];
    })
    .await;
    let ana = server.sign_in("ana@example.com").await;
    let admin = server.sign_in(ADMIN).await;
    let problems = fields(server.post("/api/pods", &ana, &of_image("ghcr.io/a/b")).await);
    let text =
        "Images from 'ghcr.io' are not allowed; use one from: docker.io, quay.io/jupyter, registry.lan:5000";
    let expected = |field: &str| {
        (
            field.to_owned(),
            "registry_not_allowed".to_owned(),
            text.to_owned(),
        )
    };
    assert_eq!(problems, [expected("dockerImage")]);
    server
        .post("/api/pods", &ana, &of_image("registry.lan:5000/lab"))
        .await
        .expect(201);

    let template = json!({ "name": "Lab", "dockerImage": "ghcr.io/a/b", "volumePath": "/var/run/secrets" });
    let path = (
        "volumePath".to_owned(),
        "volume_path".to_owned(),
        "The volume path must be absolute and not the system's own, as in '/workspace'".to_owned(),
    );
    let problems = fields(server.post("/api/templates", &admin, &template).await);
    assert_eq!(problems, [expected("dockerImage"), path.clone()]);
    let good = json!({ "name": "Lab", "dockerImage": "ubuntu" });
    let stored = server.post("/api/templates", &admin, &good).await.expect(201);
    let place = format!("/api/templates/{}", stored["template"]["_id"].as_str().unwrap());
    for (change, expected) in [
        (json!({ "dockerImage": "ghcr.io/a/b" }), expected("dockerImage")),
        (json!({ "volumePath": "/root/.ssh" }), path),
    ] {
        let problems = fields(server.call(Method::PUT, &place, &admin, Some(&change)).await);
        assert_eq!(problems, [expected], "{change}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn allowed_registries_are_shown_in_advance_and_internal_ones_only_to_users() {
    let server = TestServer::start_with(|config| {
        config.images.registries = vec!["docker.io".into(), "quay.io/jupyter".into()];
        config.images.internal_registries = vec!["registry.lan:5000".into()];
    })
    .await;
    let ana = server.sign_in("ana@example.com").await;
    for (token, internal) in [
        ("", json!([])),
        ("somebody", json!([])),
        (ana.as_str(), json!(["registry.lan:5000"])),
    ] {
        let config = server.get("/api/config", token).await.expect(200);
        let config = &config["data"];
        assert_eq!(
            config["imageRegistries"],
            json!(["docker.io", "quay.io/jupyter"]),
            "{token}"
        );
        assert_eq!(config["internalRegistries"], internal, "{token}");
    }
    let page = server
        .client
        .get(&server.origin)
        .header("accept", "text/html")
        .send();
    let page = page.await.unwrap().text().await.unwrap();
    assert!(page.contains("quay.io/jupyter") && !page.contains("registry.lan"));

    let server = TestServer::start().await;
    let config = server.get("/api/config", "").await.expect(200);
    assert_eq!(config["data"]["imageRegistries"], json!([]), "all public ones");
}
