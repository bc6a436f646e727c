//! The page with the API's documentation, and the restrictions of its policy.

use serde_json::json;

use crate::axe;
use crate::page::Page;
use crate::site::Site;

#[tokio::test]
async fn the_api_can_be_read_and_called_and_text_never_becomes_html() {
    let Some(axe) = axe("the_api_can_be_read_and_called") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let site = Site::start(folder.path()).await;
    let page = Page::open(&site, "documentation").await;
    page.browser.open(&format!("{}/api/docs", site.url())).await;
    page.reads("/api/status/public").await;
    let send = "const route = [...document.querySelectorAll('details')]
            .find((node) => node.querySelector('code')?.textContent === arguments[0]);
        route.open = true;
        route.querySelector('button').click();";
    page.run(send, json!(["/api/status/public"])).await;
    page.reads("\"status\": \"ok\"").await;
    page.check("api", &axe).await;
    page.close().await;

    for path in ["/", "/api/docs"] {
        let page = Page::open(&site, "policy").await;
        page.browser.open(&format!("{}{path}", site.url())).await;
        let harm = "try {
                document.body.innerHTML = '<b>made</b>';
            } catch (error) {
                return error.name;
            }";
        assert_eq!(page.run(harm, json!([])).await, "TypeError", "{path}");
        page.browser.close().await;
    }
}
