//! Checks of one person that are not approved: five in a quarter of an hour, on all replicas together.

use std::num::NonZeroU32;
use std::time::Duration;

use likeness::domain::budget::AttemptLimit;
use reqwest::StatusCode;
use secrecy::SecretString;
use serde_json::json;

use crate::app::{ALL_SCOPES, Answer, App, Options, lookalike, pair, person, picture, token};
use crate::support;

const QUARTER: Duration = Duration::from_secs(900);

/// A service on the database, as it is by default but for the window.
async fn replica(database: &SecretString, window: Duration) -> App {
    let limit = AttemptLimit {
        failures: NonZeroU32::new(5).unwrap(),
        window,
    };
    App::start_with(Options {
        database: Some(database.clone()),
        queue_capacity: Some(256),
        configure: Some(Box::new(move |config| config.attempts = Some(limit))),
        ..Options::default()
    })
    .await
}

async fn check(app: &App, external_id: &str, document: Vec<u8>) -> Answer {
    let form = pair(person(1), document).text("external_id", external_id.to_owned());
    app.post_form("/v1/verifications", form).await
}

#[track_caller]
fn expect_decision(answer: Answer, decision: &str) {
    assert_eq!(answer.expect(StatusCode::CREATED)["decision"], decision);
}

#[track_caller]
fn expect_locked_out(answer: &Answer) -> u64 {
    answer.expect_problem(429, "too_many_attempts");
    answer.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap()
}

#[tokio::test]
async fn the_sixth_attempt_is_refused_on_every_replica_and_after_a_restart() {
    let database = support::database().await;
    let (one, other) = (
        replica(&database, QUARTER).await,
        replica(&database, QUARTER).await,
    );
    expect_decision(check(&one, "ada", person(1)).await, "approved");
    for (app, document, decision) in [
        (&one, person(2), "declined"),
        (&other, person(2), "declined"),
        (&one, lookalike(1, 0.375), "review"),
        (&other, person(3), "declined"),
        (&one, person(2), "declined"),
    ] {
        expect_decision(check(app, "ada", document).await, decision);
    }
    let restarted = replica(&database, QUARTER).await;
    for app in [&one, &other, &restarted] {
        // Nobody looks at the pictures any more: this one would fail.
        let broken = picture(json!({"fails": "inference"}));
        let wait = expect_locked_out(&check(app, "ada", broken).await);
        assert!((850..=900).contains(&wait), "{wait}");
        expect_locked_out(&check(app, "ada", person(1)).await);
    }
    // What was answered can be erased; the count stays.
    let page = one.get("/v1/verifications?external_id=ada").await;
    let page = page.expect(StatusCode::OK);
    assert_eq!(page["items"].as_array().unwrap().len(), 6);
    for item in page["items"].as_array().unwrap() {
        let path = format!("/v1/verifications/{}", item["id"].as_str().unwrap());
        one.delete(&path).await;
    }
    expect_locked_out(&check(&other, "ada", person(1)).await);
    // It is about that person of that tenant.
    expect_decision(check(&one, "bob", person(2)).await, "declined");
    let elsewhere = one
        .bare(reqwest::Method::POST, "/v1/verifications")
        .bearer_auth(token("other", ALL_SCOPES))
        .multipart(pair(person(1), person(2)).text("external_id", "ada"));
    expect_decision(Answer::of(elsewhere).await, "declined");
}

#[tokio::test]
async fn sending_all_attempts_at_once_gains_nothing() {
    let database = support::database().await;
    let apps = [
        replica(&database, QUARTER).await,
        replica(&database, QUARTER).await,
    ];
    let attempts = (0..40).map(|number| check(&apps[number % 2], "ada", person(2)));
    let answers = futures_util::future::join_all(attempts).await;
    let told = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(told, 5);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        expect_locked_out(answer);
    }
    let kept = apps[0].get("/v1/verifications?external_id=ada").await.body;
    assert_eq!(kept["items"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn the_window_slides() {
    let database = support::database().await;
    let app = replica(&database, Duration::from_secs(3)).await;
    for _ in 0..5 {
        expect_decision(check(&app, "ada", person(2)).await, "declined");
    }
    let wait = expect_locked_out(&check(&app, "ada", person(1)).await);
    assert!((1..=3).contains(&wait), "{wait}");
    tokio::time::sleep(Duration::from_secs(wait)).await;
    expect_decision(check(&app, "ada", person(1)).await, "approved");
}

#[tokio::test]
async fn only_answers_count_and_only_those_that_name_somebody() {
    let database = support::database().await;
    let app = replica(&database, QUARTER).await;
    for _ in 0..7 {
        let nobody = picture(json!({"faces": []}));
        check(&app, "ada", nobody)
            .await
            .expect_problem(422, "no_face");
        expect_decision(check(&app, "ada", person(1)).await, "approved");
        expect_decision(app.verify(person(1), person(2)).await, "declined");
    }
    expect_decision(check(&app, "ada", person(2)).await, "declined");
}
