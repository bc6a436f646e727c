//! The server as used by another program of a user, without the page.

use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::LIMIT;
use crate::chromium::client;
use crate::site::Site;

/// The requests of a signed-in user.
pub(crate) struct Api {
    client: Client,
    url: String,
    pub(crate) token: String,
}

impl Api {
    /// Signs in by e-mail address.
    pub(crate) async fn of(site: &Site, email: &str) -> Self {
        let client = client();
        let request = client.post(format!("{}/api/auth/mock-login", site.url()));
        let answer = request.json(&json!({ "email": email })).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        Self {
            client,
            url: site.url(),
            token: answer["token"].as_str().unwrap().to_owned(),
        }
    }

    /// Sends a body, as fast as the server allows one user.
    pub(crate) async fn post(&self, path: &str, body: &Value) {
        loop {
            let request = self.client.post(format!("{}{path}", self.url)).json(body);
            let answer = request.bearer_auth(&self.token).send().await.unwrap();
            match answer.status().as_u16() {
                429 => sleep(Duration::from_millis(200)).await,
                200 | 201 => return,
                status => panic!("{path}: {status}: {}", answer.text().await.unwrap()),
            }
        }
    }

    /// Creates a Jupyter server with this GPU.
    pub(crate) async fn create(&self, name: &str, gpu: &str) {
        let body = json!({
            "name": name, "deploymentType": "docker", "gpu": gpu, "dockerImage": "quay.io/jupyter/base-notebook",
            "containerDiskSize": 1, "volumeDiskSize": 1, "ports": "8888", "enableJupyter": true,
        });
        self.post("/api/pods", &body).await;
    }

    /// Starts or stops a pod.
    pub(crate) async fn change(&self, pod: &Value, verb: &str) {
        let id = pod["podId"].as_str().unwrap();
        self.post(&format!("/api/pods/{id}/{verb}"), &json!({})).await;
    }

    /// The pods, once there are this many and all of them run.
    pub(crate) async fn until_all_run(&self, count: usize) -> Vec<Value> {
        let end = Instant::now() + 4 * LIMIT;
        loop {
            let request = self.client.get(format!("{}/api/pods", self.url));
            let answer = request.bearer_auth(&self.token).send().await.unwrap();
            let mut answer: Value = answer.json().await.unwrap();
            let pods: Vec<Value> = serde_json::from_value(answer["data"].take()).unwrap_or_default();
            if pods.len() == count && pods.iter().all(|pod| pod["status"] == "running") {
                return pods;
            }
            assert!(Instant::now() < end, "not all pods run");
            sleep(Duration::from_millis(500)).await;
        }
    }
}
