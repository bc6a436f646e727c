//! A browser that resolves the hosts of pods.

use neuropod_test_cluster::wait_until;
use serde_json::json;

use crate::LIMIT;
use crate::chromium::Browser;
use crate::cluster::Route;

/// Runs `work` with a new browser that knows these routes and nothing else of the network.
pub(crate) async fn run(routes: &[Route], work: impl AsyncFnOnce(&Browser)) {
    let rules = routes
        .iter()
        .map(|route| format!("MAP {}:80 {}", route.host, route.address));
    let rules: Vec<_> = rules.chain(["MAP * ~NOTFOUND".to_owned()]).collect();
    let rules = format!("--host-resolver-rules={}", rules.join(", "));
    Browser::run_with(&[&rules], work).await;
}

/// Waits until the page has a visible element of this selector.
pub(crate) async fn shows(browser: &Browser, selector: &str) {
    let script = "const found = document.querySelector(arguments[0]);
        return [found?.checkVisibility() ?? false, location.pathname, document.body?.innerText ?? ''];";
    wait_until(selector, LIMIT, async || {
        let seen = browser.run(script, json!([selector])).await;
        if seen[0] == true {
            Ok(())
        } else {
            Err(seen.to_string())
        }
    })
    .await
    .unwrap();
}
