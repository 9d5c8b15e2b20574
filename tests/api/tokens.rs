//! Tokens that do not get in, and the keys that let others in.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use likeness::config::JwtKey;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::{ALL_SCOPES, Answer, App, Options, SECRET, rules, token};

const PATH: &str = "/v1/watchlists";

fn claims() -> Value {
    let now = get_current_timestamp();
    json!({"sub": "tester", "tenant": "acme", "scope": ALL_SCOPES, "iss": rules().issuer, "aud": rules().audience,
           "iat": now, "exp": now + 600})
}

/// Valid claims with one of them changed, or removed where the value is null.
fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    let members = claims.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
    claims
}

fn signed(claims: &Value) -> String {
    encode(
        &Header::default(),
        claims,
        &EncodingKey::from_secret(SECRET.as_bytes()),
    )
    .unwrap()
}

fn raw(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

async fn status_with(app: &App, token: &str) -> StatusCode {
    Answer::of(app.bare(Method::GET, PATH).bearer_auth(token))
        .await
        .status
}

#[tokio::test]
async fn a_token_that_is_not_wholly_in_order_is_refused_and_always_in_the_same_words() {
    let app = App::start().await;
    let now = get_current_timestamp();
    let good = token("acme", ALL_SCOPES);
    assert_eq!(status_with(&app, &good).await, StatusCode::OK);
    let (head, signature) = good.rsplit_once('.').unwrap();
    let mut refused = vec![
        ("no signature", format!("{head}.")),
        ("two parts", head.to_owned()),
        (
            "alg none",
            raw(&json!({"alg": "none", "typ": "JWT"}), &claims(), ""),
        ),
        (
            "alg nOnE",
            raw(&json!({"alg": "nOnE"}), &claims(), signature),
        ),
        (
            "other secret",
            encode(
                &Header::default(),
                &claims(),
                &EncodingKey::from_secret(&[7; 40]),
            )
            .unwrap(),
        ),
        (
            "HS512 with our secret",
            encode(
                &Header::new(Algorithm::HS512),
                &claims(),
                &EncodingKey::from_secret(SECRET.as_bytes()),
            )
            .unwrap(),
        ),
        ("too long", signed(&with("scope", json!("x".repeat(9_000))))),
        ("not a token", "abc".to_owned()),
    ];
    for (what, name, value) in [
        ("expired", "exp", json!(now - 6)),
        ("exp missing", "exp", Value::Null),
        ("exp a text", "exp", json!((now + 600).to_string())),
        ("exp negative", "exp", json!(-1)),
        ("not yet", "nbf", json!(now + 60)),
        ("nbf a text", "nbf", json!("0")),
        ("issued later", "iat", json!(now + 60)),
        ("issuer missing", "iss", Value::Null),
        (
            "issuer with a slash",
            "iss",
            json!(format!("{}/", rules().issuer)),
        ),
        ("audience missing", "aud", Value::Null),
        (
            "audience of others",
            "aud",
            json!(["other", "LIKENESS-TEST"]),
        ),
        ("subject missing", "sub", Value::Null),
        ("tenant missing", "tenant", Value::Null),
        ("tenant with a quote", "tenant", json!("acme' or true")),
    ] {
        refused.push((what, signed(&with(name, value))));
    }
    for (what, token) in refused {
        let answer = Answer::of(app.bare(Method::GET, PATH).bearer_auth(&token)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}");
        answer.expect_problem(401, "unauthenticated");
        assert_eq!(
            (answer.faults().len(), answer.body.get("detail")),
            (0, None),
            "{what}"
        );
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
}

#[tokio::test]
async fn a_flipped_bit_anywhere_in_a_token_is_noticed() {
    let app = App::start().await;
    let good = token("acme", ALL_SCOPES).into_bytes();
    for position in (0..good.len()).step_by(7) {
        let mut bent = good.clone();
        bent[position] ^= 1;
        let bent = String::from_utf8(bent).unwrap();
        assert_eq!(
            status_with(&app, &bent).await,
            StatusCode::UNAUTHORIZED,
            "byte {position}"
        );
    }
}

#[tokio::test]
async fn clocks_may_differ_by_the_leeway_and_no_more() {
    let app = App::start().await;
    let now = get_current_timestamp();
    assert_eq!(
        status_with(&app, &signed(&with("exp", json!(now - 2)))).await,
        StatusCode::OK
    );
    assert_eq!(
        status_with(&app, &signed(&with("nbf", json!(now + 3)))).await,
        StatusCode::OK
    );
}

#[tokio::test]
async fn only_one_bearer_header_counts() {
    let app = App::start().await;
    let good = token("acme", ALL_SCOPES);
    let two = app
        .bare(Method::GET, PATH)
        .bearer_auth(&good)
        .header("authorization", format!("Bearer {good}"));
    let basic = app.bare(Method::GET, PATH).basic_auth("user", Some(&good));
    let query = app.bare(Method::GET, &format!("{PATH}?access_token={good}"));
    for request in [two, basic, query] {
        Answer::of(request)
            .await
            .expect_problem(401, "unauthenticated");
    }
}

/// A key pair of the tests alone (Ed25519), as PEM, and the public one's JWK coordinate.
const PRIVATE_KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
const PUBLIC_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

#[tokio::test]
async fn public_keys_from_a_file_let_in_only_what_their_owner_signed() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": PUBLIC_X, "kid": "key-1", "use": "sig", "alg": "EdDSA"});
    write!(file, "{}", json!({"keys": [jwk]})).unwrap();
    let key = JwtKey::PublicKeys(file.path().to_owned());
    let app = App::start_with(Options {
        jwt_key: Some(key),
        ..Options::default()
    })
    .await;

    let private = EncodingKey::from_ed_pem(PRIVATE_KEY.as_bytes()).unwrap();
    let with_kid = |algorithm, kid: Option<&str>| Header {
        kid: kid.map(ToOwned::to_owned),
        ..Header::new(algorithm)
    };
    let signed = |kid| encode(&with_kid(Algorithm::EdDSA, kid), &claims(), &private).unwrap();
    assert_eq!(
        status_with(&app, &signed(Some("key-1"))).await,
        StatusCode::OK
    );
    assert_eq!(
        status_with(&app, &signed(None)).await,
        StatusCode::OK,
        "one key needs no name"
    );
    for kid in ["key-2", "../../dev/null", "key-1' or '1'='1"] {
        assert_eq!(
            status_with(&app, &signed(Some(kid))).await,
            StatusCode::UNAUTHORIZED,
            "{kid}"
        );
    }
    // The public key as an HMAC secret, in every form that a verifier could confuse it with.
    for secret in [
        PUBLIC_X.as_bytes().to_vec(),
        URL_SAFE_NO_PAD.decode(PUBLIC_X).unwrap(),
    ] {
        let header = with_kid(Algorithm::HS256, Some("key-1"));
        let forged = encode(&header, &claims(), &EncodingKey::from_secret(&secret)).unwrap();
        assert_eq!(status_with(&app, &forged).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(
        status_with(&app, &token("acme", ALL_SCOPES)).await,
        StatusCode::UNAUTHORIZED
    );
}
