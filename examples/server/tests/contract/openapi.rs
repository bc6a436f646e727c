//! The document that describes the API, against the server that it describes: as an administrator, as a client
//! and signed out, with existing objects.

use std::collections::BTreeSet;
use std::path::Path;

use neuropod_test_cluster::{python, skip};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::common::{ADMIN, TestServer};

/// The operations reserved for administrators.
const ADMINS: [&str; 16] = [
    "GET /api/admin/audit",
    "GET /api/admin/pods",
    "POST /api/admin/users/{id}/credit",
    "POST /api/auth/admin/fix-balances",
    "GET /api/auth/users",
    "POST /api/auth/users/balance",
    "POST /api/auth/users/daily-cap",
    "POST /api/auth/users/suspend",
    "DELETE /api/auth/users/{userId}",
    "GET /api/inventory",
    "GET /api/pods/admin",
    "PUT /api/pricing",
    "POST /api/pricing/reset",
    "POST /api/templates",
    "PUT /api/templates/{id}",
    "DELETE /api/templates/{id}",
];
/// Operations that can't succeed here: a made-up token is not one of Google's, and a logout would end the
/// session that all other requests need.
const NOBODY: [&str; 2] = ["POST /api/auth/google", "POST /api/auth/logout"];

#[tokio::test(flavor = "multi_thread")]
async fn the_server_conforms_to_its_document() {
    let python = match python() {
        Ok(python) => python,
        Err(error) if error.is_unavailable() => return skip("contract/openapi", &error.to_string()),
        Err(error) => panic!("{error}"),
    };
    let set_up = |config: &mut neuropod_server::config::Config| {
        // A made-up token never gets as far as Google's keys.
        config.auth.google_client_id = Some("client".into());
        config.opening_credit = 1000.0;
    };
    let server = TestServer::start_with(set_up).await;
    let document = server.get("/api/openapi.json", "").await.expect(200);
    let but = |operations: &BTreeSet<String>, these: &[&str]| -> BTreeSet<String> {
        let others = operations.iter().filter(|name| !these.contains(&&***name));
        others.cloned().collect()
    };
    let admins = but(&operations(&document, |_| true), &NOBODY);
    let clients = but(&admins, &ADMINS);
    let guests = but(
        &operations(&document, |operation| operation["security"].is_null()),
        &NOBODY,
    );

    let by = async |who: &str, token: &str, things: &str, done: BTreeSet<String>| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("schemathesis.toml"), things).unwrap();
        let (is_right, output) = schemathesis(&python, &server, token, folder.path()).await;
        assert!(is_right, "{who}: {output}");
        assert_eq!(answered(&document, folder.path()), done, "what was done by {who}");
    };
    let admin = server.sign_in(ADMIN).await;
    by("an administrator", &admin, &things(&server, &admin).await, admins).await;
    // Only now, because the administrator deletes everybody they find.
    let ana = server.sign_in("ana@example.com").await;
    let things = things(&server, &ana).await;
    tokio::join!(
        by("a client", &ana, &things, clients),
        by("a guest", "", &things, guests)
    );
}

