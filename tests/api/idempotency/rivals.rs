//! Several requests with one key at the same time, at one service or at several over one database.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::StatusCode;

use super::{Scene, assert_replayed, image, is_replay, items, post, replica, slow};
use crate::app::{App, person};

#[tokio::test]
async fn a_request_that_comes_while_the_first_is_running_is_told_to_come_again() {
    let scene = Scene::new().await;
    let list = scene.app.watchlist("l", "alert").await;
    let path = format!("/v1/watchlists/{list}/subjects");
    let first = post(&scene.app, &path, "k", image(slow(1, 800)));
    let meanwhile = async {
        scene.running().await;
        let early = post(&scene.app, &path, "k", image(slow(1, 800))).await;
        early.expect_problem(409, "idempotency_key_in_use");
        assert_eq!(early.headers["retry-after"], "1");
        let other = post(&scene.app, &path, "k", image(person(2))).await;
        other.expect_problem(422, "idempotency_key_reused");
    };
    let (first, ()) = tokio::join!(first, meanwhile);
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.body);
    let again = post(&scene.app, &path, "k", image(slow(1, 800))).await;
    assert_replayed(&first, &again);
}

#[tokio::test]
async fn whoever_has_lost_the_key_has_no_effect() {
    let scene = Scene::new().await;
    let list = scene.app.watchlist("l", "alert").await;
    let path = format!("/v1/watchlists/{list}/subjects");
    let first = post(&scene.app, &path, "k", image(slow(1, 900)));
    let second = async {
        scene.running().await;
        let lapse = "update idempotency_keys set locked_until = now() - interval '1 s'";
        assert_eq!(scene.sql(lapse).await, 1);
        post(&scene.app, &path, "k", image(slow(1, 900))).await
    };
    let (first, second) = tokio::join!(first, second);
    first.expect_problem(409, "idempotency_key_in_use");
    let made = items(&scene.app, &path).await;
    assert_eq!(made.len(), 1);
    assert_eq!(made[0]["id"], second.body["id"]);
    second.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn fifty_at_once_have_one_effect() {
    let scene = Scene::new().await;
    effect_of(&[&scene.app], 50).await;
}

#[tokio::test]
async fn two_services_over_one_database_agree() {
    let scene = Scene::new().await;
    let other = replica(&scene.database).await;
    effect_of(&[&scene.app, &other], 20).await;
}

/// Sends the same request that often to each service, at once, and until everybody has the answer.
async fn effect_of(apps: &[&App], times: usize) {
    let list = apps[0].watchlist("l", "alert").await;
    let path = format!("/v1/watchlists/{list}/subjects");
    let ask = async |app: &App| loop {
        let answer = post(app, &path, "k", image(person(1))).await;
        if answer.status == StatusCode::CREATED {
            return answer;
        }
        answer.expect_problem(409, "idempotency_key_in_use");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let everybody = apps.iter().flat_map(|app| (0..times).map(move |_| *app));
    let answers = join_all(everybody.map(ask)).await;
    assert_eq!(answers.len(), apps.len() * times);
    let (repeated, first): (Vec<_>, Vec<_>) = answers.into_iter().partition(is_replay);
    assert_eq!(first.len(), 1);
    repeated
        .iter()
        .for_each(|again| assert_replayed(&first[0], again));
    assert_eq!(items(apps[0], &path).await.len(), 1);
}
