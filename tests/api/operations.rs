//! Health, metrics, request ids, the shape of failures, and what happens under load.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::app::{Answer, App, Options, person, picture};
use crate::imports;

#[tokio::test]
async fn health_and_readiness_are_open_and_readiness_tries_every_part() {
    let app = App::start().await;
    for path in ["/healthz", "/readyz"] {
        let answer = Answer::of(app.bare(Method::GET, path)).await;
        assert_eq!(
            answer.expect(StatusCode::OK),
            json!({"status": "ok"}),
            "{path}"
        );
    }
    app.store.close().await;
    let unready = Answer::of(app.bare(Method::GET, "/readyz")).await;
    unready.expect_problem(503, "unavailable");
    assert_eq!(unready.headers["retry-after"], "1");
    assert_eq!(
        Answer::of(app.bare(Method::GET, "/healthz")).await.status,
        StatusCode::OK
    );
}

/// A coarse pass that picks nobody finds nobody.
#[tokio::test]
async fn readiness_says_degraded_where_the_measured_recall_is_below_the_floor() {
    let options = Options {
        configure: Some(Box::new(|config| {
            config.search.exact_faces = 10;
            config.search.candidates = 0;
            config.search.self_test_every = Duration::from_millis(20);
        })),
        ..Options::default()
    };
    let app = App::start_with(options).await;
    let ready = async || Answer::of(app.bare(Method::GET, "/readyz")).await;
    assert_eq!(
        ready().await.expect(StatusCode::OK),
        json!({"status": "ok"})
    );
    let list = app.watchlist("l", "alert").await;
    let files: Vec<_> = (0..80)
        .map(|number| (format!("p{number}.jpg"), person(number)))
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(name, image)| (name.as_str(), image.clone()))
        .collect();
    let import = imports::post(&app, &list, imports::archive(imports::zip(&files))).await;
    assert_eq!(imports::finished(&app, import).await["failed"], 0);
    // Searches see to it that codes get into memory, where they are tested.
    let search = format!("/v1/watchlists/{list}/search");
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        app.post_form(&search, form(person(1)))
            .await
            .expect(StatusCode::OK);
        let answer = ready().await.expect(StatusCode::OK);
        if answer != json!({"status": "ok"}) {
            assert_eq!(
                answer,
                json!({"status": "degraded", "parts": ["search_recall"]})
            );
            break;
        }
        assert!(Instant::now() < deadline, "the recall is not tested");
    }
    // What is not there cannot be searched badly.
    app.delete(&format!("/v1/watchlists/{list}")).await;
    while ready().await.expect(StatusCode::OK) != json!({"status": "ok"}) {
        assert!(Instant::now() < deadline, "a list that is gone counts");
    }
}

#[tokio::test]
async fn a_lost_database_is_a_503_and_never_an_empty_answer() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    app.store.close().await;
    for answer in [
        app.get("/v1/watchlists").await,
        app.verify(person(1), person(1)).await,
        app.post_form(&format!("/v1/watchlists/{list}/search"), form(person(1)))
            .await,
    ] {
        answer.expect_problem(503, "unavailable");
        assert_eq!(answer.headers["retry-after"], "1");
    }
}

fn form(image: Vec<u8>) -> reqwest::multipart::Form {
    reqwest::multipart::Form::new().part("image", reqwest::multipart::Part::bytes(image))
}

#[tokio::test]
async fn a_lost_worker_makes_the_service_unready() {
    let app = App::start_with(Options {
        workers: Some(1),
        ..Options::default()
    })
    .await;
    let lost = app
        .post_form("/v1/faces/detect", form(picture(json!({"fails": "panic"}))))
        .await;
    lost.expect_problem(500, "internal");
    Answer::of(app.bare(Method::GET, "/readyz"))
        .await
        .expect_problem(503, "unavailable");
}

