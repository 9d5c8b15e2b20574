//! Tokens that are good for one request, on two replicas with one database.

use likeness::auth::Scope;
use likeness::config::Config;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::issuer::claims_with;
use super::{PATH, answer_to, audit, status_of};
use crate::app::{Answer, App, Options, SECRET};
use crate::support;

/// Two services that know only each other's database.
async fn replicas() -> [App; 2] {
    let database = support::database().await;
    let start = || async {
        App::start_with(Options {
            database: Some(database.clone()),
            configure: Some(Box::new(|config: &mut Config| {
                config.jwt.one_time_scopes = vec![Scope::WatchlistWrite];
            })),
            ..Options::default()
        })
        .await
    };
    [start().await, start().await]
}

fn token(changes: Value) -> String {
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(
        &jsonwebtoken::Header::default(),
        &claims_with(changes),
        &key,
    )
    .unwrap()
}

#[tokio::test]
async fn a_token_for_one_request_is_refused_the_second_time_wherever_it_arrives() {
    audit::listen();
    let [one, other] = replicas().await;
    let first = token(json!({"jti": "first"}));
    assert_eq!(status_of(&one, &first).await, StatusCode::OK);
    for (app, id) in [(&other, "replay-other"), (&one, "replay-same")] {
        let request = app.bare(Method::GET, PATH).bearer_auth(&first);
        let answer = Answer::of(request.header("x-request-id", id)).await;
        answer.expect_problem(401, "unauthenticated");
        assert_eq!(answer.body.get("detail"), None);
        assert_eq!(audit::reason_of(&audit::lines_by_request()[id]), "replayed");
    }
    // The id counts, not the text of the token; and a tenant's ids are its own.
    let same_id = token(json!({"jti": "first", "sub": "somebody else"}));
    assert_eq!(status_of(&other, &same_id).await, StatusCode::UNAUTHORIZED);
    let elsewhere = token(json!({"jti": "first", "tenant": "other"}));
    assert_eq!(status_of(&other, &elsewhere).await, StatusCode::OK);
    let next = token(json!({"jti": "next"}));
    assert_eq!(status_of(&other, &next).await, StatusCode::OK);
}

#[tokio::test]
async fn of_many_simultaneous_uses_on_both_replicas_one_gets_in() {
    let replicas = replicas().await;
    for round in 0..10 {
        let token = token(json!({"jti": format!("round-{round}")}));
        let uses = (0..10).map(|number| status_of(&replicas[number % 2], &token));
        let statuses = futures_util::future::join_all(uses).await;
        let let_in = statuses
            .iter()
            .filter(|status| **status == StatusCode::OK)
            .count();
        let refused = statuses
            .iter()
            .filter(|status| **status == StatusCode::UNAUTHORIZED)
            .count();
        assert_eq!((let_in, refused), (1, 9), "{statuses:?}");
    }
}

#[tokio::test]
async fn a_token_for_one_request_needs_an_id_and_other_tokens_need_none() {
    audit::listen();
    let [app, _] = replicas().await;
    for (number, jti) in [
        json!(null),
        json!(1),
        json!(""),
        json!("x".repeat(256)),
        json!("a\u{0}"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("bad-jti-{number}");
        let request = app
            .bare(Method::GET, PATH)
            .bearer_auth(token(json!({"jti": jti})));
        let answer = Answer::of(request.header("x-request-id", &id)).await;
        answer.expect_problem(401, "unauthenticated");
    }
    assert_eq!(
        status_of(&app, &token(json!({}))).await,
        StatusCode::UNAUTHORIZED
    );
    let reusable = token(json!({"scope": "verify watchlist:read"}));
    for _ in 0..3 {
        assert_eq!(status_of(&app, &reusable).await, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_request_that_fails_has_used_its_token_up() {
    let [app, _] = replicas().await;
    let token = token(json!({"jti": "once"}));
    let bad = app
        .bare(Method::POST, PATH)
        .bearer_auth(&token)
        .json(&json!({"name": ""}));
    assert_eq!(Answer::of(bad).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(status_of(&app, &token).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn without_the_database_nobody_gets_in_with_a_token_for_one_request() {
    let [app, other] = replicas().await;
    app.store.close().await;
    let token = token(json!({"jti": "j"}));
    answer_to(&app, &token)
        .await
        .expect_problem(503, "unavailable");
    assert_eq!(
        status_of(&other, &token).await,
        StatusCode::OK,
        "it was not used"
    );
}
