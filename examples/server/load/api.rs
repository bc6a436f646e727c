//! The API in the way its clients use it, with its replies and their times.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use http::Method;
use serde_json::{Value, json};

use crate::server::ADDRESS_HEADER;

/// A signed-in user.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) number: usize,
    pub(crate) token: String,
    /// The ids of their pods.
    pub(crate) pods: Vec<String>,
}

pub(crate) struct Api {
    client: reqwest::Client,
    base: String,
    seen: Mutex<Seen>,
}

struct Seen {
    latencies: Histogram<u64>,
    /// The number of replies with each status; 0: no reply.
    answers: BTreeMap<u16, u64>,
}

impl Api {
    pub(crate) fn new(address: &str) -> Result<Self> {
        Ok(Self {
            client: reqwest::Client::builder()
                .timeout(Duration::from_mins(1))
                .build()?,
            base: format!("http://{address}"),
            seen: Mutex::new(Seen {
                latencies: crate::histogram::empty()?,
                answers: BTreeMap::new(),
            }),
        })
    }

    /// Sends a request, and counts the reply. Its time is measured from when the request was `due`.
    pub(crate) async fn call(
        &self,
        due: Instant,
        method: Method,
        path: &str,
        account: &Account,
        body: Option<&Value>,
    ) -> Result<(u16, Value)> {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let mut request = request.bearer_auth(&account.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = async {
            let answer = request.send().await?;
            let status = answer.status().as_u16();
            reqwest::Result::Ok((status, answer.bytes().await?))
        }
        .await;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let status = answer.as_ref().map_or(0, |(status, _)| *status);
        *seen.answers.entry(status).or_default() += 1;
        seen.latencies
            .saturating_record(crate::board::micros(due.elapsed()));
        drop(seen);
        let (status, text) = answer?;
        let json = serde_json::from_slice(&text).with_context(|| format!("{path}: {status}"))?;
        Ok((status, json))
    }

    /// The same for a request that must succeed.
    pub(crate) async fn expect(
        &self,
        method: Method,
        path: &str,
        account: &Account,
        body: Option<&Value>,
    ) -> Result<Value> {
        let (status, json) = self.call(Instant::now(), method, path, account, body).await?;
        ensure!((200..300).contains(&status), "{path}: {status} {json}");
        Ok(json)
    }

    pub(crate) async fn sign_in(&self, number: usize) -> Result<Account> {
        let address = Ipv4Addr::from_bits(Ipv4Addr::new(10, 0, 0, 0).to_bits() + u32::try_from(number)?);
        let answer = self
            .client
            .post(format!("{}/api/auth/mock-login", self.base))
            .header(ADDRESS_HEADER, address.to_string())
            .json(&json!({ "email": format!("user-{number}@example.com") }))
            .send()
            .await?
            .error_for_status()?;
        let answer: Value = answer.json().await?;
        Ok(Account {
            number,
            token: answer["token"].as_str().context("a token")?.to_owned(),
            pods: Vec::new(),
        })
    }

    /// Creates a pod, and returns its id.
    pub(crate) async fn create(&self, account: &Account, name: &str) -> Result<String> {
        let answer = self
            .expect(Method::POST, "/api/pods", account, Some(&request(name)))
            .await?;
        Ok(answer["data"]["podId"].as_str().context("an id")?.to_owned())
    }

    pub(crate) async fn pods(&self, account: &Account) -> Result<Vec<Value>> {
        let mut answer = self.expect(Method::GET, "/api/pods", account, None).await?;
        serde_json::from_value(answer["data"].take()).context("pods")
    }

    /// Discards all measurements so far, but not the failures.
    pub(crate) fn begin_to_measure(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.latencies.reset();
    }

    pub(crate) fn latencies(&self) -> Histogram<u64> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.latencies.clone()
    }

    pub(crate) fn answers(&self) -> BTreeMap<u16, u64> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.answers.clone()
    }

    /// The number of requests with a 5xx reply, or none at all.
    pub(crate) fn failures(&self) -> u64 {
        let failed = |status: u16| status == 0 || status >= 500;
        self.answers()
            .into_iter()
            .filter_map(|(status, count)| failed(status).then_some(count))
            .sum()
    }
}

/// A valid request for a pod.
pub(crate) fn request(name: &str) -> Value {
    json!({
        "name": name,
        "deploymentType": "docker",
        "dockerImage": "quay.io/jupyter/pytorch-notebook",
        // The simulated cluster has GPUs for a few pods only.
        "gpu": "cpu",
        "containerDiskSize": 20,
        "volumeDiskSize": 30,
        "ports": "8888, 7860",
        "enableJupyter": true,
    })
}

/// Whether a pod runs and can be opened.
pub(crate) fn is_running(pod: &Value) -> bool {
    pod["status"] == "running" && pod["httpServices"][0]["jupyterToken"].is_string()
}

/// Whether a pod has reached its desired state.
pub(crate) fn is_settled(pod: &Value) -> bool {
    match pod["desired"].as_str() {
        Some("running") => is_running(pod),
        _ => pod["step"] == "stopped",
    }
}
