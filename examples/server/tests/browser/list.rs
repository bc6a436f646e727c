//! A long list of pods: search, order, and actions on several pods at once.

use serde_json::{Value, json};

use crate::api::Api;
use crate::axe;
use crate::page::{ENTER, Page, SPACE};
use crate::site::Site;

/// The names of the visible pods, in order.
const NAMES: &str = "return [...document.querySelectorAll('.pods tbody')].filter(seen)
    .map((node) => node.querySelector('th strong').textContent)";

/// The rows that changed since the start, ignoring fields that change by themselves: times, costs and figures.
const WATCH_ROWS: &str = "window.rowsChanged = new Set();
    new MutationObserver((changes) => {
        for (const { target } of changes) {
            const node = target.nodeType === Node.TEXT_NODE ? target.parentElement : target;
            if (node?.closest('.uptime, .cpu, .memory, .gpuUsage, .cost')) continue;
            rowsChanged.add(node?.closest('tbody')?.dataset.key ?? 'the list');
        }
    }).observe(document.querySelector('.pods'),
        { subtree: true, childList: true, characterData: true, attributes: true })";

async fn shows(page: &Page, names: &[&str]) {
    let same = format!("{} .join() === arguments[0].join()", NAMES.trim_end());
    page.until(&format!("the pods {names:?}"), &same, json!([names]))
        .await;
}

async fn pick(page: &Page, list: &str, value: &str) {
    let body = "const label = [...document.querySelectorAll('.list-choice label')]
            .find((node) => node.textContent === arguments[0]);
        label.control.value = arguments[1];
        label.control.dispatchEvent(new Event('change'));";
    page.run(body, json!([list, value])).await;
}

#[tokio::test]
async fn a_long_list_is_searched_sorted_and_stopped_at_once() {
    let Some(axe) = axe("a_long_list") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let site = Site::start(folder.path()).await;
    let api = Api::of(&site, "lena@example.com").await;
    for (name, gpu) in [
        ("Alpha", "cpu"),
        ("Beta", "rtx-4050"),
        ("Gamma", "cpu"),
        ("Delta 2", "cpu"),
        ("Delta 10", "rtx-4050"),
        ("Camión", "cpu"),
    ] {
        api.create(name, gpu).await;
    }
    let pods = api.until_all_run(6).await;
    let page = Page::open(&site, "list").await;
    page.sign_in("lena@example.com").await;
    page.reads("6 running").await;
    page.check("list", &axe).await;

    searched(&page).await;
    // The search survives a reload.
    page.fill("Search pods", "delta").await;
    pick(&page, "Order", "name").await;
    let kept = "return location.hash === '#/pods?text=delta&order=name'";
    page.until("it is in the address", kept, json!([])).await;
    page.browser.reload().await;
    shows(&page, &["Delta 2", "Delta 10"]).await;
    page.reads("2 of 6 pods").await;
    page.check("searched", &axe).await;
    page.fill("Search pods", "nothing at all").await;
    page.reads("No pods match.").await;
    page.check("no-match", &axe).await;
    page.click("Show all").await;
    shows(
        &page,
        &["Alpha", "Beta", "Camión", "Delta 2", "Delta 10", "Gamma"],
    )
    .await;

    let pod = |name: &str| pods.iter().find(|pod| pod["podName"] == name).unwrap();
    one_message_changes_one_row(&page, &api, pod("Gamma")).await;

    // Another client stops one of the selected pods meanwhile; the others are stopped all the same.
    for name in ["Alpha", "Beta", "Camión"] {
        select(&page, name).await;
    }
    page.reads("3 selected").await;
    page.check("selected", &axe).await;
    page.click("Stop 3").await;
    page.reads("Stop 3 pods?").await;
    page.check("stop-several", &axe).await;
    api.change(pod("Beta"), "stop").await;
    page.pod_is("Beta", "Stopped").await;
    page.click("Stop").await;
    page.reads("One failed:").await;
    page.reads("Beta").await;
    page.check("stop-failed", &axe).await;
    page.click("Cancel").await;
    page.dialog_is_closed().await;
    for name in ["Alpha", "Camión"] {
        page.pod_is(name, "Stopped").await;
    }
    page.pod_is("Delta 2", "Running").await;

    with_the_keyboard(&page).await;
    page.click("Show all").await;
    // A table if there is room, else cards; light and dark, in both languages.
    page.size(1600, 900).await;
    page.check("wide", &axe).await;
    page.click("Use dark theme").await;
    page.click("Español").await;
    page.reads("Los más recientes primero").await;
    page.check("wide-dark-es", &axe).await;
    page.size(360, 740).await;
    page.check("narrow-dark-es", &axe).await;
    page.close().await;
}

async fn searched(page: &Page) {
    shows(page, &["Camión", "Delta 10", "Delta 2", "Gamma", "Beta", "Alpha"]).await;
    page.fill("Search pods", "CAMION").await;
    shows(page, &["Camión"]).await;
    page.click("Show all").await;
    pick(page, "GPU", "rtx-4050").await;
    shows(page, &["Delta 10", "Beta"]).await;
    pick(page, "Status", "stopped").await;
    shows(page, &[]).await;
    page.click("Show all").await;
    pick(page, "Order", "cost").await;
    shows(page, &["Delta 10", "Beta", "Camión", "Delta 2", "Gamma", "Alpha"]).await;
}

async fn one_message_changes_one_row(page: &Page, api: &Api, pod: &Value) {
    page.run(WATCH_ROWS, json!([])).await;
    api.change(pod, "stop").await;
    let name = pod["podName"].as_str().unwrap();
    page.pod_is(name, "Stopped").await;
    let changed = page.run("return [...rowsChanged]", json!([])).await;
    assert_eq!(changed, json!([pod["podId"]]), "only the row of {name}");
}

async fn select(page: &Page, name: &str) {
    let find = "return row(arguments[0]).querySelector('.select input')";
    let box_of = page.until(name, find, json!([name])).await;
    page.browser.click(&box_of).await;
}

/// Selects and stops all visible pods without a mouse.
async fn with_the_keyboard(page: &Page) {
    page.fill("Search pods", "delta").await;
    shows(page, &["Delta 2", "Delta 10"]).await;
    page.tab_to("Select all").await;
    page.browser.press(&[SPACE]).await;
    page.reads("2 selected").await;
    page.tab_to("Stop 2").await;
    page.browser.press(&[ENTER]).await;
    page.reads("Stop 2 pods?").await;
    assert_eq!(page.focus().await, "Cancel", "Enter must not stop pods unread");
    page.tab_to("Stop").await;
    page.browser.press(&[ENTER]).await;
    page.dialog_is_closed().await;
    for name in ["Delta 2", "Delta 10"] {
        page.pod_is(name, "Stopped").await;
    }
}
