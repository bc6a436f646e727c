use http::{Request, header};
use serde_json::{Value, json};

use super::support::{ADMIN, data, each, user_id};
use crate::test_api::{Answer, Api, config};

async fn credit(api: &Api, token: &str, user: &str, body: &Value, key: Option<&str>) -> Answer {
    let mut request = Request::post(format!("/api/admin/users/{user}/credit"))
        .header(header::AUTHORIZATION, format!("Bearer {token}"));
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    api.send(request.body(body.to_string().into()).unwrap()).await
}

#[tokio::test(start_paused = true)]
async fn money_is_added_with_a_note_once_for_a_double_click() {
    let api = Api::start(config()).await;
    let (admin, ana) = (api.sign_in(ADMIN).await, api.sign_in("ana@example.com").await);
    let id = user_id(&api, &ana).await;
    let body = json!({ "amount": 20, "note": "Taller de octubre" });
    let (one, other) = tokio::join!(
        credit(&api, &admin, &id, &body, Some("click")),
        credit(&api, &admin, &id, &body, Some("click")),
    );
    assert_eq!(one.expect(200)["data"]["balance"], 30.0);
    other.expect(200);
    let again = credit(&api, &admin, &id, &body, Some("click")).await;
    assert_eq!(again.expect(200)["data"]["balance"], 30.0);
    let another = json!({ "amount": 21, "note": "Taller de octubre" });
    credit(&api, &admin, &id, &another, Some("click"))
        .await
        .expect(409);
    credit(
        &api,
        &admin,
        &id,
        &json!({ "amount": 0.000_001, "note": "exact" }),
        None,
    )
    .await
    .expect(200);
    let statement = data(&api, "/api/account/statement", &ana).await;
    let entries = statement["entries"].as_array().unwrap();
    let noted = entries
        .iter()
        .filter(|entry| entry["note"] == "Taller de octubre");
    let noted: Vec<_> = noted.map(|entry| (&entry["kind"], &entry["amount"])).collect();
    assert_eq!(noted, [(&json!("deposit"), &json!(20.0))]);

    for (body, fields) in [
        (json!({}), vec!["amount", "note"]),
        (json!({ "amount": "20", "note": 7 }), vec!["amount", "note"]),
        (json!({ "amount": 0, "note": "" }), vec!["amount", "note"]),
        (json!({ "amount": -20, "note": "x" }), vec!["amount"]),
        (json!({ "amount": 1e18, "note": "x" }), vec!["amount"]),
        (json!({ "amount": 0.000_000_1, "note": "x" }), vec!["amount"]),
        (json!({ "amount": 20, "note": "two\nlines" }), vec!["note"]),
        (json!({ "amount": 20, "note": "n".repeat(201) }), vec!["note"]),
    ] {
        let refused = credit(&api, &admin, &id, &body, None).await.expect(400);
        assert_eq!(each(&refused["fields"], "field"), fields, "{body}");
    }
    let long = "k".repeat(256);
    credit(&api, &admin, &id, &another, Some(&long)).await.expect(400);
    let own = user_id(&api, &admin).await;
    credit(&api, &admin, &own, &another, None).await.expect(400);
    credit(&api, &admin, "nobody", &another, None).await.expect(404);
    credit(&api, &ana, &id, &another, None).await.expect(403);
    let balance = data(&api, "/api/account/balance", &ana).await;
    assert_eq!(balance["balance"], 30.000_001);
}