/// Creates objects for the requests of this person, and the configuration that makes schemathesis use them.
/// Objects that a request deletes are used by it alone.
async fn things(server: &TestServer, owner: &str) -> String {
    let admin = server.sign_in(ADMIN).await;
    let owner_id = server.user_id(owner).await;
    let [kept, started, stopped, deleted] = ["kept", "started", "stopped", "deleted"];
    let mut pods = Vec::new();
    for name in [kept, started, stopped, deleted] {
        pods.push(server.create(owner, &format!("{name} {owner_id}")).await);
    }
    for id in &pods {
        server.until(owner, id, "running").await;
    }
    server
        .post(&format!("/api/pods/{}/stop", pods[1]), owner, &Value::Null)
        .await
        .expect(200);
    server.until(owner, &pods[1], "stopped").await;
    let mut templates = Vec::new();
    let mut users = Vec::new();
    for name in [kept, deleted] {
        let template =
            json!({ "name": format!("{name} {owner_id}"), "dockerImage": "quay.io/jupyter/base-notebook" });
        let template = server.post("/api/templates", &admin, &template).await.expect(201);
        templates.push(template["template"]["id"].as_str().unwrap().to_owned());
        let user = server.sign_in(&format!("{name}-{owner_id}@example.com")).await;
        users.push(server.user_id(&user).await);
    }
    let mut operations = vec![
        json!({ "include-name": NOBODY[1], "enabled": false }),
        // A followed log does not end.
        json!({ "include-name": "GET /api/pods/{podId}/logs", "parameters": { "query.follow": "false" } }),
        json!({ "include-name": "GET /api/pricing/gpus/{id}", "parameters": { "path.id": known("gpus") } }),
        json!({ "include-name": "GET /api/admin/audit", "parameters": { "query.what": known("actions") } }),
        json!({ "include-name": "POST /api/admin/users/{id}/credit", "parameters": { "path.id": known("users") } }),
    ];
    for (name, parameter, dictionary) in [
        ("POST /api/pods/{podId}/start", "path.podId", started),
        ("POST /api/pods/{podId}/stop", "path.podId", stopped),
        ("DELETE /api/pods/{podId}", "path.podId", deleted),
        ("GET /api/pods/admin", "query.userEmail", "emails"),
        ("DELETE /api/templates/{id}", "path.id", "deleted-templates"),
        ("DELETE /api/auth/users/{userId}", "path.userId", "deleted-users"),
    ] {
        operations.push(json!({ "include-name": name, "parameters": { parameter: known(dictionary) } }));
    }
    let config = json!({
        "dictionaries": {
            "pods": { "values": [pods[0]] },
            started: { "values": [pods[1]] },
            stopped: { "values": [pods[2]] },
            deleted: { "values": [pods[3]] },
            "templates": { "values": [templates[0]] },
            "deleted-templates": { "values": [templates[1]] },
            "users": { "values": [users[0]] },
            "deleted-users": { "values": [users[1]] },
            "gpus": { "values": ["rtx-4090", "cpu"] },
            "actions": { "values": ["credit_added", "balance_set"] },
            "emails": { "values": [format!("{kept}-{owner_id}@example.com")] },
        },
        "parameters": {
            "path.podId": known("pods"),
            "path.id": known("templates"),
            "body.userId": known("users"),
        },
        "operations": operations,
    });
    toml::to_string(&config).unwrap()
}

/// Almost always one of these, because invalid values have to be refused as well.
fn known(dictionary: &str) -> Value {
    json!({ "dictionary": dictionary, "probability": 0.8 })
}

/// Sends requests for everything in the document to the server. Returns whether all replies were right, and a
/// report.
async fn schemathesis(python: &Path, server: &TestServer, token: &str, folder: &Path) -> (bool, String) {
    let mut run = Command::new(python);
    run.args(["-m", "schemathesis.cli", "run", "--no-color"]);
    if token.is_empty() {
        // More cases of every body would only be refused for the missing sign-in.
        run.args(["--phases", "examples,fuzzing"]);
    } else {
        run.args(["--phases", "examples,coverage,fuzzing"]);
        run.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    let run = run
        .args(["--max-examples", "10"])
        .arg("--generation-deterministic")
        // Conflicts that a schema can't express (a taken name, a GPU that is not on offer) are refused all the
        // same.
        .args(["--exclude-checks", "positive_data_acceptance"])
        .args(["--report-har-path", "report.har"])
        .arg(format!("{}/api/openapi.json", server.origin))
        .current_dir(folder)
        .output();
    let run = run.await.expect("schemathesis runs");
    let output = [run.stdout, run.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    (run.status.success(), output.concat())
}

/// The operations of a document for which `is_so` is true.
fn operations(document: &Value, is_so: impl Fn(&Value) -> bool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if is_so(operation) {
                found.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    found
}

/// The operations that succeeded at least once.
fn answered(document: &Value, folder: &Path) -> BTreeSet<String> {
    let report = std::fs::read_to_string(folder.join("report.har")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    let entries = report["log"]["entries"].as_array().unwrap().iter();
    let good = entries.filter(|entry| {
        entry["response"]["status"]
            .as_u64()
            .is_some_and(|status| status / 100 == 2)
    });
    let asked: BTreeSet<(String, String)> = good
        .map(|entry| {
            let url = reqwest::Url::parse(entry["request"]["url"].as_str().unwrap()).unwrap();
            let method = entry["request"]["method"].as_str().unwrap();
            (method.to_owned(), url.path().to_owned())
        })
        .collect();
    operations(document, |_| true)
        .into_iter()
        .filter(|name| {
            let (method, template) = name.split_once(' ').unwrap();
            asked
                .iter()
                .any(|(asked, path)| asked == method && fits(path, template))
        })
        .collect()
}

/// Whether a path matches a template, and no template without a parameter there.
fn fits(path: &str, template: &str) -> bool {
    let fixed = [
        "/api/templates/summary",
        "/api/pods/admin",
        "/api/pricing/gpus/available",
    ];
    let (path_parts, parts) = (path.split('/').count(), template.split('/').count());
    let mut pairs = path.split('/').zip(template.split('/'));
    (path == template || !fixed.contains(&path))
        && path_parts == parts
        && pairs.all(|(part, expected)| part == expected || (expected.starts_with('{') && !part.is_empty()))
}