#[tokio::test]
async fn beyond_the_queue_requests_are_turned_away_at_once() {
    let options = Options {
        workers: Some(1),
        queue_capacity: Some(1),
        ..Options::default()
    };
    let app = App::start_with(options).await;
    let slow = || app.post_form("/v1/faces/detect", form(picture(json!({"takes_ms": 1500}))));
    let answers = futures_util::future::join_all((0..6).map(|_| slow())).await;
    let statuses: Vec<u16> = answers
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    assert!(statuses.contains(&200), "{statuses:?}");
    let refused: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status.as_u16() != 200)
        .collect();
    assert!(refused.len() >= 3, "{statuses:?}");
    for answer in refused {
        answer.expect_problem(503, "overloaded");
        assert_eq!(answer.headers["retry-after"], "1");
    }
}

#[tokio::test]
async fn a_request_that_takes_longer_than_its_deadline_is_a_504() {
    let options = Options {
        request_deadline: Some(Duration::from_millis(200)),
        ..Options::default()
    };
    let app = App::start_with(options).await;
    let late = app
        .post_form("/v1/faces/detect", form(picture(json!({"takes_ms": 2000}))))
        .await;
    late.expect_problem(504, "deadline_exceeded");
}

#[tokio::test]
async fn wrong_paths_and_methods_are_told_apart() {
    let app = App::start().await;
    for path in [
        "/nothing",
        "/v1/nothing",
        "/v1/verifications/not-an-id",
        "/docs/nothing",
    ] {
        app.get(path).await.expect_problem(404, "not_found");
    }
    for (method, path, allowed) in [
        (Method::PUT, "/v1/verifications", "GET, POST"),
        (Method::POST, "/healthz", "GET"),
        (
            Method::PUT,
            "/v1/watchlists/01990000-0000-7000-8000-000000000000",
            "GET, PATCH, DELETE",
        ),
        (Method::GET, "/v1/faces/detect", "POST"),
    ] {
        let answer = Answer::of(app.request(method.clone(), path)).await;
        answer.expect_problem(405, "method_not_allowed");
        assert_eq!(answer.headers["allow"], allowed, "{method} {path}");
    }
}

#[tokio::test]
async fn a_request_id_is_echoed_and_answers_are_not_stored() {
    let app = App::start().await;
    let answer = Answer::of(
        app.request(Method::GET, "/v1/watchlists")
            .header("x-request-id", "order-17"),
    )
    .await;
    assert_eq!(answer.headers["x-request-id"], "order-17");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    let refused = Answer::of(
        app.bare(Method::GET, "/v1/watchlists")
            .header("x-request-id", "order-18"),
    )
    .await;
    assert_eq!(refused.body["request_id"], "order-18");
}

#[tokio::test]
async fn metrics_count_by_route_and_hold_nothing_personal() {
    let app = App::start().await;
    let list = app.watchlist("People of interest", "block").await;
    app.enrol(&list, "canary-key", person(1)).await;
    let body = app
        .verify(person(1), person(1))
        .await
        .expect(StatusCode::CREATED);
    let id = body["id"].as_str().unwrap();
    app.get(&format!("/v1/verifications/{id}"))
        .await
        .expect(StatusCode::OK);
    let answer = Answer::of(app.bare(Method::GET, "/metrics")).await;
    assert!(
        answer.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("application/openmetrics-text")
    );
    let text = answer.expect(StatusCode::OK);
    let text = text.as_str().unwrap();
    for line in [
        r#"likeness_http_requests_total{method="GET",route="/v1/verifications/{id}",status="200"} 1"#,
        r#"likeness_verifications_total{decision="approved"} 1"#,
        r#"likeness_stage_duration_seconds_count{stage="queue"} 4"#,
        r#"likeness_queue_depth{of="faces"} 0"#,
        r#"likeness_database_connections{state="max"}"#,
    ] {
        assert!(text.contains(line), "{text}");
    }
    for personal in [id, &list, "canary-key", "People of interest", "acme"] {
        assert!(!text.contains(personal), "{personal}");
    }
}
