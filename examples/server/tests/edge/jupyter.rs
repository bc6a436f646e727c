//! Jupyter Lab in a browser, at its public host name, through a real ingress controller.

use std::time::{Duration, Instant};

use http::Method;
use neuropod_test_cluster::{Image, measured, wait_until};
use serde_json::{Value, json};

use crate::LIMIT;
use crate::chromium::Browser;
use crate::page::{begin, perform, result, until};
use crate::site::{DOMAIN, Platform, Site};

/// The cell of the notebook.
const CELL: &str = include_str!("second_port.py");
/// By default ingress-nginx closes a silent connection after a minute, and Traefik allows a minute for reading
/// a request.
const IDLE: Duration = Duration::from_secs(65);

/// The files of a user, as a page of Jupyter Lab sends them: in parts of a mebibyte, each as base64 in JSON.
const UPLOAD: &str = r#"
    const [token, parts] = arguments;
    const bytes = Uint8Array.from({ length: 1 << 20 }, (_, i) => i % 251);
    let text = "";
    for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
    const content = btoa(text);
    const headers = { authorization: `token ${token}`, "content-type": "application/json" };
    for (let part = 1; part <= parts; part++) {
        const model = { type: "file", format: "base64", name: "big.bin", chunk: part === parts ? -1 : part, content };
        const answer = await fetch("/api/contents/big.bin", { method: "PUT", headers, body: JSON.stringify(model) });
        if (!answer.ok) throw new Error(`part ${part}: ${answer.status} ${await answer.text()}`);
    }
    const answer = await fetch("/api/contents/big.bin?content=0", { headers });
    return (await answer.json()).size;
"#;

/// A notebook with many outputs is sent and returned as one body.
const BIG_BODY: &str = r#"
    const [token, size] = arguments;
    const headers = { authorization: `token ${token}`, "content-type": "application/json" };
    const model = { type: "file", format: "text", content: "x".repeat(size) };
    const answer = await fetch("/api/contents/long.txt", { method: "PUT", headers, body: JSON.stringify(model) });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return (await (await fetch("/api/contents/long.txt", { headers })).json()).content.length;
"#;

const TERMINAL: &str = r#"
    const [token] = arguments;
    const headers = { authorization: `token ${token}` };
    const { name } = await (await fetch("/api/terminals", { method: "POST", headers })).json();
    const socket = new WebSocket(`wss://${location.host}/terminals/websocket/${name}?token=${token}`);
    return new Promise((resolve, reject) => {
        let seen = "";
        socket.onerror = () => reject(new Error("the socket of the terminal failed"));
        socket.onclose = () => reject(new Error(`the terminal closed: ${seen}`));
        socket.onmessage = ({ data }) => {
            const [kind, text] = JSON.parse(data);
            if (kind === "setup") socket.send(JSON.stringify(["stdin", "echo answer-$((6 * 7))\r"]));
            if (kind === "stdout") seen += text;
            if (seen.includes("answer-42")) resolve("answer-42");
        };
    });
"#;

/// Opens a socket to the second port that stays silent.
const OPEN_SOCKET: &str = r#"
    const [host] = arguments;
    window.silent = new WebSocket(`wss://${host}/socket`);
    return new Promise((resolve, reject) => {
        silent.onopen = () => resolve(true);
        silent.onerror = () => reject(new Error("the second port refused"));
    });
"#;

const SPEAK: &str = r#"
    return new Promise((resolve, reject) => {
        silent.onmessage = ({ data }) => resolve(data);
        silent.onclose = ({ code }) => reject(new Error(`closed: ${code}`));
        if (silent.readyState !== WebSocket.OPEN) reject(new Error("it was closed while it was silent"));
        silent.send("still there");
    });
"#;

/// Runs a cell like Jupyter Lab: by the WebSocket of a kernel.
const RUN_CELL: &str = r#"
    const [token, code] = arguments;
    const headers = { authorization: `token ${token}` };
    const { id } = await (await fetch("/api/kernels", { method: "POST", headers, body: "{}" })).json();
    const session = crypto.randomUUID();
    const socket = new WebSocket(`wss://${location.host}/api/kernels/${id}/channels?session_id=${session}&token=${token}`);
    const header = { msg_id: crypto.randomUUID(), msg_type: "execute_request", username: "", session, version: "5.3",
        date: new Date().toISOString() };
    const content = { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false,
        stop_on_error: true };
    return new Promise((resolve, reject) => {
        let seen = "";
        socket.onerror = () => reject(new Error("the socket of the kernel failed"));
        socket.onclose = () => reject(new Error(`the kernel closed: ${seen}`));
        socket.onopen = () => socket.send(JSON.stringify(
            { channel: "shell", header, parent_header: {}, metadata: {}, content, buffers: [] }));
        socket.onmessage = ({ data }) => {
            const message = JSON.parse(data);
            if (message.msg_type === "error") reject(new Error(JSON.stringify(message.content)));
            if (message.msg_type === "stream") seen += message.content.text;
            if (seen.includes("the cell says 42")) resolve(true);
        };
    });
