//! Forms and JSON that nobody in good faith sends. Each is refused with its code, and none is a fault of the service.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::{Value, json};

use crate::app::{Answer, App, person};

const VERIFICATIONS: &str = "/v1/verifications";
const FORM: &str = "multipart/form-data; boundary=b";
const JSON: &str = "application/json";

async fn post(app: &App, path: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = app.request(Method::POST, path);
    Answer::of(request.header(CONTENT_TYPE, content_type).body(body)).await
}

/// A part with the headers as they stand.
fn part(headers: &str, content: &[u8]) -> Vec<u8> {
    [
        b"--b\r\n",
        headers.as_bytes(),
        b"\r\n\r\n",
        content,
        b"\r\n",
    ]
    .concat()
}

fn named(name: &str, content: &[u8]) -> Vec<u8> {
    part(
        &format!("Content-Disposition: form-data; name=\"{name}\""),
        content,
    )
}

/// A selfie and a document that match, around other parts.
fn form(others: &[Vec<u8>]) -> Vec<u8> {
    let pictures = ["selfie", "document"].map(|name| named(name, &person(1)));
    [&pictures.concat()[..], &others.concat(), b"--b--\r\n"].concat()
}

async fn still_good(app: &App) {
    let answer = post(app, VERIFICATIONS, FORM, form(&[])).await;
    assert_eq!(answer.status.as_u16(), 201, "{}", answer.body);
}

