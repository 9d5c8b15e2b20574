//! Bodies: both encodings mean the same, and broken ones are told apart.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::header::CONTENT_TYPE;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::{Answer, App, Options, pair, person};

const PATH: &str = "/v1/verifications";

async fn raw(app: &App, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
    Answer::of(
        app.request(Method::POST, PATH)
            .header(CONTENT_TYPE, content_type)
            .body(body),
    )
    .await
}

#[tokio::test]
async fn json_and_multipart_mean_the_same() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let (selfie, document) = (person(1), person(1));
    let body = json!({
        "selfie": STANDARD.encode(&selfie), "document": STANDARD.encode(&document), "watchlist_ids": [list],
        "policy": {"approve_fmr": 1e-5}, "external_id": "a", "metadata": {"k": [1, "ü"]}, "expected": {},
    });
    let form = pair(selfie, document)
        .text("watchlist_ids", list.clone())
        .text("policy", r#"{"approve_fmr": 1e-5}"#)
        .text("external_id", "a")
        .text("metadata", r#"{"k": [1, "ü"]}"#)
        .text("expected", "{}");
    let mut answers = [
        app.post_json(PATH, &body).await.expect(StatusCode::CREATED),
        app.post_form(PATH, form).await.expect(StatusCode::CREATED),
    ];
    for answer in &mut answers {
        for name in ["id", "created_at", "timings_ms"] {
            answer.as_object_mut().unwrap().remove(name);
        }
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(
        answers[0]["checks"]["face_match"]["thresholds"]["approve"]["target_fmr"],
        1e-5
    );
}

#[tokio::test]
async fn lists_in_a_form_are_repeated_parts_or_a_json_array() {
    let app = App::start().await;
    let lists = [
        app.watchlist("one", "alert").await,
        app.watchlist("two", "alert").await,
    ];
    let repeated = pair(person(1), person(1))
        .text("watchlist_ids", lists[0].clone())
        .text("watchlist_ids", lists[1].clone());
    let array = pair(person(1), person(1)).text("watchlist_ids", json!(lists).to_string());
    for form in [repeated, array] {
        let answer = app.post_form(PATH, form).await.expect(StatusCode::CREATED);
        assert_eq!(
            answer["checks"]["watchlist"]["searched"]
                .as_array()
                .unwrap()
                .len(),
            2
        );
    }
}

#[tokio::test]
async fn an_empty_list_of_a_form_names_no_watchlist_and_the_answer_says_so() {
    let app = App::start().await;
    let form = pair(person(1), person(1)).text("watchlist_ids", "");
    let answer = app.post_form(PATH, form).await.expect(StatusCode::CREATED);
    assert_eq!(answer["checks"]["watchlist"]["result"], "not_evaluated");
}

#[tokio::test]
async fn faults_of_a_form_are_named_and_values_are_not_repeated() {
    let app = App::start().await;
    let selfie_only = || Form::new().part("selfie", Part::bytes(person(1)));
    let secret = "Sup3rSecretValue";
    for (form, code, fault) in [
        (selfie_only(), "missing_part", "document:required"),
        (
            pair(person(1), person(1)).part("selfie", Part::bytes(person(1))),
            "validation_failed",
            "selfie:duplicate",
        ),
        (
            pair(person(1), person(1)).text("decision", "approved"),
            "validation_failed",
            "decision:unknown",
        ),
        (
            pair(person(1), person(1)).text("tenant_id", "other"),
            "validation_failed",
            "tenant_id:unknown",
        ),
        (
            pair(person(1), person(1)).text("metadata", secret),
            "validation_failed",
            "metadata:invalid",
        ),
        (
            pair(person(1), person(1)).text("policy", "[1]"),
            "validation_failed",
            "policy:invalid",
        ),
        (
            pair(person(1), person(1)).text("watchlist_ids", secret),
            "validation_failed",
            "watchlist_ids:invalid",
        ),
        (
            pair(person(1), person(1)).text("external_id", "x".repeat(129)),
            "validation_failed",
            "external_id:length",
        ),
        (
            pair(person(1), person(1)).text("external_id", "a\nb"),
            "validation_failed",
            "external_id:control_character",
        ),
        (
            pair(person(1), person(1)).text("metadata", r#"{"a": "\u0000"}"#),
            "validation_failed",
            "metadata:control_character",
        ),
    ] {
        let answer = app.post_form(PATH, form).await;
        answer.expect_problem(400, code);
        assert_eq!(answer.faults(), [fault]);
        assert!(!answer.body.to_string().contains(secret));
    }
}

#[tokio::test]
async fn faults_of_json_are_named_and_values_are_not_repeated() {
    let app = App::start().await;
    let good = STANDARD.encode(person(1));
    let body = |name: &str, value: Value| {
        let mut body = json!({"selfie": good, "document": good});
        body[name] = value;
        body
    };
    let url_safe = URL_SAFE_NO_PAD.encode([0xfb_u8, 0xff, 0xfe, 1]);
    for (body, fault) in [
        (body("selfie", json!("###")), "selfie:invalid"),
        (body("selfie", json!(url_safe)), "selfie:invalid"),
        (
            body("selfie", json!(format!("data:image/png;base64,{good}"))),
            "selfie:invalid",
        ),
        (body("selfie", json!(7)), "selfie:invalid"),
        (body("watchlist_ids", json!(["x"])), "watchlist_ids:invalid"),
        (
            body("external_id", json!("a\u{0}")),
            "external_id:control_character",
        ),
        (
            body("policy", json!({"approve_fmr": true})),
            "policy.approve_fmr:invalid",
        ),
    ] {
        let answer = app.post_json(PATH, &body).await;
        answer.expect_problem(400, "validation_failed");
        assert_eq!(answer.faults(), [fault]);
    }
    let twice = format!(r#"{{"selfie":"{good}","document":"{good}","selfie":"{good}"}}"#);
    let answer = raw(&app, "application/json", twice).await;
    answer.expect_problem(400, "validation_failed");
    assert_eq!(answer.faults(), ["selfie:duplicate"]);
}

#[tokio::test]
async fn what_is_no_form_at_all_is_told_apart() {
    let app = App::start().await;
    for (content_type, body, status, code) in [
        ("text/plain", "hello", 415, "unsupported_media_type"),
        (
            "application/x-www-form-urlencoded",
            "selfie=1",
            415,
            "unsupported_media_type",
        ),
        ("application/json", "{", 400, "malformed_request"),
        ("application/json", "[]", 400, "malformed_request"),
        ("application/json", "\u{feff}{}", 400, "malformed_request"),
        (
            "application/json",
            r#"{"selfie":"\ud800"}"#,
            400,
            "malformed_request",
        ),
        (
            "application/json",
            r#"{"policy":{"approve_fmr":1e400}}"#,
            400,
            "malformed_request",
        ),
        ("multipart/form-data", "x", 400, "malformed_request"),
        (
            "multipart/form-data; boundary=b",
            "--b\r\n\r\nx",
            400,
            "malformed_request",
        ),
    ] {
        raw(&app, content_type, body)
            .await
            .expect_problem(status, code);
    }
    let deep = format!(
        "{}{}",
        r#"{"metadata":"#.to_owned() + &r#"{"a":"#.repeat(500),
        "1"
    );
    raw(&app, "application/json", deep)
        .await
        .expect_problem(400, "malformed_request");
}

#[tokio::test]
async fn a_body_beyond_the_bound_is_refused_declared_or_not() {
    let app = App::start_with(Options {
        max_image_bytes: Some(1024),
        ..Options::default()
    })
    .await;
    let limit = 4 * 1024 + 256 * 1024;
    raw(
        &app,
        "multipart/form-data; boundary=b",
        vec![b'x'; limit + 1],
    )
    .await
    .expect_problem(413, "payload_too_large");
    raw(&app, "application/json", vec![b' '; limit * 2])
        .await
        .expect_problem(413, "payload_too_large");
    let chunks =
        futures_util::stream::iter((0..400).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1024])));
    let undeclared = reqwest::Body::wrap_stream(chunks);
    raw(&app, "application/json", undeclared)
        .await
        .expect_problem(413, "payload_too_large");
    let many = (0..65).fold(Form::new(), |form, i| form.text(format!("part{i}"), "x"));
    app.post_form(PATH, many)
        .await
        .expect_problem(413, "payload_too_large");
}