"#;

#[tokio::test(flavor = "multi_thread")]
async fn jupyter_works_through_an_ingress() {
    let Some(site) = Site::get("jupyter_works_through_an_ingress", true).await else {
        return;
    };
    let exposure = "ingress_class = \"traefik\"\ntls_secret = \"wildcard\"";
    lives(&site, "edge-ingress", exposure).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jupyter_works_by_the_annotations_of_ingress_nginx() {
    let Some(site) = Site::get("jupyter_works_by_the_annotations_of_ingress_nginx", true).await else {
        return;
    };
    let exposure = "ingress_class = \"nginx\"\nservices = \"ClusterIp\"\ntls_secret = \"wildcard\"";
    lives(&site, "edge-nginx", exposure).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jupyter_works_through_a_gateway() {
    let Some(site) = Site::get("jupyter_works_through_a_gateway", true).await else {
        return;
    };
    site.start_edge().await;
    site.namespace("edge-gateway").await;
    site.apply(&json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": { "name": "pods", "namespace": "edge-gateway" },
        "spec": {
            "gatewayClassName": "traefik",
            "listeners": [{
                "name": "https",
                "hostname": format!("*.{DOMAIN}"),
                "port": 443,
                "protocol": "HTTPS",
                "tls": { "certificateRefs": [{ "name": "wildcard" }] },
                "allowedRoutes": { "namespaces": { "from": "Same" } },
            }],
        },
    }))
    .await;
    lives(
        &site,
        "edge-gateway",
        "gateway = \"pods\"\ngateway_listener = \"https\"",
    )
    .await;
}

/// A pod with two ports, from its owner's view.
struct Lab<'a> {
    site: &'a Site,
    platform: &'a Platform,
    path: String,
}

/// The address of the pod, with its token.
#[derive(Debug, Clone)]
struct Links {
    host: String,
    second: String,
    token: String,
}

impl Lab<'_> {
    async fn connections(&self) -> Value {
        let path = format!("{}/connections", self.path);
        self.platform.server.call(Method::GET, &path, None).await
    }

    /// Waits until the page shows that it can be opened.
    async fn ready(&self) -> Links {
        wait_until("both links", LIMIT, async || {
            let connections = self.connections().await;
            let services = &connections["data"]["httpServices"];
            let link = services[0]["url"].as_str().unwrap_or_default();
            match link.split_once("?token=") {
                Some((bare, token)) if services[0]["status"] == "ready" => Ok(Links {
                    host: host(bare),
                    second: host(services[1]["url"].as_str().unwrap_or_default()),
                    token: token.to_owned(),
                }),
                _ => Err(connections.to_string()),
            }
        })
        .await
        .unwrap()
    }

    async fn change(&self, what: &str) {
        let path = format!("{}/{what}", self.path);
        self.platform.server.call(Method::POST, &path, None).await;
    }

    /// The reply to a visitor's first request, and its duration.
    async fn first_answer(&self, host: &str, path: &str) -> (u16, Duration) {
        let visitor = self.site.visitor(&[host]);
        let begun = Instant::now();
        let answer = visitor.get(format!("https://{host}{path}")).send().await;
        (answer.unwrap().status().as_u16(), begun.elapsed())
    }

    /// Waits until nothing responds at the host any more. Until then the reply may be the earlier one, or an
    /// error while the controller learns of all that has ended (500 to 504); never a certificate of somebody
    /// else.
    async fn goes(&self, host: &str) -> Duration {
        let visitor = self.site.visitor(&[host]);
        let begun = Instant::now();
        wait_until(host, LIMIT, async || {
            let answer = visitor.get(format!("https://{host}/")).send().await;
            match answer.unwrap().status().as_u16() {
                404 => Ok(()),
                still @ (200 | 302 | 500..=504) => Err(still.to_string()),
                other => panic!("{host} answers {other}"),
            }
        })
        .await
        .unwrap();
        begun.elapsed()
    }
}