#[tokio::test]
async fn abused_forms_are_refused_with_their_codes() {
    let app = App::start().await;
    let disposition = "Content-Disposition: form-data; name=\"external_id\"";
    let many = |count: usize| {
        let parts: Vec<_> = (0..count).map(|n| named(&format!("p{n}"), b"x")).collect();
        form(&parts)
    };
    let whole = form(&[]);
    let cases: Vec<(&str, &str, Vec<u8>, u16, &str)> = vec![
        (
            "no boundary",
            "multipart/form-data",
            whole.clone(),
            400,
            "malformed_request",
        ),
        (
            "an empty boundary",
            "multipart/form-data; boundary=",
            whole.clone(),
            400,
            "malformed_request",
        ),
        (
            "a boundary that never comes",
            "multipart/form-data; boundary=c",
            whole.clone(),
            400,
            "malformed_request",
        ),
        (
            "another kind of multipart",
            "multipart/mixed; boundary=b",
            whole.clone(),
            415,
            "unsupported_media_type",
        ),
        ("nothing at all", FORM, Vec::new(), 400, "malformed_request"),
        (
            "only an end",
            FORM,
            b"--b--\r\n".to_vec(),
            400,
            "missing_part",
        ),
        (
            "no end",
            FORM,
            whole[..whole.len() - 7].to_vec(),
            400,
            "malformed_request",
        ),
        (
            "cut within a part",
            FORM,
            whole[..whole.len() / 2].to_vec(),
            400,
            "malformed_request",
        ),
        ("10,000 parts", FORM, many(10_000), 413, "payload_too_large"),
        ("63 unknown parts", FORM, many(63), 413, "payload_too_large"),
        (
            "a field twice",
            FORM,
            form(&[named("external_id", b"a"), named("external_id", b"b")]),
            400,
            "validation_failed",
        ),
        (
            "a picture twice",
            FORM,
            form(&[named("selfie", &person(2))]),
            400,
            "validation_failed",
        ),
        (
            "a part without a name",
            FORM,
            form(&[part("Content-Disposition: form-data", b"x")]),
            400,
            "malformed_request",
        ),
        (
            "a part without headers",
            FORM,
            form(&[part("X: y", b"x")]),
            400,
            "malformed_request",
        ),
        (
            "a header of 1 MB",
            FORM,
            form(&[part(
                &format!("{disposition}\r\nX-Long: {}", "x".repeat(1 << 20)),
                b"x",
            )]),
            413,
            "payload_too_large",
        ),
        (
            "a header without an end",
            FORM,
            [&b"--b\r\nX: "[..], &vec![b'x'; 200_000]].concat(),
            413,
            "payload_too_large",
        ),
        (
            "a thousand headers",
            FORM,
            form(&[part(
                &format!("{disposition}{}", "\r\nX: y".repeat(1_000)),
                b"x",
            )]),
            400,
            "malformed_request",
        ),
        (
            "a NUL in a header",
            FORM,
            form(&[part(&format!("{disposition}\r\nX: a\0b"), b"x")]),
            400,
            "malformed_request",
        ),
        (
            "a NUL in a name",
            FORM,
            form(&[named("external\0_id", b"x")]),
            400,
            "malformed_request",
        ),
        (
            "a name of 50,000 letters",
            FORM,
            form(&[named(&"n".repeat(50_000), b"x")]),
            400,
            "validation_failed",
        ),
        (
            "a name as a path of fields",
            FORM,
            form(&[named("policy.approve_fmr", b"1")]),
            400,
            "validation_failed",
        ),
        (
            "a text that is not UTF-8",
            FORM,
            form(&[named("external_id", b"\xC3\x28")]),
            400,
            "validation_failed",
        ),
        (
            "a text in overlong UTF-8",
            FORM,
            form(&[named("external_id", b"\xC0\x80")]),
            400,
            "validation_failed",
        ),
        (
            "a NUL in a text",
            FORM,
            form(&[named("external_id", b"a\0b")]),
            400,
            "validation_failed",
        ),
        (
            "a line break in a text",
            FORM,
            form(&[named("external_id", b"a\r\nb")]),
            400,
            "validation_failed",
        ),
        (
            "a policy that is not JSON",
            FORM,
            form(&[named("policy", b"{")]),
            400,
            "validation_failed",
        ),
        (
            "a policy with a name twice",
            FORM,
            form(&[named(
                "policy",
                br#"{"approve_fmr":1e-4,"approve_fmr":0.05}"#,
            )]),
            400,
            "validation_failed",
        ),
        (
            "a policy beyond numbers",
            FORM,
            form(&[named("policy", br#"{"approve_fmr":1e400}"#)]),
            400,
            "validation_failed",
        ),
        (
            "metadata that are deep",
            FORM,
            form(&[named("metadata", deep(500).as_bytes())]),
            400,
            "validation_failed",
        ),
        (
            "metadata with a NUL",
            FORM,
            form(&[named("metadata", br#"{"a":{"b":["\u0000"]}}"#)]),
            400,
            "validation_failed",
        ),
    ];
    for (name, content_type, body, status, code) in cases {
        let answer = post(&app, VERIFICATIONS, content_type, body).await;
        let got = (
            answer.status.as_u16(),
            answer.body["code"].as_str().unwrap_or_default(),
        );
        assert_eq!(got, (status, code), "{name}: {}", answer.body);
        answer.expect_problem(status, code);
        assert!(
            answer.body.to_string().len() < 2_000,
            "{name}: {}",
            answer.body
        );
        still_good(&app).await;
    }
}

#[tokio::test]
async fn a_file_name_means_nothing_whatever_it_says() {
    let app = App::start().await;
    for name in [
        "../../../etc/passwd",
        "C:\\\\windows\\\\system32",
        "photo.jpg.exe",
        "photo.png",
        "\u{202E}gpj.exe",
        "",
        "con",
        "$(reboot)",
        &"n".repeat(5_000),
    ] {
        let headers = format!(
            "Content-Disposition: form-data; name=\"selfie\"; filename=\"{name}\"\r\nContent-Type: text/html"
        );
        let body = [
            part(&headers, &person(1)),
            named("document", &person(1)),
            b"--b--\r\n".to_vec(),
        ];
        let answer = post(&app, VERIFICATIONS, FORM, body.concat()).await;
        assert_eq!(answer.status.as_u16(), 201, "{name:?}: {}", answer.body);
    }
}

fn deep(levels: usize) -> String {
    format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels))
}

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
    let allowed = with(&format!(r#""metadata":{}"#, deep(100)));
    let answer = post(&app, VERIFICATIONS, JSON, allowed).await;
    assert_eq!(answer.status.as_u16(), 201, "100 levels: {}", answer.body);
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
    let empty = app.post_json(VERIFICATIONS, &text(String::new())).await;
    empty.expect_problem(422, "no_face");
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
        check("expected", json!({"a": nul})),
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

#[tokio::test]
async fn a_compressed_body_is_not_opened() {
    let app = App::start().await;
    for encoding in [
        "gzip",
        "deflate",
        "br",
        "zstd",
        "identity, gzip",
        "GZIP",
        "x",
    ] {
        for content_type in [FORM, JSON] {
            let request = app
                .request(Method::POST, VERIFICATIONS)
                .header(CONTENT_TYPE, content_type)
                .header(CONTENT_ENCODING, encoding)
                .body(crate::encode::png::deflated_zeros(64 << 20));
            let answer = Answer::of(request).await;
            answer.expect_problem(415, "unsupported_media_type");
        }
    }
    let plain = app
        .request(Method::POST, VERIFICATIONS)
        .header(CONTENT_TYPE, FORM)
        .header(CONTENT_ENCODING, "identity")
        .body(form(&[]));
    assert_eq!(Answer::of(plain).await.status.as_u16(), 201);
}
