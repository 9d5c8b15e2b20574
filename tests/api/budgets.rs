//! Budgets of callers: what is refused, what is told, and that nothing of the body is read before.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use likeness::domain::budget::Allowance;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::app::{ALL_SCOPES, Answer, App, Options, pair, person, picture, token, token_of};
use crate::tokens::audit::{audit_lines, lines_by_request, listen};

async fn app_with(allowance: Allowance) -> App {
    App::start_with(Options {
        configure: Some(Box::new(move |config| config.allowance = allowance)),
        ..Options::default()
    })
    .await
}

fn requests(number: u64) -> Allowance {
    Allowance {
        requests_per_minute: NonZeroU64::new(number),
        ..Allowance::default()
    }
}

fn image(bytes: Vec<u8>) -> Form {
    Form::new().part("image", Part::bytes(bytes))
}

/// A request as somebody of the tenant `acme`.
fn request_of(app: &App, subject: &str, method: Method, path: &str) -> RequestBuilder {
    app.bare(method, path)
        .bearer_auth(token_of("acme", subject, ALL_SCOPES))
}

#[track_caller]
fn expect_limited(answer: &Answer, budget: &str) -> u64 {
    answer.expect_problem(429, "rate_limited");
    let header = |name: &str| answer.headers[name].to_str().unwrap();
    let wait = header("retry-after");
    let told = format!("\"{budget}\";r=0;t={wait}");
    assert!(
        header("ratelimit").contains(&told),
        "{told} in {}",
        header("ratelimit")
    );
    assert_eq!(answer.headers["cache-control"], "no-store");
    wait.parse().unwrap()
}

/// A connection on which the head of a request was sent that announces a body of so many bytes.
async fn announced(app: &App, path: &str, content_type: &str, length: u32) -> TcpStream {
    let address = app.address.trim_start_matches("http://");
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n",
        token("acme", ALL_SCOPES)
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket
}

/// How an answer begins, up to its status.
async fn status_line(socket: &mut TcpStream) -> String {
    let mut answer = [0; 12];
    socket.read_exact(&mut answer).await.unwrap();
    String::from_utf8(answer.to_vec()).unwrap()
}

#[tokio::test]
async fn whoever_asks_too_often_is_told_when_to_come_back() {
    let app = app_with(requests(3)).await;
    let get = |subject| Answer::of(request_of(&app, subject, Method::GET, "/v1/watchlists"));
    for left in [2, 1, 0] {
        let answer = get("ada").await;
        assert_eq!(answer.headers["ratelimit-policy"], "\"requests\";q=3;w=60");
        let told = answer.headers["ratelimit"].to_str().unwrap().to_owned();
        assert!(
            told.starts_with(&format!("\"requests\";r={left};t=")),
            "{told}"
        );
        answer.expect(StatusCode::OK);
    }
    let wait = expect_limited(&get("ada").await, "requests");
    assert!((1..=20).contains(&wait), "{wait}");
    // Others are not held to what she did; a new token does not help her.
    assert_eq!(get("bob").await.status, StatusCode::OK);
    let elsewhere = token_of("other", "ada", ALL_SCOPES);
    let elsewhere = app
        .bare(Method::GET, "/v1/watchlists")
        .bearer_auth(elsewhere);
    assert_eq!(Answer::of(elsewhere).await.status, StatusCode::OK);
    expect_limited(&get("ada").await, "requests");
    // What needs no token has no budget.
    for _ in 0..10 {
        let health = Answer::of(app.bare(Method::GET, "/healthz")).await;
        assert!(!health.headers.contains_key("ratelimit"));
        health.expect(StatusCode::OK);
    }
    let metrics = Answer::of(app.bare(Method::GET, "/metrics")).await.body;
    let line = "likeness_throttled_total{budget=\"requests\"} 2";
    assert!(metrics.as_str().unwrap().contains(line), "{metrics}");
}

