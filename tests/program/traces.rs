//! What of a request a collector gets to see, and what not.

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as Outcome;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::collector::Collector;
use crate::service::{Service, TENANT, fixture};
use crate::spans::{attributes, only, spans};

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT_ID: &str = "00f067aa0ba902b7";
/// Everything that any span may say.
const KNOWN_ATTRIBUTES: [&str; 19] = [
    "committed",
    "db.system.name",
    "decode_ms",
    "detect_ms",
    "embed_ms",
    "error.type",
    "eyes_ms",
    "http.method",
    "http.request.method",
    "http.response.status_code",
    "http.route",
    "landmarks_ms",
    "layout",
    "lists",
    "liveness_ms",
    "pose_ms",
    "request.id",
    "trace_id",
    "zone_ms",
];

fn traceparent(sampled: &str) -> String {
    format!("00-{TRACE_ID}-{PARENT_ID}-{sampled}")
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// The names of the spans right below one.
fn below<'a>(spans: &'a [Span], parent: &Span) -> Vec<&'a str> {
    let children = spans
        .iter()
        .filter(|span| span.parent_span_id == parent.span_id);
    children.map(|span| &*span.name).collect()
}

#[tokio::test]
async fn a_verification_is_part_of_its_callers_trace_and_nothing_personal_is_in_it() {
    let collector = Collector::start();
    let service = Service::start(&[("LIKENESS_OTLP_ENDPOINT", &collector.url)]).await;
    let list: Value = service
        .request(Method::POST, "/v1/watchlists")
        .json(&json!({"name": "canary-list-name", "kind": "block"}))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let list = list["id"].as_str().unwrap().to_owned();
    let (request, form) = service.verification();
    let form = form
        .text("watchlist_ids", list.clone())
        .text("external_id", "canary-external-id")
        .text("metadata", json!({"note": "canary-metadata"}).to_string());
    let answer = request
        .header("traceparent", traceparent("01"))
        .header("tracestate", "vendor=canary-state")
        .header("x-request-id", "request-of-the-test")
        .header("user-agent", "canary-agent")
        .multipart(form)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    let answer: Value = answer.json().await.unwrap();
    let id = answer["id"].as_str().unwrap().to_owned();
    let read = format!("/v1/verifications/{id}?canary-query=1");
    let (not_sampled, unknown) = (traceparent("00"), "/v1/canary-path");
    for (path, header) in [
        (&*read, None),
        (&*read, Some(&*not_sampled)),
        (unknown, None),
    ] {
        let request = service.request(Method::GET, path);
        let request = match header {
            Some(header) => request.header("traceparent", header),
            None => request,
        };
        request.send().await.unwrap();
    }
    let log = service.stop();
    let sent = collector.sent();

    assert!(!sent.is_empty(), "{log:#?}");
    for sent in &sent {
        assert_eq!(sent.head[0], "post /v1/traces http/1.1");
        let binary = "content-type: application/x-protobuf".to_owned();
        assert!(sent.head.contains(&binary), "{:?}", sent.head);
    }
    let spans = spans(&sent);
    let trace = bytes(TRACE_ID);
    let root = only(&spans, &trace, "POST /v1/verifications");
    assert_eq!(root.parent_span_id, bytes(PARENT_ID));
    assert_eq!(root.kind(), SpanKind::Server);
    assert_eq!(root.trace_state, "");
    let said = attributes(root);
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/v1/verifications"),
        ("http.response.status_code", "201"),
        ("request.id", "request-of-the-test"),
    ] {
        assert_eq!(said[name], value, "{said:?}");
    }
    let stages = below(&spans, root);
    let count = |name: &str| stages.iter().filter(|stage| **stage == name).count();
    // The selfie and the portrait are looked at, and the zone is looked for.
    assert_eq!((count("queue"), count("analysis")), (3, 3), "{stages:?}");
    assert_eq!((count("watchlist search"), count("decision")), (1, 1));
    assert!(count("transaction") >= 2, "{stages:?}");
    let search = only(&spans, &trace, "watchlist search");
    assert!(below(&spans, search).contains(&"transaction"));
    let of_trace = |span: &&Span| span.trace_id == trace;
    let selfie = spans
        .iter()
        .filter(of_trace)
        .map(attributes)
        .find(|said| said.get("layout").is_some_and(|layout| layout == "selfie"))
        .unwrap();
    for stage in ["decode_ms", "detect_ms", "embed_ms", "liveness_ms"] {
        assert!(selfie[stage].parse::<f64>().unwrap() > 0.0, "{selfie:?}");
    }

    let mut roots: Vec<&str> = spans
        .iter()
        .filter(|span| span.parent_span_id.is_empty())
        .map(|span| &*span.name)
        .collect();
    roots.sort_unstable();
    // What is not asked for by a request is not there, and neither is what a caller does not want to be traced.
    let expected = ["GET", "GET /v1/verifications/{id}", "POST /v1/watchlists"];
    assert_eq!(roots, expected);
    for span in &spans {
        assert!(span.events.is_empty() && span.links.is_empty(), "{span:?}");
        for name in attributes(span).keys() {
            assert!(KNOWN_ATTRIBUTES.contains(name), "{name} of {}", span.name);
        }
    }
    // The last is how every token begins.
    for personal in ["canary", TENANT, &list, &id, "obama", "127.0.0.1", "eyJ"] {
        let found = sent
            .iter()
            .any(|sent| memchr::memmem::find(&sent.body, personal.as_bytes()).is_some());
        assert!(!found, "{personal}");
    }
    let line = log
        .iter()
        .find(|line| line.contains("request answered") && line.contains("request-of-the-test"))
        .unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["span"]["trace_id"], TRACE_ID, "{line}");
    assert_eq!(line["span"]["name"], "request", "{line}");
}

#[tokio::test]
async fn a_request_that_fails_is_an_error_in_its_trace() {
    let collector = Collector::start();
    let settings = [
        ("LIKENESS_OTLP_ENDPOINT", &*collector.url),
        ("LIKENESS_QUEUE_CAPACITY", "1"),
        ("LIKENESS_TRACE_RATIO", "1"),
    ];
    let service = Service::start(&settings).await;
    let detect = || {
        let form = reqwest::multipart::Form::new().part("image", fixture("obama2.jpg"));
        let request = service.request(Method::POST, "/v1/faces/detect");
        request.multipart(form).send()
    };
    let answers = futures_util::future::join_all((0..16).map(|_| detect())).await;
    let refused = answers
        .iter()
        .filter(|answer| answer.as_ref().unwrap().status() == StatusCode::SERVICE_UNAVAILABLE);
    let refused = refused.count();
    assert!(refused > 0);
    drop(service.stop());
    let spans = spans(&collector.sent());
    let failed: Vec<_> = spans
        .iter()
        .filter(|span| {
            span.status
                .as_ref()
                .is_some_and(|s| s.code() == Outcome::Error)
        })
        .collect();
    assert_eq!(failed.len(), refused);
    for span in failed {
        let said = attributes(span);
        assert_eq!(span.name, "POST /v1/faces/detect");
        assert_eq!(said["error.type"], "503");
        assert_eq!(said["http.response.status_code"], "503");
    }
}
