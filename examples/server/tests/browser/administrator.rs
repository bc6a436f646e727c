//! The actions of an administrator.

use serde_json::json;

use crate::axe;
use crate::page::Page;
use crate::site::Site;

#[tokio::test]
async fn users_templates_and_prices() {
    let Some(axe) = axe("users_templates_and_prices") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let site = Site::start(folder.path()).await;
    let page = Page::open(&site, "administrator").await;
    page.sign_in("berta@example.com").await;
    page.click("Sign out").await;
    page.sign_in("admin@example.com").await;

    page.go("users").await;
    page.reads("2 users").await;
    page.check("users", &axe).await;
    page.click("Set balance: berta").await;
    page.fill("balance", "12.345").await;
    page.click("Save").await;
    page.reads("at most two decimals").await;
    page.check("balance", &axe).await;
    page.fill("balance", "25.00").await;
    page.click("Save").await;
    page.dialog_is_closed().await;
    page.reads("€25.00").await;
    page.click("Daily spend cap: berta").await;
    page.check("cap", &axe).await;
    page.fill("dailyCap", "5").await;
    page.click("Save").await;
    page.reads("The cap of berta has changed").await;
    page.click("Suspend: berta").await;
    page.check("suspend", &axe).await;
    page.click("Suspend").await;
    page.reads("Suspended").await;
    page.click("Resume: berta").await;
    page.reads("berta is active again").await;
    page.click("Show statement: berta").await;
    page.reads("Adjustment").await;
    page.check("statement", &axe).await;

    templates(&page, &axe).await;

    page.go("prices").await;
    page.fill("gpu rtx-4050", "0.75").await;
    page.fill("initialBalance", "-1").await;
    page.click("Save").await;
    page.reads("Opening credit: enter an amount").await;
    page.fill("initialBalance", "2.5").await;
    page.run("document.querySelector('[name=enabled]').click()", json!([]))
        .await;
    page.check("prices", &axe).await;
    page.click("Save").await;
    page.reads("Prices saved").await;
    page.go("deploy").await;
    page.reads("€0.75/h").await;
    page.go("prices").await;
    let kept = "return document.querySelector('[name=initialBalance]')?.value === '2.5' \
        && !document.querySelector('[name=enabled]').checked";
    page.until("the opening credit is kept", kept, json!([])).await;
    page.click("Reset prices").await;
    page.check("reset", &axe).await;
    page.click("Reset prices").await;
    page.dialog_is_closed().await;
    page.go("deploy").await;
    page.reads("€0.50/h").await;
    page.go("inventory").await;
    page.check("inventory", &axe).await;

    page.go("users").await;
    page.click("Delete user: berta").await;
    page.reads("berta@example.com").await;
    page.check("delete-user", &axe).await;
    page.click("Delete user").await;
    page.dialog_is_closed().await;
    page.reads("1 user").await;
    page.close().await;
}

async fn templates(page: &Page, axe: &str) {
    page.go("templates").await;
    page.click("New template").await;
    page.fill("dockerImage", "Not An Image").await;
    page.click("Save").await;
    page.reads("problems").await;
    page.check("template-errors", axe).await;
    let description = "<b onclick=alert(1)>As it is written</b>";
    for (field, value) in [
        ("name", "Notebook"),
        ("dockerImage", "quay.io/jupyter/base-notebook"),
        ("httpPorts", "8888 Jupyter Lab"),
        ("description", description),
    ] {
        page.fill(field, value).await;
    }
    page.click("Save").await;
    page.dialog_is_closed().await;
    page.reads(description).await;
    page.check("templates", axe).await;
    page.click("Edit: Notebook").await;
    page.fill("name", "Notebook 2").await;
    page.click("Save").await;
    page.dialog_is_closed().await;
    page.click("Delete: Notebook 2").await;
    page.reads("Pods created from it don't change.").await;
    page.check("delete-template", axe).await;
    page.click("Delete").await;
    page.dialog_is_closed().await;
    let gone = "return !document.querySelector('main').innerText.includes(arguments[0])";
    page.until("the template is gone", gone, json!(["Notebook 2"]))
        .await;
}

/// Creates pods for the signed-in user, without the page.
const CREATE: &str = "const [names, gpu] = arguments;
    const create = (name) => fetch('/api/pods', {
        method: 'POST',
        headers: { authorization: `Bearer ${localStorage.getItem('neuropod.token')}` },
        body: JSON.stringify({
            name, deploymentType: 'docker', dockerImage: 'quay.io/jupyter/base-notebook', gpu,
            containerDiskSize: 10, volumeDiskSize: 10, ports: '8888', enableJupyter: true,
        }),
    });
    return Promise.all(names.map(create)).then((answers) => answers.map(({ status }) => status))";

/// Chooses from a list.
const SELECT: &str = "const select = field(arguments[0]);
    select.value = arguments[1];
    select.dispatchEvent(new Event('change'));
    return select.value === arguments[1]";

