use http::{Method, header};

use crate::test_api::{Api, config};

#[tokio::test(start_paused = true)]
async fn a_log_is_followed_until_its_end() {
    let api = Api::start(config()).await;
    let ana = api.sign_in("ana@example.com").await;
    let pod = api.create(&ana, "training").await;
    api.until(&ana, &pod, "running").await;
    let path = format!("/api/pods/{pod}/logs?follow=true&tail=1");
    let stop = async {
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
        api.call(Method::POST, &format!("/api/pods/{pod}/stop"), &ana, None)
            .await
            .expect(200);
    };
    let (followed, ()) = tokio::join!(api.get(&path, &ana), stop);
    assert_eq!(
        followed.headers[header::CONTENT_TYPE],
        "text/plain; charset=utf-8"
    );
    assert!(
        followed.text.matches("/api/kernels").count() > 3,
        "{}",
        followed.text
    );
}

#[tokio::test(start_paused = true)]
async fn who_follows_logs_leaves_some_for_others() {
    let api = Api::start(config()).await;
    let (ana, berta) = (
        api.sign_in("ana@example.com").await,
        api.sign_in("berta@example.com").await,
    );
    let (mine, other) = (
        api.create(&ana, "training").await,
        api.create(&berta, "training").await,
    );
    api.until(&ana, &mine, "running").await;
    api.until(&berta, &other, "running").await;
    let path = format!("/api/pods/{mine}/logs?follow=true");
    let mut followed = Vec::new();
    let refused = loop {
        let answer = api.open(&path, &ana).await;
        if answer.status() != 200 {
            break answer;
        }
        assert!(followed.len() < 60, "one user has all the streams of a cluster");
        followed.push(answer);
    };
    assert_eq!(refused.status(), 429);
    api.get(&format!("/api/pods/{mine}/logs"), &ana).await.expect(429);
    api.get(&format!("/api/pods/{other}/logs"), &berta)
        .await
        .expect(200);
    followed.pop();
    api.get(&format!("/api/pods/{mine}/logs"), &ana).await.expect(200);
}
