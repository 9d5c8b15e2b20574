//! How long records are kept: chosen by a tenant, shortened by a request, and shown.

use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use likeness::domain::embedder::Embedder;
use likeness::domain::ids::TenantId;
use likeness::domain::verification::Verification;
use likeness::store::Store;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::app::{ALL_SCOPES, Answer, App, Options, pair, person, token};
use crate::support;

const RETENTION: &str = "/v1/retention";

fn with_default(days: u16) -> Options {
    Options {
        configure: Some(Box::new(move |config| {
            config.lifecycle.retention_days = NonZeroU16::new(days);
        })),
        ..Options::default()
    }
}

fn instant(value: &Value) -> OffsetDateTime {
    OffsetDateTime::parse(value.as_str().unwrap(), &Rfc3339).unwrap()
}

/// Days between a record's making and its end.
fn days(body: &Value) -> Option<i64> {
    let end = &body["delete_after"];
    let kept = || instant(end) - instant(&body["created_at"]);
    // The record's own time has nanoseconds, its end microseconds.
    (!end.is_null()).then(|| (kept().as_seconds_f64() / 86_400.0).round() as i64)
}

#[tokio::test]
async fn a_tenant_chooses_and_reads_what_it_chose() {
    let app = App::start_with(with_default(60)).await;
    let unset = json!({"verification_days": null, "job_days": null,
        "purge_expired_subjects_after_days": null, "default_days": 60});
    assert_eq!(app.get(RETENTION).await.expect(StatusCode::OK), unset);
    let chosen =
        json!({"verification_days": 30, "job_days": 7, "purge_expired_subjects_after_days": 0});
    let put = app
        .put_json(RETENTION, &chosen)
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        (&put["job_days"], &put["default_days"]),
        (&json!(7), &json!(60))
    );
    assert_eq!(app.get(RETENTION).await.expect(StatusCode::OK), put);
    let stranger = token("globex", ALL_SCOPES);
    let foreign = Answer::of(app.bare(Method::GET, RETENTION).bearer_auth(stranger)).await;
    assert_eq!(foreign.expect(StatusCode::OK), unset);
    // All of it anew: what is not named is not chosen any more.
    let put = app.put_json(RETENTION, &json!({"job_days": 7})).await;
    assert_eq!(put.expect(StatusCode::OK)["verification_days"], Value::Null);
}

#[tokio::test]
async fn a_choice_out_of_bounds_is_refused_and_one_for_audit_events_is_not_known() {
    let app = App::start().await;
    for (body, fault) in [
        (json!({"verification_days": 0}), "verification_days:range"),
        (json!({"job_days": 36_501}), "job_days:range"),
        (
            json!({"purge_expired_subjects_after_days": 36_501}),
            "purge_expired_subjects_after_days:range",
        ),
        (json!({"job_days": -1}), "job_days:invalid"),
        (json!({"audit_event_days": 30}), "audit_event_days:unknown"),
    ] {
        let refused = app.put_json(RETENTION, &body).await;
        refused.expect_problem(400, "validation_failed");
        assert_eq!(refused.faults(), [fault]);
    }
}

#[tokio::test]
async fn an_answer_says_until_when_it_is_kept_and_a_request_can_only_shorten_that() {
    let app = App::start().await;
    let verified = async |retention_days: Option<u16>| {
        let form = pair(person(1), person(1));
        let form = retention_days.into_iter().fold(form, |form, days| {
            form.text("retention_days", days.to_string())
        });
        let made = app.post_form("/v1/verifications", form).await;
        let made = made.expect(StatusCode::CREATED);
        let path = format!("/v1/verifications/{}", made["id"].as_str().unwrap());
        assert_eq!(app.get(&path).await.expect(StatusCode::OK), made);
        days(&made)
    };
    assert_eq!(verified(None).await, None);
    assert_eq!(verified(Some(5)).await, Some(5));
    let put = app
        .put_json(RETENTION, &json!({"verification_days": 30}))
        .await;
    put.expect(StatusCode::OK);
    assert_eq!(verified(None).await, Some(30));
    assert_eq!(verified(Some(5)).await, Some(5));
    assert_eq!(verified(Some(31)).await, Some(30));
    let listed = app.get("/v1/verifications").await.expect(StatusCode::OK);
    let ends: Vec<_> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(days)
        .collect();
    assert_eq!(
        ends,
        [30, 5, 30, 5, 30].map(Some),
        "also what was there before"
    );
    for bad in ["0", "36501", "soon"] {
        let form = pair(person(1), person(1)).text("retention_days", bad);
        let refused = app.post_form("/v1/verifications", form).await;
        refused.expect_problem(400, "validation_failed");
    }
}

#[tokio::test]
async fn the_default_of_the_service_ends_verifications() {
    let app = App::start_with(with_default(20)).await;
    let made = app.verify(person(1), person(1)).await;
    assert_eq!(days(&made.expect(StatusCode::CREATED)), Some(20));
}

#[tokio::test]
async fn a_running_service_deletes_what_is_due_by_itself() {
    let first = App::start().await;
    let made = first.verify(person(1), person(1)).await;
    let made = made.expect(StatusCode::CREATED);
    let id = made["id"].as_str().unwrap().parse::<uuid::Uuid>().unwrap();
    let acme = TenantId::parse("acme").unwrap();
    let mut records = first.store.begin(&acme).await.unwrap();
    let kept = records.find_verification(id.into()).await.unwrap();
    let mut old: Verification = kept.unwrap().verification;
    drop(records);
    // The same check, in a database whose service was down when it became due.
    old.created_at -= time::Duration::days(10);
    let database = support::database().await;
    let store = Store::connect(&database, 2).await.unwrap();
    store
        .register_model(Embedder::default().id(), Embedder::default().dimensions())
        .await
        .unwrap();
    let mut records = store.begin(&acme).await.unwrap();
    records.insert_verification(&old, Some(9)).await.unwrap();
    records.commit().await.unwrap();
    let options = Options {
        database: Some(database),
        ..Options::default()
    };
    let app = App::start_with(options).await;
    let deadline = Instant::now() + Duration::from_secs(60);
    while app.get(&format!("/v1/verifications/{id}")).await.status != StatusCode::NOT_FOUND {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
