//! Jobs: who sees them, how they end, and how their rows are worked off.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{PATIENCE, archive, fates, fates_of, finished, post, settled, zip};
use crate::app::{Answer, App, Options, person, picture, token};

#[tokio::test]
async fn another_tenant_finds_neither_the_job_nor_the_list() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let job = finished(
        &app,
        post(&app, &list, archive(zip(&[("a.jpg", person(1))]))).await,
    )
    .await;
    let id = job["id"].as_str().unwrap();
    let foreign = token("other", "watchlist:read watchlist:write");
    for (method, path) in [
        (Method::GET, format!("/v1/jobs/{id}")),
        (Method::GET, format!("/v1/jobs/{id}/rows")),
        (Method::GET, format!("/v1/jobs/{id}/result")),
        (Method::POST, format!("/v1/jobs/{id}/cancel")),
        (Method::POST, format!("/v1/watchlists/{list}/imports")),
    ] {
        let answer = Answer::of(app.bare(method, &path).bearer_auth(&foreign)).await;
        answer.expect_problem(404, "not_found");
    }
    let jobs = Answer::of(app.bare(Method::GET, "/v1/jobs").bearer_auth(&foreign)).await;
    assert_eq!(jobs.expect(StatusCode::OK)["items"], json!([]));
}

/// People whose pictures take a while.
fn slow(count: usize) -> Vec<u8> {
    let files: Vec<_> = (0..count)
        .map(|number| {
            let image = picture(json!({"faces": [{"person": number}], "takes_ms": 30}));
            (format!("p{number}.jpg"), image)
        })
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(name, image)| (name.as_str(), image.clone()))
        .collect();
    zip(&files)
}

#[tokio::test]
async fn a_cancelled_import_keeps_what_it_enrolled_and_nothing_of_the_rest() {
    let options = Options {
        workers: Some(1),
        ..Options::default()
    };
    let app = App::start_with(options).await;
    let list = app.watchlist("l", "alert").await;
    let job = post(&app, &list, archive(slow(300))).await;
    let job = job.expect(StatusCode::ACCEPTED);
    let path = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
    let deadline = Instant::now() + PATIENCE;
    while app.get(&path).await.expect(StatusCode::OK)["done"] == 0 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let cancelled = app.post_json(&format!("{path}/cancel"), &json!({})).await;
    let cancelled = cancelled.expect(StatusCode::OK);
    assert_eq!(cancelled["state"], "cancelled");
    let done = cancelled["done"].as_u64().unwrap();
    assert!((1..300).contains(&done), "{cancelled}");
    let path_of = |state| format!("{path}/rows?state={state}&limit=200");
    while app.get(&path_of("pending")).await.expect(StatusCode::OK)["items"] != json!([]) {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let list = app.get(&format!("/v1/watchlists/{list}")).await;
    assert_eq!(list.expect(StatusCode::OK)["faces"], done);
    let again = app.post_json(&format!("{path}/cancel"), &json!({})).await;
    assert_eq!(
        again.expect(StatusCode::OK)["finished_at"],
        cancelled["finished_at"]
    );
}

#[tokio::test]
async fn deleting_a_list_ends_its_imports() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let job = post(&app, &list, archive(slow(100))).await;
    let job = job.expect(StatusCode::ACCEPTED);
    let gone = app.delete(&format!("/v1/watchlists/{list}")).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let path = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
    app.get(&path).await.expect_problem(404, "not_found");
    // The runner is free for the next one.
    let list = app.watchlist("l", "alert").await;
    let job = finished(
        &app,
        post(&app, &list, archive(zip(&[("a.jpg", person(1))]))).await,
    )
    .await;
    assert_eq!(job["failed"], 0);
}

