//! Keys come and go at the issuer while the service runs.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::issuer::{Key, claims, jwks, keys};
use super::key_server::{Behaviour, KeyServer, options_for};
use super::status_of;
use crate::app::{Answer, App};

const NEVER: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_new_key_is_taken_with_its_first_token_and_a_removed_one_refused_after_the_next_refresh()
{
    let [old, new, _] = keys();
    let server = KeyServer::start(Behaviour::Serve(jwks(&[old]))).await;
    let refresh = Duration::from_millis(200);
    let app = App::start_with(options_for(&server.url(), refresh, |_| {})).await;
    assert_eq!(status_of(&app, &old.token()).await, StatusCode::OK);

    server.now(Behaviour::Serve(jwks(&[old, new])));
    let published = Instant::now();
    // No refusal, no restart, no wait for the interval.
    assert_eq!(status_of(&app, &new.token()).await, StatusCode::OK);
    assert!(published.elapsed() < Duration::from_secs(5));
    assert_eq!(status_of(&app, &old.token()).await, StatusCode::OK);

    only_the_new_one_is_left(&server, &app, (old, new)).await;
}

/// Has the server give the new key alone: after the next refresh the old one is refused, and the new one is not.
async fn only_the_new_one_is_left(server: &KeyServer, app: &App, (old, new): (&Key, &Key)) {
    server.now(Behaviour::Serve(jwks(&[new])));
    server.more_requests(2).await;
    assert_eq!(status_of(app, &old.token()).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status_of(app, &new.token()).await, StatusCode::OK);
}

#[tokio::test]
async fn a_key_that_is_replaced_under_its_name_is_refused_after_the_next_refresh() {
    let (old, new) = (Key::new("same", "ES256"), Key::new("same", "ES256"));
    let server = KeyServer::start(Behaviour::Serve(jwks(&[&old]))).await;
    let refresh = Duration::from_millis(100);
    let app = App::start_with(options_for(&server.url(), refresh, |_| {})).await;
    assert_eq!(status_of(&app, &old.token()).await, StatusCode::OK);
    assert_eq!(
        status_of(&app, &new.token()).await,
        StatusCode::UNAUTHORIZED
    );
    only_the_new_one_is_left(&server, &app, (&old, &new)).await;
}

#[tokio::test]
async fn a_thousand_unknown_key_ids_cost_the_key_server_one_request() {
    let key = &keys()[1];
    let server = KeyServer::start(Behaviour::Serve(jwks(&[key]))).await;
    let app = App::start_with(options_for(&server.url(), NEVER, |_| {})).await;
    assert_eq!(server.requests(), 1);
    let statuses = stream::iter(0..1000).map(|number| {
        let header = json!({"alg": "ES256", "kid": format!("unknown-{number}")});
        let app = &app;
        async move { status_of(app, &key.sign(&header, &claims())).await }
    });
    let statuses: Vec<_> = statuses.buffer_unordered(16).collect().await;
    assert!(
        statuses
            .iter()
            .all(|status| *status == StatusCode::UNAUTHORIZED)
    );
    assert_eq!((statuses.len(), server.requests()), (1000, 2));
    assert_eq!(status_of(&app, &key.token()).await, StatusCode::OK);
}

#[tokio::test]
async fn requests_that_arrive_with_a_new_key_at_once_share_one_fetch_and_all_get_in() {
    let [old, new, _] = keys();
    let server = KeyServer::start(Behaviour::Serve(jwks(&[old]))).await;
    let app = App::start_with(options_for(&server.url(), NEVER, |_| {})).await;
    server.now(Behaviour::Serve(jwks(&[old, new])));
    let tokens: Vec<String> = (0..20).map(|_| new.token()).collect();
    let statuses = futures_util::future::join_all(tokens.iter().map(|t| status_of(&app, t))).await;
    assert_eq!(statuses, [StatusCode::OK; 20]);
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn keys_that_could_weaken_the_service_are_passed_over_and_the_others_used() {
    let [rsa, ec, _] = keys();
    let mut for_encryption = rsa.jwk();
    for_encryption["use"] = "enc".into();
    let weak = json!({"kty": "RSA", "kid": "weak", "e": "AQAB", "n": "w".repeat(171)});
    let oct = json!({"kty": "oct", "kid": "oct", "alg": "HS256", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"});
    let set = |more: &[serde_json::Value]| {
        let mut keys = vec![for_encryption.clone(), weak.clone(), oct.clone()];
        keys.extend_from_slice(more);
        json!({"keys": keys}).to_string()
    };
    let server = KeyServer::start(Behaviour::Serve(set(&[ec.jwk()]))).await;
    let refresh = Duration::from_millis(100);
    let app = App::start_with(options_for(&server.url(), refresh, |_| {})).await;
    let header = json!({"alg": "HS256", "kid": "oct"}).to_string();
    let message = super::issuer::message(&header, &claims().to_string());
    let secret = jsonwebtoken::EncodingKey::from_secret(b"secret-secret-secret-secret-secret");
    let signature =
        jsonwebtoken::crypto::sign(message.as_bytes(), &secret, jsonwebtoken::Algorithm::HS256);
    let by_oct = format!("{message}.{}", signature.unwrap());
    let by_weak = rsa.sign(&json!({"alg": "RS256", "kid": "weak"}), &claims());
    for refused in [&by_oct, &by_weak, &rsa.token()] {
        assert_eq!(status_of(&app, refused).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(status_of(&app, &ec.token()).await, StatusCode::OK);

    // A set without any key that can be used is the issuer's word, too: nobody gets in.
    server.now(Behaviour::Serve(set(&[])));
    server.more_requests(2).await;
    for refused in [&by_oct, &by_weak, &rsa.token(), &ec.token()] {
        assert_eq!(status_of(&app, refused).await, StatusCode::UNAUTHORIZED);
    }
    let ready = Answer::of(app.bare(Method::GET, "/readyz")).await;
    assert_eq!(ready.expect(StatusCode::OK)["status"], "degraded");
}
