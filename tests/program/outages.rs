//! A collector that is not there or does not answer costs nobody anything.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};

use crate::service::Service;

/// Requests that are made meanwhile.
const REQUESTS: usize = 300;
/// More than they take, and less than what waits for a collector would.
const LIMIT: Duration = Duration::from_secs(20);
/// More than the end takes, which waits for the collector a few seconds.
const STOP_LIMIT: Duration = Duration::from_secs(20);

async fn answers_come(collector: &str) {
    let service = Service::start(&[
        ("LIKENESS_OTLP_ENDPOINT", collector),
        ("LIKENESS_RATE_PER_MINUTE", "0"),
    ])
    .await;
    let started = Instant::now();
    for _ in 0..REQUESTS {
        let answer = service.request(Method::GET, "/v1/watchlists").send().await;
        assert_eq!(answer.unwrap().status(), StatusCode::OK);
    }
    let (request, form) = service.verification();
    let answer = request.multipart(form).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert!(started.elapsed() < LIMIT, "{:?}", started.elapsed());
    // Until the first spans have been given up.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let stopping = Instant::now();
    let log = service.stop();
    assert!(stopping.elapsed() < STOP_LIMIT, "{:?}", stopping.elapsed());
    let told = |what: &str| log.iter().filter(|line| line.contains(what)).count();
    assert_eq!(told("traces do not reach the collector"), 1, "{log:#?}");
    let lost = told("spans were lost on their way") + told("the last spans were not sent");
    assert!(lost > 0, "{log:#?}");
}

#[tokio::test]
async fn answers_come_while_the_collector_is_down() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    answers_come(&url).await;
}

#[tokio::test]
async fn answers_come_while_the_collector_hangs() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    answers_come(&format!("http://{}", listener.local_addr().unwrap())).await;
}
