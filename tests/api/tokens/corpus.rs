//! The whole corpus of forged tokens over the real socket: all refused, in the same words, with one line each.

use std::collections::BTreeMap;
use std::io::Write as _;

use futures_util::{StreamExt as _, stream};
use likeness::config::JwtKey;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::audit::{self, audit_lines, lines_by_request, reason_of};
use super::forge::{Forgery, Sent, forged_algorithms, forgeries};
use super::issuer::{claims_with, claims_without, jwks, keys};
use super::key_server::{Behaviour, KeyServer};
use super::{PATH, status_of};
use crate::app::{Answer, App, Options, SECRET, rules, token};

/// How many are under way at once.
const AT_ONCE: usize = 16;

/// A service that checks tokens with a key of each kind, from a file.
async fn app() -> (App, NamedTempFile) {
    let mut file = NamedTempFile::new().unwrap();
    write!(file, "{}", jwks(&keys().each_ref())).unwrap();
    let options = Options {
        jwt_key: Some(JwtKey::PublicKeys(file.path().to_owned())),
        ..Options::default()
    };
    (App::start_with(options).await, file)
}

async fn send(app: &App, forgery: &Forgery, id: &str) -> Answer {
    let mut request = match &forgery.sent {
        Sent::Query { query, .. } => app.bare(Method::GET, &format!("{PATH}?{query}")),
        Sent::Bearer(_) | Sent::Headers(_) => app.bare(Method::GET, PATH),
    };
    let headers = match &forgery.sent {
        Sent::Bearer(token) => vec![format!("Bearer {token}").into_bytes()],
        Sent::Headers(headers) => headers.clone(),
        Sent::Query { header, .. } => header
            .iter()
            .map(|token| format!("Bearer {token}").into_bytes())
            .collect(),
    };
    for header in headers {
        request = request.header("authorization", header);
    }
    Answer::of(request.header("x-request-id", id)).await
}

