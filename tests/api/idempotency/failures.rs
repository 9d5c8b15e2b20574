//! Failures are not kept: the key is free again, for the same request or a better one.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{Scene, image, is_replay, items, post, slow};
use crate::app::{App, person, picture};

#[tokio::test]
async fn a_failure_frees_the_key() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let path = format!("/v1/watchlists/{list}/subjects");
    let nobody = picture(json!({"faces": []}));
    let broken = picture(json!({"fails": "inference"}));
    for _ in 0..2 {
        let refused = post(&app, &path, "k", image(nobody.clone())).await;
        refused.expect_problem(422, "no_face");
        assert!(!is_replay(&refused));
        let failed = post(&app, &path, "k", image(broken.clone())).await;
        failed.expect_problem(500, "internal");
    }
    let made = post(&app, &path, "k", image(person(1))).await;
    assert!(!is_replay(&made));
    made.expect(StatusCode::CREATED);
    assert!(is_replay(&post(&app, &path, "k", image(person(1))).await));
    assert_eq!(items(&app, &path).await.len(), 1);
}

#[tokio::test]
async fn a_conflict_in_the_database_frees_the_key() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let path = format!("/v1/watchlists/{list}/subjects");
    let other = app.enrol(&list, "a", person(1)).await;
    let form = || image(person(2)).text("external_id", "a");
    post(&app, &path, "k", form())
        .await
        .expect_problem(409, "conflict");
    app.delete(&format!("{path}/{other}"))
        .await
        .expect(StatusCode::NO_CONTENT);
    post(&app, &path, "k", form())
        .await
        .expect(StatusCode::CREATED);
}

#[tokio::test]
async fn a_caller_who_hangs_up_and_comes_again_has_one_effect() {
    let scene = Scene::new().await;
    let app = &scene.app;
    let list = app.watchlist("l", "alert").await;
    let path = format!("/v1/watchlists/{list}/subjects");
    let impatient = app
        .request(Method::POST, &path)
        .header("Idempotency-Key", "k");
    let impatient = impatient.multipart(image(slow(1, 600)));
    let hung_up = impatient.timeout(Duration::from_millis(200)).send().await;
    assert!(hung_up.unwrap_err().is_timeout());
    let begun = Instant::now();
    loop {
        let answer = post(app, &path, "k", image(slow(1, 600))).await;
        if answer.status == StatusCode::CREATED {
            break;
        }
        answer.expect_problem(409, "idempotency_key_in_use");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "it is not the lease that frees the key"
    );
    assert_eq!(items(app, &path).await.len(), 1);
}
