//! Every route with every kind of token: the document says which scope lets in, and only that one does.

use likeness::api::openapi;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::app::{ALL_SCOPES, Answer, App, token};

/// Method, path and scope of every operation, as documented.
fn operations() -> Vec<(Method, String, Option<String>)> {
    let document = serde_json::to_value(openapi()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) else {
                continue;
            };
            let scope = operation
                .pointer("/security/0/bearer/0")
                .and_then(Value::as_str)
                .map(ToOwned::to_owned);
            operations.push((method, path.clone(), scope));
        }
    }
    operations
}

/// The path with ids that name nothing.
fn filled(path: &str) -> String {
    ["{id}", "{subject_id}", "{face_id}", "{external_id}"]
        .iter()
        .fold(path.to_owned(), |path, name| {
            path.replace(name, "01990000-0000-7000-8000-000000000000")
        })
}

#[tokio::test]
async fn every_route_opens_with_its_scope_and_with_nothing_less() {
    let app = App::start().await;
    let operations = operations();
    assert!(operations.len() >= 20, "{operations:?}");
    for (method, path, scope) in operations {
        let Some(scope) = scope else {
            assert!(
                ["/healthz", "/readyz", "/metrics"].contains(&path.as_str()),
                "{path} is open to all"
            );
            continue;
        };
        let request = || app.bare(method.clone(), &filled(&path));
        Answer::of(request())
            .await
            .expect_problem(401, "unauthenticated");
        Answer::of(request().bearer_auth("expired.or.forged"))
            .await
            .expect_problem(401, "unauthenticated");
        for other in ALL_SCOPES.split(' ').filter(|other| *other != scope) {
            let answer = Answer::of(request().bearer_auth(token("acme", other))).await;
            assert_eq!(
                answer.status,
                StatusCode::FORBIDDEN,
                "{method} {path} with {other}"
            );
            answer.expect_problem(403, "forbidden");
        }
        let unknown = "root verify:all watchlist";
        Answer::of(request().bearer_auth(token("acme", unknown)))
            .await
            .expect_problem(403, "forbidden");
        let answer = Answer::of(request().bearer_auth(token("acme", &scope))).await;
        let status = answer.status;
        assert!(
            ![StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status)
                && !status.is_server_error(),
            "{method} {path} with {scope}: {status}"
        );
    }
}

#[tokio::test]
async fn an_unauthorised_upload_is_refused_before_its_body_is_read() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let app = App::start().await;
    let narrow = token("acme", "watchlist:read");
    for (header, status) in [
        (String::new(), "401"),
        (format!("Authorization: Bearer {narrow}\r\n"), "403"),
    ] {
        let mut socket = tokio::net::TcpStream::connect(app.address.trim_start_matches("http://"))
            .await
            .unwrap();
        let head = format!(
            "POST /v1/verifications HTTP/1.1\r\nHost: x\r\n{header}Content-Type: multipart/form-data; boundary=b\r\n\
             Content-Length: 40000\r\n\r\n"
        );
        // Nothing of the body follows, and the answer comes all the same.
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        socket.read_exact(&mut answer).await.unwrap();
        assert_eq!(
            std::str::from_utf8(&answer).unwrap(),
            format!("HTTP/1.1 {status}")
        );
    }
}
