use http::Method;
use serde_json::json;

use crate::test_api::{Api, config};

#[tokio::test(start_paused = true)]
async fn prices_are_shown_to_all_and_changed_by_administrators() {
    let api = Api::start(config()).await;
    let (ana, admin) = (
        api.sign_in("ana@example.com").await,
        api.sign_in("admin@example.com").await,
    );
    let shown = api.get("/api/pricing/public", "").await.expect(200);
    let wrong = json!({ "gpu": "nothing", "containerDiskSize": 0, "volumeDiskSize": 20, "hours": -1 });
    let refused = api
        .post("/api/pricing/calculate-cost", "", &wrong)
        .await
        .expect(400);
    let fields = refused["fields"].as_array().unwrap();
    let fields: Vec<_> = fields.iter().map(|problem| &problem["field"]).collect();
    assert_eq!(fields, ["gpu", "containerDiskSize", "hours"]);
    assert_eq!(shown["data"]["gpus"]["rtx-4090"]["price"], 2.5);
    assert_eq!(shown["data"]["gpus"]["rtx-4090"]["free"], 8);
    assert_eq!(shown["data"]["gpus"]["cpu"]["free"], json!(null));
    assert_eq!(
        shown["data"]["freeTier"],
        json!({ "enabled": true, "initialBalance": 10.0 })
    );
    let body = json!({ "gpu": "rtx-4090", "containerDiskSize": 20, "volumeDiskSize": 30, "hours": 2 });
    let cost = api
        .post("/api/pricing/calculate-cost", "", &body)
        .await
        .expect(200);
    assert_eq!(
        (&cost["data"]["total"], &cost["data"]["totalHourly"]),
        (&json!(6.0), &json!(3.0))
    );

    let change = json!({ "gpus": { "rtx-4090": { "price": 4 } } });
    api.call(Method::PUT, "/api/pricing", &ana, Some(&change))
        .await
        .expect(403);
    let changed = api
        .call(Method::PUT, "/api/pricing", &admin, Some(&change))
        .await
        .expect(200);
    assert_eq!(changed["data"]["gpus"]["rtx-4090"]["price"], 4.0);
    assert_eq!(changed["data"]["gpus"]["rtx-4050"]["price"], 0.5);
    // A reply may be sent back whole.
    let whole = api.get("/api/pricing", &admin).await.expect(200)["data"].clone();
    api.call(Method::PUT, "/api/pricing", &admin, Some(&whole))
        .await
        .expect(200);
    let refused = json!({ "gpus": { "rtx-4090": { "available": false } } });
    assert_eq!(
        api.call(Method::PUT, "/api/pricing", &admin, Some(&refused))
            .await
            .expect(400)["code"],
        "read_only"
    );
    let reset = api
        .call(Method::POST, "/api/pricing/reset", &admin, None)
        .await
        .expect(200);
    assert_eq!(reset["data"]["gpus"]["rtx-4090"]["price"], 2.5);
    assert_eq!(
        api.get("/api/pricing/gpus/rtx-4050", "").await.expect(200)["data"]["id"],
        "rtx-4050"
    );
    api.get("/api/pricing/gpus/none", "").await.expect(404);
    assert_eq!(
        api.get("/api/inventory", &admin).await.expect(200)["data"]["gpus"][0]["total"],
        8
    );
    api.get("/api/inventory", &ana).await.expect(403);
}
