//! Consent: kept and shown where it is named, demanded where the service is told to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use likeness::domain::consent::ConsentRule;
use reqwest::header::CONTENT_TYPE;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::{Answer, App, Options, pair, person};
use crate::imports::{archive, fates_of, finished, post, rows, zip};

fn consent() -> Value {
    json!({"id": "c-1", "text_version": "2026-10", "given_at": "2026-10-01T08:00:00Z"})
}

async fn strict() -> App {
    let options = Options {
        configure: Some(Box::new(|config| {
            config.lifecycle.consent = ConsentRule::Required
        })),
        ..Options::default()
    };
    App::start_with(options).await
}

fn subject(number: usize) -> Form {
    Form::new().part("image", Part::bytes(person(number)))
}

#[tokio::test]
async fn consent_is_kept_with_the_record_and_shown() {
    let app = App::start().await;
    let form = pair(person(1), person(1)).text("consent", consent().to_string());
    let made = app.post_form("/v1/verifications", form).await;
    let made = made.expect(StatusCode::CREATED);
    assert_eq!(made["consent"], consent());
    let path = format!("/v1/verifications/{}", made["id"].as_str().unwrap());
    assert_eq!(app.get(&path).await.expect(StatusCode::OK), made);

    let list = app.watchlist("l", "alert").await;
    let people = format!("/v1/watchlists/{list}/subjects");
    let form = subject(1).text("consent", json!({"id": "c-2"}).to_string());
    let made = app
        .post_form(&people, form)
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(
        made["consent"],
        json!({"id": "c-2", "text_version": null, "given_at": null})
    );
    let path = format!("{people}/{}", made["id"].as_str().unwrap());
    let changed = app.patch(&path, &json!({"consent": consent()})).await;
    assert_eq!(changed.expect(StatusCode::OK)["consent"], consent());
    let page = app.get(&people).await.expect(StatusCode::OK);
    assert_eq!(page["items"][0]["consent"], consent());
    let cleared = app.patch(&path, &json!({"consent": null})).await;
    assert_eq!(cleared.expect(StatusCode::OK)["consent"], Value::Null);
}

#[tokio::test]
async fn a_consent_out_of_bounds_is_refused_by_field() {
    let app = App::start().await;
    for (consent, code, fault) in [
        (json!({}), "missing_part", "consent.id:required"),
        (json!({"id": ""}), "validation_failed", "consent.id:length"),
        (
            json!({"id": "a", "text_version": "x".repeat(65)}),
            "validation_failed",
            "consent.text_version:length",
        ),
        (
            json!({"id": "a", "purpose": "x"}),
            "validation_failed",
            "consent.purpose:unknown",
        ),
    ] {
        let form = pair(person(1), person(1)).text("consent", consent.to_string());
        let refused = app.post_form("/v1/verifications", form).await;
        refused.expect_problem(400, code);
        assert_eq!(refused.faults(), [fault]);
    }
}

#[tokio::test]
async fn where_it_is_required_nobody_is_verified_or_enrolled_without() {
    let app = strict().await;
    let refused = app.verify(person(1), person(1)).await;
    refused.expect_problem(400, "consent_required");
    assert_eq!(refused.faults(), ["consent:required"]);
    let none = app.get("/v1/verifications").await.expect(StatusCode::OK);
    assert_eq!(none["items"], json!([]));
    let form = pair(person(1), person(1)).text("consent", consent().to_string());
    let made = app.post_form("/v1/verifications", form).await;
    made.expect(StatusCode::CREATED);

    let list = app.watchlist("l", "alert").await;
    let people = format!("/v1/watchlists/{list}/subjects");
    let by_key = format!("{people}/by-external-id/k");
    for refused in [
        app.post_form(&people, subject(1)).await,
        app.put_form(&by_key, subject(1)).await,
    ] {
        refused.expect_problem(400, "consent_required");
    }
    let form = subject(1).text("consent", consent().to_string());
    let made = app
        .put_form(&by_key, form)
        .await
        .expect(StatusCode::CREATED);
    let path = format!("{people}/{}", made["id"].as_str().unwrap());
    let face = app.post_form(&format!("{path}/faces"), subject(2)).await;
    face.expect(StatusCode::CREATED);
    let taken = app.patch(&path, &json!({"consent": null})).await;
    taken.expect_problem(400, "consent_required");
    let renamed = app.patch(&path, &json!({"display_name": "N"})).await;
    assert_eq!(renamed.expect(StatusCode::OK)["consent"], consent());
}

#[tokio::test]
async fn a_face_is_not_added_to_somebody_whose_consent_is_not_known() {
    let database = crate::support::database().await;
    let sharing = |rule| Options {
        database: Some(database.clone()),
        configure: Some(Box::new(move |config| config.lifecycle.consent = rule)),
        ..Options::default()
    };
    let lax = App::start_with(sharing(ConsentRule::Optional)).await;
    let strict = App::start_with(sharing(ConsentRule::Required)).await;
    let list = lax.watchlist("l", "alert").await;
    let id = lax.enrol(&list, "k", person(1)).await;
    let path = format!("/v1/watchlists/{list}/subjects/{id}");
    let faces = format!("{path}/faces");
    let refused = strict.post_form(&faces, subject(2)).await;
    refused.expect_problem(400, "consent_required");
    let told = strict.patch(&path, &json!({"consent": consent()})).await;
    told.expect(StatusCode::OK);
    let added = strict.post_form(&faces, subject(2)).await;
    added.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn rows_of_imports_without_consent_are_refused_where_it_is_required() {
    let app = strict().await;
    let list = app.watchlist("l", "alert").await;
    let files = [("a.jpg", person(1)), ("b.jpg", person(2))];
    let bare = archive(zip(&files));
    assert_eq!(fates_of(&app, &list, bare).await, ["consent_required"; 2]);
    let table = "file,consent\na.jpg,\"{\"\"id\"\": \"\"c-1\"\"}\"\nb.jpg,\n";
    let named = archive(zip(&files)).part("manifest", Part::text(table).file_name("m.csv"));
    assert_eq!(
        fates_of(&app, &list, named).await,
        ["succeeded", "consent_required"]
    );

    let image = STANDARD.encode(person(3));
    let line = json!({"external_id": "c", "consent": consent(), "image": image});
    let request = app
        .request(Method::POST, &format!("/v1/watchlists/{list}/imports"))
        .header(CONTENT_TYPE, "application/x-ndjson")
        .body(line.to_string());
    let job = finished(&app, Answer::of(request).await).await;
    assert_eq!(rows(&app, &job).await[0]["state"], "succeeded");
    let page = app
        .get(&format!("/v1/watchlists/{list}/subjects?external_id=c"))
        .await;
    assert_eq!(
        page.expect(StatusCode::OK)["items"][0]["consent"],
        consent()
    );
    let post = post(&app, &list, archive(zip(&files))).await;
    let job = finished(&app, post).await;
    assert_eq!(job["failed"], 2);
}
