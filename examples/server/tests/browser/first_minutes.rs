//! A newcomer's first minutes: from an empty folder to a pod's open link.

use std::process::Stdio;
use std::time::Instant;

use neuropod_test_cluster::measured;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::page::Page;
use crate::program::program;
use crate::{LIMIT, axe};

/// Starts the program as in the README, at a free port, and returns its greeting.
async fn start(folder: &std::path::Path) -> (Child, Vec<String>) {
    let mut server = Command::new(program("server"))
        .current_dir(folder)
        .args(["--dev", "--listen", "127.0.0.1:0"])
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the server; `cargo build --example server` where only this test was built");
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let said = timeout(LIMIT, async {
        let mut said = Vec::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            let is_last = line.trim_start().starts_with("Stop ");
            said.push(line);
            if is_last {
                break;
            }
        }
        said
    });
    let said = said.await.expect("it says how it is stopped");
    // It continues writing its log, and must not wait for a reader.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (server, said)
}

/// The value after a word of the greeting.
fn value_after<'a>(said: &'a [String], word: &str) -> &'a str {
    let line = said.iter().find_map(|line| line.trim_start().strip_prefix(word));
    line.unwrap_or_else(|| panic!("{word}: {said:#?}")).trim()
}

#[tokio::test]
async fn from_an_empty_folder_to_the_open_link_of_a_pod() {
    let Some(axe) = axe("from_an_empty_folder_to_the_open_link_of_a_pod") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let (_server, said) = start(folder.path()).await;
    let ready = begun.elapsed();
    assert!(
        value_after(&said, "Sign in").contains("admin@example.com"),
        "{said:#?}"
    );
    assert!(
        value_after(&said, "Cluster").starts_with("simulated"),
        "{said:#?}"
    );
    assert_eq!(value_after(&said, "Stop"), "Ctrl-C");

    let page = Page::open_at(value_after(&said, "Open").to_owned(), "first-minutes").await;
    page.reads("Simulated cluster").await;
    page.check("sign-in", &axe).await;
    page.sign_in("newcomer@example.com").await;
    page.reads("Simulated cluster").await;
    page.go("deploy").await;
    page.fill("name", "My first pod").await;
    let template = "const select = field('template');
        const option = [...select.options].find(({ text }) => text === 'Jupyter PyTorch');
        if (!option) return null;
        select.value = option.value;
        select.dispatchEvent(new Event('change', { bubbles: true }));
        return document.querySelector('.description strong')?.textContent === 'PyTorch'";
    page.until("the template, described in Markdown", template, json!([]))
        .await;
    page.choose("gpu", "cpu").await;
    page.check("deploy", &axe).await;
    page.click("Deploy").await;
    page.pod_is("My first pod", "Running").await;
    page.check("running", &axe).await;

    page.click("Connect: My first pod").await;
    let link = "return place.querySelector('a[href*=token]')";
    let link = page.until("a link with a token", link, json!([])).await;
    page.browser.click(&link).await;
    page.browser.newest_window().await;
    page.size(1280, 900).await;
    let title = "return document.querySelector('h1')?.textContent === 'My first pod'";
    page.until("the page of the pod", title, json!([])).await;
    let echo = "return [...document.querySelectorAll('#heard li')].at(-1)?.textContent === 'hello'";
    page.until("the echo of its WebSocket", echo, json!([])).await;
    let took = begun.elapsed();
    page.reads("WebSocket connected").await;
    page.fill("text", "<b>again</b>").await;
    page.click("Send").await;
    page.reads("<b>again</b>").await;
    page.check("pod", &axe).await;
    let address = page.browser.address().await;
    assert!(address.contains(".pods.localhost:"), "{address}");
    assert!(!address.contains("token"), "the token does not stay: {address}");
    // The cookie is enough for the next visit.
    page.browser.open(&address).await;
    page.reads("WebSocket connected").await;
    let seen = "return [document.cookie, localStorage.length]";
    assert_eq!(
        page.browser.run(seen, json!([])).await,
        json!(["", 0]),
        "what a script gets at"
    );
    let console: Vec<_> = page.browser.console().await;
    assert!(
        console.iter().all(|entry| entry["level"] != "SEVERE"),
        "{console:#?}"
    );
    page.browser.close().await;
    measured(format!(
        "from an empty folder to a pod's open link: {:.1} s, of which {:.1} s until the program was ready",
        took.as_secs_f64(),
        ready.as_secs_f64()
    ));
}