/// All that a caller can tell one refusal from another by.
fn seen(answer: &Answer) -> (StatusCode, Value, BTreeMap<String, String>) {
    let mut body = answer.body.clone();
    if let Some(members) = body.as_object_mut() {
        members.remove("request_id");
    }
    let headers = answer.headers.iter();
    let headers = headers
        .filter(|(name, _)| !["date", "x-request-id", "content-length"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    (answer.status, body, headers.collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_forged_token_is_refused_in_the_same_words_and_leaves_one_line() {
    audit::listen();
    let (app, _keys) = app().await;
    let bait = KeyServer::start(Behaviour::Serve("{}".to_owned())).await;
    let all = forgeries(&bait.url());
    let expected = json!({
        "type": "urn:likeness:problem:unauthenticated", "title": "A valid bearer token is required",
        "status": 401, "code": "unauthenticated",
    });

    let reference = seen(&Answer::of(app.bare(Method::GET, PATH)).await);
    assert_eq!(
        (reference.0, &reference.1),
        (StatusCode::UNAUTHORIZED, &expected)
    );
    assert_eq!(reference.2["www-authenticate"], "Bearer");
    let sent = stream::iter(all.iter().enumerate()).map(|(number, forgery)| {
        let app = &app;
        async move {
            let id = format!("forgery-{number}");
            let answer = send(app, forgery, &id).await;
            (forgery, id, seen(&answer))
        }
    });
    let answers: Vec<_> = sent.buffer_unordered(AT_ONCE).collect().await;

    let lines = lines_by_request();
    let mut counts: BTreeMap<(usize, &str), BTreeMap<String, usize>> = BTreeMap::new();
    for (forgery, id, answer) in &answers {
        let Forgery { family, what, .. } = forgery;
        assert_eq!(answer, &reference, "{family}: {what}");
        let key = (family[1..].parse().unwrap(), *family);
        *counts
            .entry(key)
            .or_default()
            .entry(reason_of(&lines[id]))
            .or_default() += 1;
    }
    eprintln!(
        "forged tokens: {} sent, {} refused",
        all.len(),
        answers.len()
    );
    for ((_, family), reasons) in &counts {
        eprintln!(
            "  {family:4} {:5}  {reasons:?}",
            reasons.values().sum::<usize>()
        );
    }
    assert!(answers.len() == all.len() && all.len() >= 2_000);
    assert_eq!(bait.connections(), 0, "nobody follows what a token says");
    for key in keys() {
        let (message, _) = key
            .token()
            .rsplit_once('.')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        let (header, _) = message.split_once('.').unwrap();
        assert!(!audit::anywhere(header), "a token stands in the log");
    }
}

#[tokio::test]
async fn good_tokens_of_every_key_get_in_and_leave_no_audit_line() {
    audit::listen();
    let (app, _keys) = app().await;
    let mut good = 0;
    for key in keys() {
        let now = jsonwebtoken::get_current_timestamp();
        let aud = rules().audience;
        for claims in [
            claims_with(json!({})),
            claims_with(json!({"aud": [aud]})),
            claims_with(json!({"aud": ["other", aud]})),
            claims_with(json!({"exp": now as f64 + 60.5})),
            claims_with(json!({"exp": now + rules().max_lifetime.as_secs()})),
            claims_with(json!({"nbf": now, "jti": "1", "email": null, "roles": ["a"]})),
            claims_with(json!({"typ": "Bearer", "azp": "app", "token_use": "access"})),
            claims_without("iat"),
        ] {
            let mut headers = vec![key.header()];
            headers.extend(["typ", "x5t"].map(|name| {
                let mut header = key.header();
                header[name] = "at+jwt".into();
                header
            }));
            let mut bare = key.header();
            bare.as_object_mut().unwrap().remove("typ");
            headers.push(bare);
            for header in headers {
                good += 1;
                let id = format!("good-{good}");
                let request = app
                    .bare(Method::GET, PATH)
                    .header("x-request-id", &id)
                    .header(
                        "authorization",
                        format!("bearer  {}", key.sign(&header, &claims)),
                    );
                let answer = Answer::of(request).await;
                assert_eq!(answer.status, StatusCode::OK, "{header} {claims}");
            }
        }
    }
    let lines = lines_by_request();
    for number in 1..=good {
        let lines = &lines[&format!("good-{number}")];
        assert!(!lines.is_empty() && audit_lines(lines).is_empty());
    }
    eprintln!("good tokens: {good} accepted");
}

#[tokio::test]
async fn a_lone_key_without_a_name_serves_any_name_and_only_its_own_algorithm() {
    for key in keys() {
        let mut file = NamedTempFile::new().unwrap();
        write!(file, "{}", key.pair.public_key_pem()).unwrap();
        let app = App::start_with(Options {
            jwt_key: Some(JwtKey::PublicKeys(file.path().to_owned())),
            ..Options::default()
        })
        .await;
        for kid in [json!(key.kid), json!("another")] {
            let header = json!({"alg": key.alg, "kid": kid});
            let token = key.sign(&header, &claims_with(json!({})));
            assert_eq!(status_of(&app, &token).await, StatusCode::OK);
        }
        let bare = key.sign(&json!({"alg": key.alg}), &claims_with(json!({})));
        assert_eq!(status_of(&app, &bare).await, StatusCode::OK);
        // What this key signed with its algorithm is good here, whatever name it bears.
        let own = |what: &str| {
            what.starts_with(&format!("{} for ", key.alg))
                && what.ends_with(&format!("by {}", key.kid))
        };
        for forgery in forged_algorithms()
            .iter()
            .filter(|forgery| !own(&forgery.what))
        {
            let answer = send(&app, forgery, "lone").await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", forgery.what);
        }
    }
}

#[tokio::test]
async fn a_shared_secret_signs_with_its_one_algorithm() {
    let app = App::start().await;
    let sign = |alg, secret: &[u8]| {
        let header = jsonwebtoken::Header::new(alg);
        let key = jsonwebtoken::EncodingKey::from_secret(secret);
        jsonwebtoken::encode(&header, &claims_with(json!({})), &key).unwrap()
    };
    let secret = SECRET.as_bytes();
    use jsonwebtoken::Algorithm as A;
    assert_eq!(
        status_of(&app, &sign(A::HS256, secret)).await,
        StatusCode::OK
    );
    let mut shorter = sign(A::HS256, secret);
    shorter.truncate(shorter.len() - 4);
    for token in [
        sign(A::HS384, secret),
        sign(A::HS512, secret),
        sign(A::HS256, &secret[1..]),
        sign(A::HS256, &[secret, b"x"].concat()),
        sign(A::HS256, b"secret"),
        shorter,
    ] {
        assert_eq!(status_of(&app, &token).await, StatusCode::UNAUTHORIZED);
    }
    for forgery in forged_algorithms() {
        let answer = send(&app, &forgery, "secret").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", forgery.what);
    }
}

#[tokio::test]
async fn a_token_without_the_scope_leaves_one_line_that_names_the_scope() {
    audit::listen();
    let app = App::start().await;
    let request = app
        .bare(Method::GET, PATH)
        .bearer_auth(token("acme", "verify"))
        .header("x-request-id", "narrow");
    Answer::of(request).await.expect_problem(403, "forbidden");
    let lines = &lines_by_request()["narrow"];
    let audit = audit_lines(lines);
    assert_eq!(audit.len(), 1, "{lines:#?}");
    assert_eq!(audit[0]["fields"]["audit.event"], "scope_missing");
    assert_eq!(audit[0]["fields"]["audit.scope"], "watchlist:read");
}

#[tokio::test]
async fn a_megabyte_of_token_never_reaches_the_service() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let app = App::start().await;
    let mut socket = tokio::net::TcpStream::connect(app.address.trim_start_matches("http://"))
        .await
        .unwrap();
    let token = "x".repeat(1 << 20);
    let head = format!("GET {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
    // The server stops reading long before the end, and may have hung up by then.
    let _ = socket.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );
    assert_eq!(app.get(PATH).await.status, StatusCode::OK);
}