fn host(url: &str) -> String {
    let host = url.trim_start_matches("https://");
    host.split(['/', '?']).next().unwrap().to_owned()
}

/// The whole life of a pod behind the edge.
async fn lives(site: &Site, namespace: &str, exposure: &str) {
    site.start_edge().await;
    let platform = site.platform(namespace, exposure).await;
    let token = platform.server.sign_in("ana@example.com").await;
    let id = platform
        .create(&token, "Lab", Image::Jupyter, "cpu", "8888, 7860")
        .await;
    let lab = Lab {
        site,
        platform: &platform,
        path: format!("/api/pods/{id}"),
    };
    let links = lab.ready().await;
    is_open(&lab, &links).await;
    long_headers(site, &links).await;

    let arguments = site.browser_arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    Browser::run_with(&arguments, async |browser| works(site, browser, &links).await).await;

    lab.change("stop").await;
    let took = lab.goes(&links.host).await + lab.goes(&links.second).await;
    measured(format_args!(
        "{namespace}: the hosts answer 404 {took:?} after stop"
    ));

    lab.change("start").await;
    let again = lab.ready().await;
    assert_eq!((&again.host, &again.second), (&links.host, &links.second));
    is_open(&lab, &again).await;
    // Its file still exists.
    let visitor = site.visitor(&[&again.host]);
    let url = format!("https://{}/api/contents/big.bin?content=0", again.host);
    let kept = visitor
        .get(url)
        .header("authorization", format!("token {}", again.token));
    assert_eq!(kept.send().await.unwrap().status(), 200);
    platform
        .server
        .call(Method::DELETE, &format!("{}?volume=delete", lab.path), None)
        .await;
    lab.goes(&again.host).await;
    platform.server.stop().await;
}

/// Somebody who sees that it is ready can open it at once, whatever its controller takes to learn of it.
async fn is_open(lab: &Lab<'_>, links: &Links) {
    let path = format!("/api/status?token={}", links.token);
    let (status, took) = lab.first_answer(&links.host, &path).await;
    let namespace = &lab.platform.namespace;
    assert_eq!(
        status, 200,
        "{namespace}: the first answer of a pod that is ready"
    );
    measured(format_args!(
        "{namespace}: a pod that is ready answers after {took:?}"
    ));
}

/// A browser with many cookies for Jupyter sends them all.
async fn long_headers(site: &Site, links: &Links) {
    let visitor = site.visitor(&[&links.host]);
    let request = visitor
        .get(format!("https://{}/api/status", links.host))
        .header("authorization", format!("token {}", links.token))
        .header(
            "cookie",
            format!("a={}; b={}", "x".repeat(3900), "y".repeat(3900)),
        );
    assert_eq!(request.send().await.unwrap().status(), 200, "8 KiB of cookies");
}

/// The actions of people in Jupyter Lab.
async fn works(site: &Site, browser: &Browser, links: &Links) {
    let Links { host, second, token } = links;
    browser.open(&format!("https://{host}/lab?token={token}")).await;
    until(
        browser,
        "Jupyter Lab",
        "return document.querySelector('#main.jp-LabShell')",
        json!([]),
    )
    .await;
    let protocol = "return performance.getEntriesByType('navigation')[0].nextHopProtocol";
    assert_eq!(browser.run(protocol, json!([])).await, "h2");

    let visitor = site.visitor(&[host, second]);
    perform(browser, "a cell", RUN_CELL, json!([token, CELL])).await;

    let page = visitor.get(format!("https://{second}/")).send().await.unwrap();
    assert_eq!(page.text().await.unwrap(), "the second port");
    perform(
        browser,
        "a socket to the second port",
        OPEN_SOCKET,
        json!([second]),
    )
    .await;
    let silent_since = Instant::now();

    let begun = Instant::now();
    begin(browser, "the upload", UPLOAD, json!([token, 200])).await;
    let said = perform(browser, "a terminal", TERMINAL, json!([token])).await;
    assert_eq!(said, "answer-42");
    assert_eq!(result(browser, "the upload").await, 200 << 20);
    measured(format_args!("200 MiB are uploaded in {:?}", begun.elapsed()));
    let big = 20 << 20;
    assert_eq!(
        perform(browser, "a big body", BIG_BODY, json!([token, big])).await,
        big
    );

    // Real time has to pass here, because the controllers measure it.
    tokio::time::sleep_until((silent_since + IDLE).into()).await;
    assert_eq!(
        perform(browser, "the silent socket", SPEAK, json!([])).await,
        "still there"
    );
}