#[tokio::test]
async fn a_used_up_budget_leaves_one_line_in_the_audit_log_that_names_it() {
    listen();
    let searches = Allowance {
        searches_per_minute: NonZeroU64::new(1),
        ..Allowance::default()
    };
    let app = app_with(searches).await;
    let check = || app.verify(person(1), person(1));
    let (within, beyond) = (check().await, check().await);
    expect_limited(&beyond, "searches");
    let lines = lines_by_request();
    let audited = |answer: &Answer| {
        let id = answer.headers["x-request-id"].to_str().unwrap();
        let lines = lines.get(id).cloned().unwrap_or_default();
        let lines = audit_lines(&lines).into_iter();
        lines.map(|line| line["fields"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(audited(&within), [json!(null); 0]);
    let line = json!({
        "message": "a caller's budget is used up",
        "audit.event": "throttled",
        "audit.budget": "searches",
    });
    assert_eq!(audited(&beyond), [line]);
}

#[tokio::test]
async fn failures_count_and_tell_the_budget_too_but_strangers_have_none() {
    let app = app_with(requests(100)).await;
    for (path, status) in [
        ("/v1/watchlists?limit=x", 400),
        ("/v1/nothing", 404),
        ("/v1/faces/detect", 405),
    ] {
        let answer = app.get(path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert!(answer.headers.contains_key("ratelimit"), "{path}");
    }
    let narrow = app
        .bare(Method::GET, "/v1/verifications")
        .bearer_auth(token("acme", "watchlist:read"));
    let narrow = Answer::of(narrow).await;
    narrow.expect_problem(403, "forbidden");
    let told = narrow.headers["ratelimit"].to_str().unwrap();
    assert!(told.starts_with("\"requests\";r=9"), "{told}");
    let stranger = Answer::of(app.bare(Method::GET, "/v1/watchlists")).await;
    stranger.expect_problem(401, "unauthenticated");
    assert!(!stranger.headers.contains_key("ratelimit"));
}

#[tokio::test]
async fn an_upload_beyond_the_budget_is_refused_before_its_body_is_read() {
    for (allowance, budget) in [
        (requests(1), "requests"),
        (
            Allowance {
                bytes_per_minute: NonZeroU64::new(10),
                ..Allowance::default()
            },
            "bytes",
        ),
        (
            Allowance {
                searches_per_minute: NonZeroU64::new(1),
                ..Allowance::default()
            },
            "searches",
        ),
    ] {
        let app = app_with(allowance).await;
        app.verify(person(1), person(1))
            .await
            .expect(StatusCode::CREATED);
        // Nothing of the body follows, and the answer comes all the same.
        let form = "multipart/form-data; boundary=b";
        let mut socket = announced(&app, "/v1/verifications", form, 40_000).await;
        assert_eq!(status_line(&mut socket).await, "HTTP/1.1 429", "{budget}");
    }
}

#[tokio::test]
async fn bodies_are_paid_for_by_their_bytes_declared_or_not() {
    let app = app_with(Allowance {
        bytes_per_minute: NonZeroU64::new(6000),
        ..Allowance::default()
    })
    .await;
    for (subject, chunked) in [("ada", false), ("bob", true)] {
        let post = || {
            let request = request_of(&app, subject, Method::POST, "/v1/watchlists")
                .header("content-type", "application/json");
            let body = format!("{{\"name\": \"{}\"}}", "x".repeat(9000));
            Answer::of(if chunked {
                let chunks = body
                    .into_bytes()
                    .chunks(1000)
                    .map(<[u8]>::to_vec)
                    .collect::<Vec<_>>();
                let chunks = chunks.into_iter().map(Ok::<_, std::io::Error>);
                request.body(reqwest::Body::wrap_stream(futures_util::stream::iter(
                    chunks,
                )))
            } else {
                request.body(body)
            })
        };
        // One may be larger than the budget; what it takes too much is made up by waiting.
        post().await.expect_problem(400, "validation_failed");
        let wait = expect_limited(&post().await, "bytes");
        assert!((25..=35).contains(&wait), "{wait}");
    }
}

#[tokio::test]
async fn what_was_declared_and_not_sent_is_not_paid_for() {
    let app = app_with(Allowance {
        bytes_per_minute: NonZeroU64::new(1_000_000),
        ..Allowance::default()
    })
    .await;
    // Refused for its size, unread.
    let mut socket = announced(&app, "/v1/faces/detect", "application/json", 90_000_000).await;
    assert_eq!(status_line(&mut socket).await, "HTTP/1.1 413");
    let next = app.get("/v1/watchlists").await;
    let told = next.headers["ratelimit"].to_str().unwrap();
    assert_eq!(told, "\"bytes\";r=1000000;t=0");
}

#[tokio::test]
async fn what_a_caller_sent_before_hanging_up_is_paid_for() {
    let app = app_with(Allowance {
        bytes_per_minute: NonZeroU64::new(100_000),
        ..Allowance::default()
    })
    .await;
    let mut socket = announced(&app, "/v1/faces/detect", "application/json", 600_000).await;
    socket.write_all(b"{\"image\": \"").await.unwrap();
    socket.write_all(&[b'A'; 500_000]).await.unwrap();
    drop(socket);
    // What is declared is held back until the service notices: then what was sent stays paid.
    let mut waits = Vec::new();
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        waits.push(expect_limited(&app.get("/v1/watchlists").await, "bytes"));
    }
    let last = *waits.last().unwrap();
    assert!((200..=245).contains(&last), "{waits:?}");
}

#[tokio::test]
async fn requests_at_the_same_time_are_bounded_and_others_are_not_affected() {
    let app = app_with(Allowance {
        concurrency: NonZeroU32::new(2),
        ..Allowance::default()
    })
    .await;
    let slow = |subject| {
        let request = request_of(&app, subject, Method::POST, "/v1/faces/detect");
        Answer::of(request.multipart(image(picture(json!({"takes_ms": 700})))))
    };
    let answers = futures_util::future::join_all((0..6).map(|_| slow("ada"))).await;
    let (answered, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((answered.len(), refused.len()), (2, 4));
    for answer in refused {
        assert_eq!(expect_limited(answer, "concurrency"), 1);
        let policy = "\"concurrency\";q=2;qu=\"concurrent-requests\"";
        assert_eq!(answer.headers["ratelimit-policy"], policy);
    }
    assert_eq!(slow("ada").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_caller_who_hangs_up_is_no_longer_under_way() {
    let app = app_with(Allowance {
        concurrency: NonZeroU32::new(1),
        ..Allowance::default()
    })
    .await;
    let hasty = app
        .request(Method::POST, "/v1/faces/detect")
        .multipart(image(picture(json!({"takes_ms": 300}))))
        .timeout(Duration::from_millis(100));
    assert!(hasty.send().await.unwrap_err().is_timeout());
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while app.get("/v1/watchlists").await.status == StatusCode::TOO_MANY_REQUESTS {
        assert!(
            tokio::time::Instant::now() < deadline,
            "it is counted for ever"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn every_request_that_tells_a_similarity_is_drawn_from_one_budget() {
    let app = app_with(Allowance {
        searches_per_minute: NonZeroU64::new(2),
        ..Allowance::default()
    })
    .await;
    let list = Answer::of(
        request_of(&app, "founder", Method::POST, "/v1/watchlists").json(&json!({"name": "l"})),
    )
    .await
    .expect(StatusCode::CREATED)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let subjects = format!("/v1/watchlists/{list}/subjects");
    let enrol = request_of(&app, "founder", Method::POST, &subjects).multipart(image(person(1)));
    let made = Answer::of(enrol).await.expect(StatusCode::CREATED);
    let faces = format!("{subjects}/{}/faces", made["id"].as_str().unwrap());
    let compared = || {
        Form::new()
            .part("source", Part::bytes(person(1)))
            .part("target", Part::bytes(person(1)))
    };
    let cases: [(Method, String, &dyn Fn() -> Form); 6] = [
        (Method::POST, "/v1/verifications".to_owned(), &|| {
            pair(person(1), person(1))
        }),
        (Method::POST, "/v1/faces/compare".to_owned(), &compared),
        (
            Method::POST,
            format!("/v1/watchlists/{list}/search"),
            &|| image(person(1)),
        ),
        (Method::POST, subjects.clone(), &|| image(person(2))),
        (Method::PUT, format!("{subjects}/by-external-id/k"), &|| {
            image(person(3))
        }),
        (Method::POST, faces, &|| image(person(1))),
    ];
    for (number, (method, path, form)) in cases.iter().enumerate() {
        let subject = format!("caller-{number}");
        // A caller whom the scope keeps out has spent nothing.
        let narrow = app
            .bare(method.clone(), path)
            .bearer_auth(token_of("acme", &subject, "unknown"));
        Answer::of(narrow).await.expect_problem(403, "forbidden");
        let ask = || Answer::of(request_of(&app, &subject, method.clone(), path).multipart(form()));
        for _ in 0..2 {
            let answer = ask().await;
            assert!(answer.status.is_success(), "{path}: {}", answer.body);
        }
        let wait = expect_limited(&ask().await, "searches");
        assert!((1..=30).contains(&wait), "{wait}");
        // Everything else goes on.
        let detect = request_of(&app, &subject, Method::POST, "/v1/faces/detect");
        let detect = Answer::of(detect.multipart(image(person(1)))).await;
        assert_eq!(detect.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_thousand_queries_do_not_climb_a_score() {
    // As much as the service grants by default.
    let app = app_with(Allowance {
        searches_per_minute: NonZeroU64::new(600),
        ..Allowance::default()
    })
    .await;
    let list = app.watchlist("l", "alert").await;
    let path = format!("/v1/watchlists/{list}/search");
    let mut answered = 0;
    for _ in 0..20 {
        let round = (0..50).map(|_| app.post_form(&path, image(person(1))));
        let answers = futures_util::future::join_all(round).await;
        answered += answers.iter().filter(|answer| answer.status == 200).count();
    }
    // Ten a second flow in while it lasts.
    assert!((600..900).contains(&answered), "{answered}");
    let metrics = Answer::of(app.bare(Method::GET, "/metrics")).await.body;
    assert!(
        metrics
            .as_str()
            .unwrap()
            .contains("likeness_throttled_total{budget=\"searches\"}")
    );
}
