//! Clients that do not keep to the protocol, byte by byte.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::app::{ALL_SCOPES, App, Options, person, token};

/// Far beyond any timeout of the service's.
const PATIENCE: Duration = Duration::from_secs(30);

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// The head of a POST with a valid token and these headers.
fn head(headers: &str) -> String {
    let token = token("acme", ALL_SCOPES);
    format!(
        "POST /v1/verifications HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n{headers}\r\n\r\n"
    )
}

fn good_body() -> Vec<u8> {
    let image = STANDARD.encode(person(1));
    json!({"selfie": image, "document": image})
        .to_string()
        .into_bytes()
}

/// All that comes until the other side closes: the first status and its body.
fn read_all(stream: &mut TcpStream) -> (u16, Value) {
    let mut bytes = Vec::new();
    // A reset is an end as well: the other side did not want the rest.
    let ended = stream.read_to_end(&mut bytes);
    let timed_out = |error: &std::io::Error| {
        matches!(
            error.kind(),
            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
        )
    };
    assert!(
        !ended.as_ref().is_err_and(timed_out),
        "the connection is still open"
    );
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> (u16, Value) {
    let text = String::from_utf8_lossy(bytes);
    let status = text
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let first = serde_json::Deserializer::from_str(body).into_iter().next();
    (
        status.unwrap_or(0),
        first.and_then(Result::ok).unwrap_or(Value::Null),
    )
}

/// What a client's whole conversation comes to.
async fn talk(app: &App, speak: impl FnOnce(&mut TcpStream) + Send + 'static) -> (u16, Value) {
    let address = app.address.clone();
    let conversation = move || {
        let mut stream = connect(&address);
        speak(&mut stream);
        read_all(&mut stream)
    };
    tokio::task::spawn_blocking(conversation).await.unwrap()
}

async fn app(body_timeout: Duration) -> App {
    let body_timeout = Some(body_timeout);
    App::start_with(Options {
        body_timeout,
        ..Options::default()
    })
    .await
}

#[tokio::test]
async fn a_body_that_does_not_come_is_cut_off_and_the_connection_closed() {
    let app = app(Duration::from_millis(300)).await;
    for (headers, start) in [
        ("Content-Length: 1000", &b""[..]),
        ("Content-Length: 1000", b"{\"selfie\":"),
        ("Transfer-Encoding: chunked", b""),
        ("Transfer-Encoding: chunked", b"5\r\n{\"se"),
    ] {
        let started = Instant::now();
        let start = start.to_vec();
        let (status, body) = talk(&app, move |stream| {
            stream.write_all(head(headers).as_bytes()).unwrap();
            stream.write_all(&start).unwrap();
        })
        .await;
        assert_eq!(
            (status, &body["code"]),
            (408, &json!("body_timeout")),
            "{headers}: {body}"
        );
        assert!(started.elapsed() < PATIENCE, "{headers}");
    }
}

#[tokio::test]
async fn a_body_that_drips_is_cut_off_however_long_it_keeps_dripping() {
    let app = app(Duration::from_millis(500)).await;
    let (status, body) = talk(&app, |stream| {
        stream
            .write_all(head("Transfer-Encoding: chunked").as_bytes())
            .unwrap();
        // Each write is well within the time; all of them together are not.
        let drips = Instant::now();
        while drips.elapsed() < Duration::from_secs(3) && stream.write_all(b"1\r\n \r\n").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    })
    .await;
    // A reset may overtake the answer; what matters is that it ended.
    assert!(matches!(status, 0 | 408), "{status}: {body}");
    let next = app.verify(person(1), person(1)).await;
    assert_eq!(next.status.as_u16(), 201);
}

#[tokio::test]
async fn a_body_in_chunks_of_one_byte_is_a_body() {
    let app = app(PATIENCE).await;
    let (status, body) = talk(&app, |stream| {
        stream.set_nodelay(true).unwrap();
        stream
            .write_all(head("Connection: close\r\nTransfer-Encoding: chunked").as_bytes())
            .unwrap();
        for byte in good_body() {
            stream
                .write_all(&[b'1', b'\r', b'\n', byte, b'\r', b'\n'])
                .unwrap();
        }
        stream.write_all(b"0\r\n\r\n").unwrap();
    })
    .await;
    assert_eq!(
        (status, &body["decision"]),
        (201, &json!("approved")),
        "{body}"
    );
}

#[tokio::test]
async fn a_length_that_is_wrong_is_the_callers_fault() {
    let app = app(PATIENCE).await;
    let length = good_body().len();
    let (status, body) = talk(&app, move |stream| {
        stream
            .write_all(
                head(&format!(
                    "Connection: close\r\nContent-Length: {}",
                    length - 9
                ))
                .as_bytes(),
            )
            .unwrap();
        stream.write_all(&good_body()).unwrap();
    })
    .await;
    assert_eq!(
        (status, &body["code"]),
        (400, &json!("malformed_request")),
        "too small: {body}"
    );
    // The client promises more than it sends, and says that it has nothing more to say.
    let (status, body) = talk(&app, move |stream| {
        stream
            .write_all(head(&format!("Content-Length: {}", length + 9)).as_bytes())
            .unwrap();
        stream.write_all(&good_body()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
    })
    .await;
    assert!(matches!(status, 0 | 400), "too large: {status} {body}");
    let next = app.verify(person(1), person(1)).await;
    assert_eq!(next.status.as_u16(), 201);
}

#[tokio::test]
async fn framing_that_two_readers_could_read_in_two_ways_is_refused() {
    let app = app(Duration::from_secs(1)).await;
    for headers in [
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Content-Length: -1",
        "Content-Length: +5",
        "Content-Length: 99999999999999999999",
        "Content-Length: 5, 5",
        "Transfer-Encoding: chunked, gzip",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    ] {
        let (status, body) = talk(&app, move |stream| {
            stream.write_all(head(headers).as_bytes()).unwrap();
            let _ = stream.write_all(b"5\r\n{ \r\n");
            let _ = stream.shutdown(Shutdown::Write);
        })
        .await;
        assert!(
            status == 0 || (400..500).contains(&status),
            "{headers}: {status} {body}"
        );
    }
    for chunks in [
        "zz\r\n{}\r\n",
        "-1\r\n{}\r\n",
        "FFFFFFFFFFFFFFFFF\r\n{}",
        "2{}\r\n",
        "2\r\n{}0\r\n\r\n",
    ] {
        let (status, body) = talk(&app, move |stream| {
            stream
                .write_all(head("Transfer-Encoding: chunked").as_bytes())
                .unwrap();
            let _ = stream.write_all(chunks.as_bytes());
            let _ = stream.shutdown(Shutdown::Write);
        })
        .await;
        assert!(
            status == 0 || (400..500).contains(&status),
            "{chunks:?}: {status} {body}"
        );
    }
    let (status, _) = talk(&app, |stream| {
        let long = format!("X-Long: {}", "x".repeat(1 << 20));
        let _ = stream.write_all(head(&long).as_bytes());
    })
    .await;
    assert!(
        status == 0 || (400..500).contains(&status),
        "a head of 1 MB: {status}"
    );
    let next = app.verify(person(1), person(1)).await;
    assert_eq!(next.status.as_u16(), 201);
}

#[tokio::test]
async fn an_answer_that_needs_no_body_closes_the_connection_of_a_body_that_drips() {
    let app = app(PATIENCE).await;
    let bare = "POST /v1/verifications HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
    for framing in ["Transfer-Encoding: chunked", "Content-Length: 1000"] {
        let head = format!("{bare}{framing}\r\n\r\n");
        let (status, body) = talk(&app, move |stream| {
            stream.write_all(head.as_bytes()).unwrap()
        })
        .await;
        assert_eq!(
            (status, &body["code"]),
            (401, &json!("unauthenticated")),
            "{framing}"
        );
    }
}
