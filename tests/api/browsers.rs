//! What a browser is told: which pages may call, and what a page of ours may do.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::app::{Answer, App, Options, person};

const ORIGIN: &str = "https://app.example.com";

async fn open_to(origins: &[&str]) -> App {
    let origins: Vec<String> = origins.iter().map(|&origin| origin.to_owned()).collect();
    App::start_with(Options {
        configure: Some(Box::new(|config| config.http.cors_origins = origins)),
        ..Options::default()
    })
    .await
}

async fn preflight(app: &App, origin: &str, method: &str, headers: &str) -> Answer {
    let request = app
        .bare(Method::OPTIONS, "/v1/watchlists")
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header("access-control-request-headers", headers);
    Answer::of(request).await
}

fn allowed<'a>(answer: &'a Answer, what: &str) -> Option<&'a str> {
    let header = answer.headers.get(format!("access-control-{what}"))?;
    Some(header.to_str().unwrap())
}

/// Fails where an answer lets any other origin in.
#[track_caller]
fn expect_closed(answer: &Answer) {
    let names: Vec<_> = answer.headers.keys().map(|name| name.as_str()).collect();
    assert!(
        names
            .iter()
            .all(|name| !name.starts_with("access-control-")),
        "{names:?}"
    );
}

#[tokio::test]
async fn by_default_no_page_may_call() {
    let app = App::start().await;
    let asked = preflight(&app, ORIGIN, "POST", "authorization").await;
    assert!(asked.status.is_client_error());
    expect_closed(&asked);
    let request = app.request(Method::GET, "/v1/watchlists");
    expect_closed(&Answer::of(request.header("origin", ORIGIN)).await);
}

