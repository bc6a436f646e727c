//! What an administrator does.

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
    page.reads("Opening credit: give an amount").await;
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
    page.reads("Pods that were made from it stay as they are.").await;
    page.check("delete-template", axe).await;
    page.click("Delete").await;
    page.dialog_is_closed().await;
    let gone = "return !document.querySelector('main').innerText.includes(arguments[0])";
    page.until("the template is gone", gone, json!(["Notebook 2"]))
        .await;
}