#[tokio::test]
async fn all_pods_credit_and_the_audit_log() {
    let Some(axe) = axe("all_pods_credit_and_the_audit_log") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let site = Site::start(folder.path()).await;
    let page = Page::open(&site, "everybody").await;
    page.sign_in("berta@example.com").await;
    let made = page
        .run(CREATE, json!([["alpha", "beta", "gamma"], "rtx-4050"]))
        .await;
    assert_eq!(made, json!([201, 201, 201]));
    page.click("Sign out").await;
    page.sign_in("admin@example.com").await;
    let made = page.run(CREATE, json!([["mine"], "cpu"])).await;
    assert_eq!(made, json!([201]));

    page.go("all-pods").await;
    page.reads("1 to 4 of 4 pods").await;
    let running = "return [...document.querySelectorAll('.all-pods .badge.running')].length === 4";
    page.until("all run, as the live updates say", running, json!([]))
        .await;
    page.reads("node-1").await;
    page.check("all-pods", &axe).await;
    page.fill("search", "BERTA").await;
    page.reads("1 to 3 of 3 pods").await;
    assert_eq!(page.run(SELECT, json!(["sort", "name"])).await, true);
    let names =
        "return [...document.querySelectorAll('.all-pods th strong')].map((each) => each.textContent).join()";
    page.until("sorted", &format!("{names} === 'alpha,beta,gamma'"), json!([]))
        .await;
    let choose = "document.querySelector(`input[aria-label='Select: ${arguments[0]}']`).click(); return true";
    for name in ["alpha", "beta"] {
        page.run(choose, json!([name])).await;
    }
    page.reads("2 selected").await;
    page.click("Stop 2").await;
    page.reads("alpha · berta@example.com").await;
    page.check("stop-many", &axe).await;
    page.click("Stop").await;
    page.dialog_is_closed().await;
    page.reads("2 pods are stopping").await;
    let stopped = "return [...document.querySelectorAll('.all-pods .badge.stopped')].length === 2";
    page.until("two are stopped", stopped, json!([])).await;
    page.click("Stop: gamma").await;
    page.reads("It belongs to berta@example.com.").await;
    page.check("stop-one", &axe).await;
    page.click("Stop").await;
    page.dialog_is_closed().await;
    assert_eq!(page.run(SELECT, json!(["status", "stopped"])).await, true);
    page.reads("1 to 3 of 3 pods").await;
    page.fill("search", "nobody at all").await;
    page.reads("No pods match.").await;
    page.check("all-pods-none", &axe).await;

    page.go("inventory").await;
    page.reads("node-1").await;
    page.check("inventory-held", &axe).await;
    credit(&page, &axe).await;

    page.go("audit").await;
    page.reads("Added money").await;
    page.reads("Stopped a pod").await;
    page.check("audit", &axe).await;
    page.fill("whom", "berta@example.com").await;
    assert_eq!(page.run(SELECT, json!(["what", "credit_added"])).await, true);
    page.click("Show").await;
    let one = "return document.querySelectorAll('main tbody tr').length === 1";
    page.until("one entry is left", one, json!([])).await;
    page.reads("20.00").await;
    page.fill("who", "nobody").await;
    page.click("Show").await;
    page.reads("No entries match.").await;
    page.check("audit-none", &axe).await;
    guises(&page, &axe).await;
    page.close().await;
}

/// Adds money with a note, with a double click, and finds it in the statement.
async fn credit(page: &Page, axe: &str) {
    page.go("users").await;
    page.click("Add money: berta").await;
    page.fill("amount", "0").await;
    page.click("Add").await;
    page.reads("an amount above zero").await;
    page.fill("amount", "20").await;
    page.click("Add").await;
    page.reads("Note is required").await;
    page.check("credit", axe).await;
    page.fill("note", "October workshop <b>").await;
    page.run("button('Add').click(); button('Add').click()", json!([]))
        .await;
    page.dialog_is_closed().await;
    page.reads("added for berta").await;
    page.click("Show statement: berta").await;
    let once = "return document.querySelector('main').innerText.split('October workshop <b>').length === 2";
    page.until("once, with its note", once, json!([])).await;
    page.check("statement-note", axe).await;
}

/// The pages of administrators with contents, in dark mode, in Spanish and on a phone.
async fn guises(page: &Page, axe: &str) {
    page.click("Use dark theme").await;
    page.click("Español").await;
    for (width, size) in [(1280, "wide"), (360, "narrow")] {
        page.size(width, 900).await;
        for view in ["all-pods", "inventory", "audit"] {
            if width == 360 {
                page.click("Menú").await;
            }
            page.go(view).await;
            page.until(
                "content",
                "return document.querySelector('main table')",
                json!([]),
            )
            .await;
            page.check(&format!("{view}-dark-{size}"), axe).await;
        }
    }
}
