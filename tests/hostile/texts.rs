//! JSON, base64 and texts that nobody in good faith sends. Each is refused with its code.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::app::{App, person};
use crate::forms::{JSON, VERIFICATIONS, deep, post, still_good};

#[tokio::test]
async fn abused_json_is_refused_with_its_codes() {
    let app = App::start().await;
    let image = STANDARD.encode(person(1));
    let pictures = format!(r#""selfie":"{image}","document":"{image}""#);
    let with = |members: &str| format!("{{{pictures},{members}}}").into_bytes();
    let cases: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        ("nothing", Vec::new(), 400, "malformed_request"),
        ("an array", b"[]".to_vec(), 400, "malformed_request"),
        ("null", b"null".to_vec(), 400, "malformed_request"),
        ("a number", b"1".to_vec(), 400, "malformed_request"),
        (
            "a byte order mark",
            [&b"\xEF\xBB\xBF"[..], &with(r#""external_id":"a""#)].concat(),
            400,
            "malformed_request",
        ),
        (
            "UTF-16",
            "{}".encode_utf16().flat_map(u16::to_le_bytes).collect(),
            400,
            "malformed_request",
        ),
        (
            "no end",
            with(r#""external_id":"a""#)[..90].to_vec(),
            400,
            "malformed_request",
        ),
        (
            "two documents",
            [with(r#""external_id":"a""#), b"{}".to_vec()].concat(),
            400,
            "malformed_request",
        ),
        ("a comma too many", with(""), 400, "malformed_request"),
        (
            "a comment",
            with("/* a */\"external_id\":\"a\""),
            400,
            "malformed_request",
        ),
        (
            "not a number",
            with(r#""metadata":{"a":NaN}"#),
            400,
            "malformed_request",
        ),
        (
            "1e400",
            with(r#""policy":{"approve_fmr":1e400}"#),
            400,
            "malformed_request",
        ),
        (
            "-1e400",
            with(r#""metadata":{"a":-1e400}"#),
            400,
            "malformed_request",
        ),
        (
            "1e-400",
            with(r#""policy":{"approve_fmr":1e-400}"#),
            400,
            "validation_failed",
        ),
        (
            "a number of 10,000 digits",
            with(&format!(
                r#""policy":{{"approve_fmr":0.{}}}"#,
                "9".repeat(10_000)
            )),
            400,
            "validation_failed",
        ),
        (
            "bytes that are not UTF-8",
            [
                &with(r#""external_id":"a"#)[..0],
                b"{\"external_id\":\"\xFF\"}",
            ]
            .concat(),
            400,
            "malformed_request",
        ),
        (
            "a lone high surrogate",
            with(r#""external_id":"\ud800""#),
            400,
            "malformed_request",
        ),
        (
            "a lone low surrogate",
            with(r#""external_id":"\udc00x""#),
            400,
            "malformed_request",
        ),
        (
            "surrogates the wrong way round",
            with(r#""metadata":{"a":"\udc00\ud800"}"#),
            400,
            "malformed_request",
        ),
        (
            "a control character that is not escaped",
            with("\"external_id\":\"a\nb\""),
            400,
            "malformed_request",
        ),
        ("a field twice", with(&pictures), 400, "validation_failed"),
        (
            "a name twice in the policy",
            with(r#""policy":{"approve_fmr":1e-4,"approve_fmr":0.05}"#),
            400,
            "malformed_request",
        ),
        (
            "a name twice in the metadata",
            with(r#""metadata":{"a":{"b":1,"b":2}}"#),
            400,
            "malformed_request",
        ),
        (
            "a name twice, once escaped",
            with(r#""metadata":{"a":1,"\u0061":2}"#),
            400,
            "malformed_request",
        ),
        (
            "100 levels",
            with(&format!(r#""metadata":{}"#, deep(100))),
            400,
            "validation_failed",
        ),
        (
            "500 levels",
            with(&format!(r#""metadata":{}"#, deep(500))),
            400,
            "malformed_request",
        ),
        (
            "100,000 levels of nothing",
            "[".repeat(100_000).into_bytes(),
            400,
            "malformed_request",
        ),
        (
            "an unknown field",
            with(r#""__proto__":{}"#),
            400,
            "validation_failed",
        ),
        (
            "a picture in a picture",
            with(r#""document_back":{"$ref":"a"}"#),
            400,
            "validation_failed",
        ),
    ];
    for (name, body, status, code) in cases {
        let answer = post(&app, VERIFICATIONS, JSON, body).await;
        let got = (
            answer.status.as_u16(),
            answer.body["code"].as_str().unwrap_or_default(),
        );
        assert_eq!(got, (status, code), "{name}: {}", answer.body);
        answer.expect_problem(status, code);
        still_good(&app).await;
    }
    let allowed = with(&format!(r#""metadata":{}"#, deep(10)));
    let answer = post(&app, VERIFICATIONS, JSON, allowed).await;
    assert_eq!(answer.status.as_u16(), 201, "10 levels: {}", answer.body);
}

#[tokio::test]
async fn base64_is_taken_as_the_standard_writes_it_and_in_no_other_way() {
    let app = App::start().await;
    // Of a length that needs padding, with both characters in which the alphabets differ.
    let mut picture = person(1);
    picture.extend([b' '; 2]);
    while picture.len() % 3 != 1 {
        picture.push(b' ');
    }
    let good = STANDARD.encode(&picture);
    let text = |selfie: String| json!({"selfie": selfie, "document": good});
    for (name, selfie) in [
        ("no padding", good.trim_end_matches('=').to_owned()),
        ("too much padding", format!("{good}=")),
        ("padding in the middle", format!("{good}{good}")),
        ("spaces", good.replace('e', "e ")),
        ("line breaks", format!("{}\r\n{}", &good[..4], &good[4..])),
        ("a trailing line break", format!("{good}\n")),
        ("a data URI", format!("data:image/jpeg;base64,{good}")),
        ("the alphabet of URLs", "_-8=".to_owned()),
        ("percent signs", "%2F%2F8%3D".to_owned()),
        ("bits that are not used", "AB==".to_owned()),
        ("a letter of another alphabet", "АAAA".to_owned()),
    ] {
        let answer = app.post_json(VERIFICATIONS, &text(selfie)).await;
        answer.expect_problem(400, "validation_failed");
        assert_eq!(answer.faults(), ["selfie:invalid"], "{name}");
    }
    let answer = app.post_json(VERIFICATIONS, &text(good.clone())).await;
    assert_eq!(answer.status.as_u16(), 201, "{}", answer.body);
    // Nothing sent is nothing that is a picture: the backend of these tests takes it for one of nobody.
    let body = json!({"selfie": good, "document": ""});
    let empty = app.post_json(VERIFICATIONS, &body).await;
    empty.expect_problem(422, "no_face");
    // Where a session may stand in its place, it is as if nothing was sent.
    let empty = app.post_json(VERIFICATIONS, &text(String::new())).await;
    empty.expect_problem(400, "missing_part");
}

#[tokio::test]
async fn a_nul_in_any_text_is_the_callers_fault() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let image = STANDARD.encode(person(1));
    let check = |field: &str, value: Value| {
        let mut body = json!({"selfie": image, "document": image});
        body[field] = value;
        (VERIFICATIONS.to_owned(), body)
    };
    let subjects = format!("/v1/watchlists/{list}/subjects");
    let subject = |field: &str, value: Value| {
        let mut body = json!({"display_name": "n", "image": [image]});
        body[field] = value;
        (subjects.clone(), body)
    };
    let nul = "a\u{0}b";
    for (path, body) in [
        check("external_id", json!(nul)),
        check("metadata", json!({"a": nul})),
        check("metadata", json!({nul: 1})),
        check("metadata", json!({"a": [{"b": [nul]}]})),
        check("metadata", json!({"a": {nul: {}}})),
        check("expected", json!({"first_names": nul})),
        check("watchlist_ids", json!([nul])),
        check("selfie", json!(nul)),
        check(nul, json!(1)),
        subject("display_name", json!(nul)),
        subject("external_id", json!(nul)),
        subject("metadata", json!({"a": nul})),
        subject("valid_until", json!(nul)),
        (
            "/v1/watchlists".to_owned(),
            json!({"name": nul, "kind": "alert"}),
        ),
        (
            "/v1/watchlists".to_owned(),
            json!({"name": "n", "kind": nul}),
        ),
    ] {
        let answer = app.post_json(&path, &body).await;
        answer.expect_problem(400, "validation_failed");
    }
    for query in [
        "external_id=%00",
        "external_id=a%00b",
        "external_id=%FF%00",
        "cursor=%00",
        "decision=%00",
        "limit=%00",
        "%00=1",
    ] {
        let answer = app.get(&format!("{VERIFICATIONS}?{query}")).await;
        answer.expect_problem(400, "validation_failed");
    }
    for path in [
        "/v1/verifications/%00",
        "/v1/watchlists/%00/subjects",
        "/v1/%00",
    ] {
        let answer = app.get(path).await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.body);
    }
    still_good(&app).await;
}
