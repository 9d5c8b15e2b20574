//! The key server is out, for a while or for good.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::issuer::{jwks, keys};
use super::key_server::{Behaviour, KeyServer, options_for};
use super::{answer_to, status_of};
use crate::app::{Answer, App};

const OFTEN: Duration = Duration::from_millis(100);

async fn readiness(app: &App) -> Answer {
    Answer::of(app.bare(Method::GET, "/readyz")).await
}

#[tokio::test]
async fn an_outage_is_survived_with_the_old_keys_and_readiness_says_so() {
    let key = &keys()[1];
    let good = Behaviour::Serve(jwks(&[key]));
    let server = KeyServer::start(good.clone()).await;
    let app = App::start_with(options_for(&server.url(), OFTEN, |_| {})).await;
    assert_eq!(
        readiness(&app).await.expect(StatusCode::OK),
        json!({"status": "ok"})
    );
    for bad in [
        Behaviour::Fail(500),
        Behaviour::Fail(404),
        Behaviour::HangUp,
        Behaviour::Serve("<html>".to_owned()),
        Behaviour::Serve("{}".to_owned()),
        Behaviour::Flood(5 << 20),
    ] {
        server.now(bad);
        server.more_requests(2).await;
        assert_eq!(status_of(&app, &key.token()).await, StatusCode::OK);
        let degraded = json!({"status": "degraded", "parts": ["token_keys"]});
        assert_eq!(readiness(&app).await.expect(StatusCode::OK), degraded);
        server.now(good.clone());
        server.more_requests(2).await;
        assert_eq!(
            readiness(&app).await.expect(StatusCode::OK),
            json!({"status": "ok"})
        );
    }
}

#[tokio::test]
async fn keys_that_are_too_old_let_nobody_in_until_the_server_is_back() {
    let key = &keys()[1];
    let server = KeyServer::start(Behaviour::Serve(jwks(&[key]))).await;
    let options = options_for(&server.url(), OFTEN, |jwks| {
        jwks.max_outage = Duration::from_millis(400);
    });
    let app = App::start_with(options).await;
    assert_eq!(status_of(&app, &key.token()).await, StatusCode::OK);
    server.now(Behaviour::Fail(503));
    // Half a second at least: each waits a tenth after the one before.
    server.more_requests(7).await;
    let refused = answer_to(&app, &key.token()).await;
    refused.expect_problem(503, "unavailable");
    assert_eq!(refused.headers["retry-after"], "1");
    readiness(&app).await.expect_problem(503, "unavailable");
    server.now(Behaviour::Serve(jwks(&[key])));
    server.more_requests(2).await;
    assert_eq!(status_of(&app, &key.token()).await, StatusCode::OK);
}

#[tokio::test]
async fn a_key_server_that_was_never_reached_lets_nobody_in_and_is_asked_again() {
    let key = &keys()[1];
    let server = KeyServer::start(Behaviour::HangUp).await;
    let app = App::start_with(options_for(&server.url(), OFTEN, |_| {})).await;
    answer_to(&app, &key.token())
        .await
        .expect_problem(503, "unavailable");
    assert_eq!(
        status_of(&app, "no.token.atall").await,
        StatusCode::UNAUTHORIZED
    );
    readiness(&app).await.expect_problem(503, "unavailable");
    server.now(Behaviour::Serve(jwks(&[key])));
    server.more_requests(2).await;
    assert_eq!(status_of(&app, &key.token()).await, StatusCode::OK);
    assert_eq!(readiness(&app).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_key_server_that_never_ends_its_answer_is_given_up_and_holds_nobody() {
    let key = &keys()[1];
    let server = KeyServer::start(Behaviour::Serve(jwks(&[key]))).await;
    let app = App::start_with(options_for(&server.url(), OFTEN, |_| {})).await;
    server.now(Behaviour::Drip);
    server.more_requests(1).await;
    // A fetch hangs at this moment.
    let waiting = tokio::time::timeout(Duration::from_secs(3), status_of(&app, &key.token())).await;
    assert_eq!(waiting, Ok(StatusCode::OK));
    server.now(Behaviour::Fail(500));
    let given_up = tokio::time::timeout(Duration::from_secs(15), server.more_requests(1)).await;
    assert!(
        given_up.is_ok(),
        "the hanging fetch ended and another one came"
    );
}