#[tokio::test]
async fn a_listed_origin_may_call_and_is_answered_before_a_token_is_looked_for() {
    let app = open_to(&[ORIGIN, "http://localhost:3000"]).await;
    for origin in [ORIGIN, "http://localhost:3000"] {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let headers = "authorization, content-type, idempotency-key, x-request-id";
            let answer = preflight(&app, origin, method, headers).await;
            assert_eq!(answer.status, StatusCode::OK, "{origin} {method}");
            assert_eq!(allowed(&answer, "allow-origin"), Some(origin));
            assert_eq!(allowed(&answer, "max-age"), Some("600"));
            assert_eq!(allowed(&answer, "allow-credentials"), None);
            let headers = allowed(&answer, "allow-headers").unwrap().to_lowercase();
            assert!(headers.contains("authorization") && headers.contains("idempotency-key"));
        }
        let request = app.request(Method::GET, "/v1/watchlists");
        let answer = Answer::of(request.header("origin", origin)).await;
        assert_eq!(allowed(&answer, "allow-origin"), Some(origin));
        let exposed = allowed(&answer, "expose-headers").unwrap().to_lowercase();
        for name in ["x-request-id", "ratelimit", "retry-after"] {
            assert!(exposed.contains(name), "{exposed}");
        }
        let vary = answer.headers["vary"].to_str().unwrap().to_lowercase();
        assert!(vary.contains("origin"), "{vary}");
        answer.expect(StatusCode::OK);
        // A page may read why it was refused.
        let refused = app.bare(Method::GET, "/v1/watchlists");
        let refused = Answer::of(refused.header("origin", origin)).await;
        assert_eq!(allowed(&refused, "allow-origin"), Some(origin));
        refused.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn no_other_origin_method_or_header_is_let_in() {
    let app = open_to(&[ORIGIN]).await;
    for origin in [
        "https://evil.example.com",
        "https://app.example.com.evil.test",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://APP.example.com",
        "null",
        "*",
    ] {
        let asked = preflight(&app, origin, "POST", "authorization").await;
        assert_eq!(allowed(&asked, "allow-origin"), None, "{origin}");
        let request = app.request(Method::GET, "/v1/watchlists");
        let answer = Answer::of(request.header("origin", origin)).await;
        assert_eq!(allowed(&answer, "allow-origin"), None, "{origin}");
    }
    for (method, headers) in [("TRACE", "authorization"), ("POST", "x-forwarded-for")] {
        let asked = preflight(&app, ORIGIN, method, headers).await;
        assert!(asked.status.is_client_error(), "{method} {headers}");
    }
}

#[tokio::test]
async fn every_answer_forbids_what_it_has_no_use_for() {
    let app = App::start().await;
    let answers = [
        app.get("/v1/watchlists").await,
        app.get("/v1/nothing").await,
        app.verify(person(1), person(1)).await,
        Answer::of(app.bare(Method::GET, "/v1/watchlists")).await,
        Answer::of(app.bare(Method::GET, "/healthz")).await,
        Answer::of(app.bare(Method::GET, "/metrics")).await,
        Answer::of(app.bare(Method::GET, "/openapi.json")).await,
        Answer::of(app.bare(Method::GET, "/nothing")).await,
        Answer::of(app.bare(Method::GET, "/docs/")).await,
        app.post_json("/v1/watchlists", &json!({"nam": 1})).await,
    ];
    for answer in answers {
        let header = |name: &str| {
            let value = answer.headers.get(name);
            value
                .unwrap_or_else(|| panic!("{name} of {}", answer.body))
                .to_str()
                .unwrap()
        };
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert!(header("permissions-policy").contains("camera=()"));
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        let csp = header("content-security-policy");
        assert!(csp.starts_with("default-src 'none'"), "{csp}");
        assert!(csp.contains("frame-ancestors 'none'"), "{csp}");
        // Nobody learns what runs here, nor is a browser held to TLS where there is none.
        for name in ["server", "x-powered-by", "via", "strict-transport-security"] {
            assert!(!answer.headers.contains_key(name), "{name}");
        }
    }
}

#[tokio::test]
async fn the_pages_run_no_script_but_their_own_and_ask_nobody_else() {
    let app = App::start().await;
    let page = Answer::of(app.bare(Method::GET, "/docs/")).await;
    let csp = page.headers["content-security-policy"].to_str().unwrap();
    assert!(csp.contains("script-src 'self';"), "{csp}");
    assert!(csp.contains("connect-src 'self';"), "{csp}");
    let html = page.body.as_str().unwrap();
    // A script with a body, or in an attribute, would not run.
    let scripts = html.matches("<script").count();
    assert_eq!(scripts, html.matches("<script src=\"./").count(), "{html}");
    assert!(!html.contains(" onload=") && !html.contains("javascript:"));
    let setup = Answer::of(app.bare(Method::GET, "/docs/swagger-initializer.js")).await;
    let setup = setup.body.as_str().unwrap().to_owned();
    assert!(setup.contains(r#""validatorUrl": "none""#), "{setup}");
}

#[tokio::test]
async fn our_own_pages_may_do_what_they_need_and_nothing_else() {
    let app = App::start().await;
    for (path, camera) in [("/demo", "camera=(self)"), ("/console", "camera=()")] {
        let page = Answer::of(app.bare(Method::GET, path)).await;
        assert_eq!(page.status, StatusCode::OK);
        let header = |name: &str| page.headers[name].to_str().unwrap();
        assert_eq!(header("content-type"), "text/html; charset=utf-8");
        let csp = header("content-security-policy");
        for rule in [
            "default-src 'none';",
            "script-src 'self';",
            "style-src 'self';",
            "connect-src 'self';",
            "frame-ancestors 'none';",
        ] {
            assert!(csp.contains(rule), "{path}: {csp}");
        }
        assert!(!csp.contains("unsafe"), "{path}: {csp}");
        let permissions = header("permissions-policy");
        assert!(permissions.contains(camera), "{path}: {permissions}");
        assert!(permissions.contains("microphone=()") && header("x-frame-options") == "DENY");
        let html = page.body.as_str().unwrap();
        let scripts = html.matches("<script").count();
        let own = html.matches("<script type=\"module\" src=\"pages/").count();
        assert_eq!((scripts, own), (1, 1), "{html}");
    }
}

#[tokio::test]
async fn a_browser_that_has_a_file_of_a_page_is_not_sent_it_again() {
    let app = App::start().await;
    let first = Answer::of(app.bare(Method::GET, "/pages/style.css")).await;
    assert_eq!(first.status, StatusCode::OK);
    assert_eq!(first.headers["content-type"], "text/css; charset=utf-8");
    assert_eq!(first.headers["cache-control"], "no-cache");
    let tag = first.headers["etag"].to_str().unwrap();
    for (told, status) in [
        (tag, StatusCode::NOT_MODIFIED),
        ("\"other\"", StatusCode::OK),
    ] {
        let request = app.bare(Method::GET, "/pages/style.css");
        let answer = Answer::of(request.header("if-none-match", told)).await;
        assert_eq!(answer.status, status, "{told}");
        assert_eq!(answer.headers["etag"], first.headers["etag"]);
        assert_eq!(answer.headers["cache-control"], "no-cache");
    }
    let table = Answer::of(app.bare(Method::GET, "/pages/calibration.json")).await;
    let table = table.expect(StatusCode::OK);
    assert!(table["points"].as_array().unwrap().len() > 10, "{table}");
    for missing in [
        "/pages/",
        "/pages/nothing.js",
        "/pages/../Cargo.toml",
        "/pages/demo.html",
    ] {
        let answer = Answer::of(app.bare(Method::GET, missing)).await;
        answer.expect_problem(404, "not_found");
    }
}