#[tokio::test]
async fn requests_are_answered_while_an_import_runs() {
    let options = Options {
        queue_capacity: Some(8),
        ..Options::default()
    };
    let app = App::start_with(options).await;
    let list = app.watchlist("l", "alert").await;
    let job = post(&app, &list, archive(slow(200))).await;
    let path = job.headers["location"].to_str().unwrap().to_owned();
    for _ in 0..10 {
        app.verify(person(1), person(1))
            .await
            .expect(StatusCode::CREATED);
    }
    let job = app.get(&path).await.expect(StatusCode::OK);
    assert_eq!(job["state"], "running", "it went on all the while");
    let job = settled(&app, &path).await;
    assert_eq!([&job["done"], &job["failed"]], [&json!(200), &json!(0)]);
}

#[tokio::test]
async fn a_picture_that_the_models_fail_on_is_tried_again_and_then_refused() {
    let app = App::start().await;
    let files = zip(&[
        ("a.jpg", person(1)),
        ("b.jpg", picture(json!({"fails": "inference"}))),
        ("c.jpg", person(3)),
    ]);
    assert_eq!(
        fates(&app, archive(files)).await,
        ["a.jpg: succeeded", "b.jpg: internal", "c.jpg: succeeded"]
    );
}

#[tokio::test]
async fn rows_keep_to_the_rules_of_single_enrolments() {
    let app = App::start().await;
    let form = json!({"name": "l", "on_duplicate": "reject"});
    let list = app.post_json("/v1/watchlists", &form).await;
    let list = list.expect(StatusCode::CREATED)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    app.enrol(&list, "known", person(1)).await;
    let small = picture(json!({"faces": [{"person": 3, "eye_distance": 9.0}]}));
    let files = zip(&[
        ("known/2.jpg", person(1)),
        ("other.jpg", person(1)),
        ("twin-a.jpg", person(2)),
        ("twin-b.jpg", person(2)),
        ("small.jpg", small),
    ]);
    let mut fates = fates_of(&app, &list, archive(files)).await;
    assert_eq!(fates[0], "succeeded", "a further face of themselves");
    assert_eq!(fates[1], "duplicate_subject");
    assert_eq!(fates[4], "quality_too_low");
    fates[2..4].sort();
    assert_eq!(
        fates[2..4],
        ["duplicate_subject", "succeeded"],
        "within one transaction"
    );
}

#[tokio::test]
async fn jobs_and_rows_come_in_pages() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let mut made = Vec::new();
    for number in 0..3 {
        let files = zip(&[
            ("a.jpg", person(number)),
            ("b.jpg", b"{}".to_vec()),
            ("c.jpg", person(9)),
        ]);
        let job = finished(&app, post(&app, &list, archive(files)).await).await;
        made.push(job["id"].clone());
    }
    made.reverse();
    let mut seen = Vec::new();
    let mut path = "/v1/jobs?limit=2".to_owned();
    loop {
        let page = app.get(&path).await.expect(StatusCode::OK);
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|job| job["id"].clone()),
        );
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/v1/jobs?limit=2&cursor={next}");
    }
    assert_eq!(seen, made, "newest first");
    let rows = format!("/v1/jobs/{}/rows", seen[0].as_str().unwrap());
    let first = app
        .get(&format!("{rows}?limit=2"))
        .await
        .expect(StatusCode::OK);
    let next = first["next_cursor"].as_str().unwrap();
    let second = app
        .get(&format!("{rows}?limit=2&cursor={next}"))
        .await
        .expect(StatusCode::OK);
    let numbers = |page: &Value| -> Vec<Value> {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["number"].clone())
            .collect()
    };
    assert_eq!([numbers(&first), numbers(&second)].concat(), [1, 2, 3]);
    assert_eq!(second["next_cursor"], Value::Null);
    let failed = app
        .get(&format!("{rows}?state=failed"))
        .await
        .expect(StatusCode::OK);
    assert_eq!(numbers(&failed), [2]);
    app.get(&format!("{rows}?state=lost"))
        .await
        .expect_problem(400, "validation_failed");
}
