//! The very second at which a token begins and ceases to be good, and the kind that is demanded.

use jsonwebtoken::get_current_timestamp;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::issuer::{claims_with, keys};
use super::status_of;
use crate::app::{App, Options, rules};

const LEEWAY: u64 = 5;

/// The status of a token whose claims are counted from a second that has not ended when the answer comes.
async fn status_within_a_second(app: &App, claims: impl Fn(u64) -> Value) -> StatusCode {
    let key = &keys()[2];
    loop {
        let now = get_current_timestamp();
        let token = key.sign(&key.header(), &claims_with(claims(now)));
        let status = status_of(app, &token).await;
        if get_current_timestamp() == now {
            return status;
        }
    }
}

fn options() -> Options {
    let (file, path) = tempfile::NamedTempFile::new().unwrap().keep().unwrap();
    drop(file);
    std::fs::write(&path, super::issuer::jwks(&keys().each_ref())).unwrap();
    Options {
        jwt_key: Some(likeness::config::JwtKey::PublicKeys(path)),
        ..Options::default()
    }
}

#[tokio::test]
async fn clocks_may_differ_by_the_leeway_and_not_by_a_second_more() {
    let app = App::start_with(options()).await;
    assert_eq!(rules().leeway.as_secs(), LEEWAY);
    let issued = |now: u64| now - 60;
    for (off, status) in [
        (LEEWAY - 1, StatusCode::OK),
        (LEEWAY, StatusCode::OK),
        (LEEWAY + 1, StatusCode::UNAUTHORIZED),
    ] {
        let expired = |now| json!({"iat": issued(now), "exp": now - off});
        assert_eq!(
            status_within_a_second(&app, expired).await,
            status,
            "exp {off}"
        );
        let early = |now| json!({"nbf": now + off});
        assert_eq!(
            status_within_a_second(&app, early).await,
            status,
            "nbf {off}"
        );
        let later = |now| json!({"iat": now + off});
        assert_eq!(
            status_within_a_second(&app, later).await,
            status,
            "iat {off}"
        );
    }
}

#[tokio::test]
async fn a_token_may_last_as_long_as_the_policy_says_and_not_a_second_more() {
    let app = App::start_with(options()).await;
    let most = rules().max_lifetime.as_secs();
    for (lifetime, status) in [(most, StatusCode::OK), (most + 1, StatusCode::UNAUTHORIZED)] {
        let claims = |now| json!({"iat": now, "exp": now + lifetime});
        assert_eq!(
            status_within_a_second(&app, claims).await,
            status,
            "{lifetime}"
        );
    }
}

#[tokio::test]
async fn where_a_type_is_demanded_no_other_token_gets_in() {
    let app = App::start_with(Options {
        configure: Some(Box::new(|config| {
            config.jwt.token_type = Some("at+jwt".to_owned());
        })),
        ..options()
    })
    .await;
    let key = &keys()[0];
    for (typ, status) in [
        (json!("at+jwt"), StatusCode::OK),
        (json!("AT+JWT"), StatusCode::OK),
        (json!("application/at+jwt"), StatusCode::OK),
        (json!("JWT"), StatusCode::UNAUTHORIZED),
        (json!("at+jwt "), StatusCode::UNAUTHORIZED),
        (
            json!("application/application/at+jwt"),
            StatusCode::UNAUTHORIZED,
        ),
        (Value::Null, StatusCode::UNAUTHORIZED),
    ] {
        let mut header = key.header();
        if typ.is_null() {
            header.as_object_mut().unwrap().remove("typ");
        } else {
            header["typ"] = typ.clone();
        }
        let token = key.sign(&header, &claims_with(json!({})));
        assert_eq!(status_of(&app, &token).await, status, "{typ}");
    }
}
