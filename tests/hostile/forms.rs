//! Forms that nobody in good faith sends. Each is refused with its code, and none is a fault of the service.

use reqwest::Method;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};

use crate::app::{Answer, App, person};

pub const VERIFICATIONS: &str = "/v1/verifications";
const FORM: &str = "multipart/form-data; boundary=b";
pub const JSON: &str = "application/json";

pub async fn post(
    app: &App,
    path: &str,
    content_type: &str,
    body: impl Into<reqwest::Body>,
) -> Answer {
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

pub async fn still_good(app: &App) {
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
            "a NUL in a file name",
            FORM,
            form(&[part(&format!("{disposition}; filename=\"a\0b.jpg\""), b"x")]),
            400,
            "malformed_request",
        ),
        (
            "a line break in a file name",
            FORM,
            form(&[part(
                &format!("{disposition}; filename=\"a\r\nb.jpg\""),
                b"x",
            )]),
            400,
            "malformed_request",
        ),
        (
            "a header that follows a file name's line break",
            FORM,
            form(&[part(
                &format!("{disposition}; filename=\"a\r\nX-Injected: b.jpg\""),
                b"x",
            )]),
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
        "a%0D%0AX-Injected: b%00.jpg",
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

/// An object in an object, and so on.
pub fn deep(levels: usize) -> String {
    format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels))
}
