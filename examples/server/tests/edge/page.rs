//! Pages in Chromium, and their scripts.

use neuropod_test_cluster::wait_until;
use serde_json::{Value, json};

use crate::LIMIT;
use crate::chromium::Browser;

/// Starts an async function, and stores its result under a name.
pub(crate) async fn begin(browser: &Browser, name: &str, body: &str, arguments: Value) {
    let script = format!(
        "window.doing ??= {{}};
        const name = arguments[0];
        delete doing[name];
        (async (...arguments) => {{ {body} }})(...arguments[1])
            .then((value) => (doing[name] = {{ value }}), (error) => (doing[name] = {{ error: `${{error}}` }}));"
    );
    browser.run(&script, json!([name, arguments])).await;
}

/// Waits for the result with this name, and returns it.
pub(crate) async fn result(browser: &Browser, name: &str) -> Value {
    wait_until(name, LIMIT, async || {
        let done = browser
            .run("return window.doing?.[arguments[0]] ?? null", json!([name]))
            .await;
        match (done.is_null(), done["error"].as_str()) {
            (true, _) => Err("it is still under way".to_owned()),
            (false, Some(error)) => panic!("{name}: {error}"),
            (false, None) => Ok(done["value"].clone()),
        }
    })
    .await
    .unwrap()
}

/// Runs an async function, and returns its result.
pub(crate) async fn perform(browser: &Browser, name: &str, body: &str, arguments: Value) -> Value {
    begin(browser, name, body, arguments).await;
    result(browser, name).await
}

/// Waits until a function body returns something true.
pub(crate) async fn until(browser: &Browser, what: &str, body: &str, arguments: Value) -> Value {
    wait_until(what, LIMIT, async || {
        let value = browser.run(body, arguments.clone()).await;
        if value.is_null() || value == false || value == "" {
            let text = browser
                .run("return `${location} ${document.body?.innerText}`", json!([]))
                .await;
            return Err(text.to_string());
        }
        Ok(value)
    })
    .await
    .unwrap()
}
