//! Lists whose faces another embedder made: they stay in it, and where it is not there nobody is told that they are empty.

use likeness::domain::embedder::Embedder;
use likeness::domain::ids::{SubjectId, TenantId, WatchlistId};
use likeness::store::NewFace;
use reqwest::StatusCode;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

use crate::answer::Answer;
use crate::app::{App, Options, pair, person, picture};
use crate::imports::{archive, finished, post, zip};
use crate::scripted::template;

const CODE: &str = "watchlist_of_another_embedder";

/// One that lists were filled with before the service got another.
pub(crate) const BEFORE: Embedder = Embedder::FrFeature;

/// A service with a key for pictures, and with the files of [`BEFORE`] or without.
pub(crate) async fn service(has_before: bool) -> (App, TempDir) {
    let nothing = TempDir::new().unwrap();
    let root = (!has_before).then(|| nothing.path().to_owned());
    let options = Options {
        configure: Some(Box::new(|config| {
            config.assets = root.unwrap_or_else(|| config.assets.clone());
            config.image_secrets.current =
                Some("a secret for pictures, of more than 32 bytes".into());
        })),
        ..Options::default()
    };
    let app = App::start_with(options).await;
    let registered = app.store.register_model(BEFORE.id(), BEFORE.dimensions());
    registered.await.unwrap();
    (app, nothing)
}

/// Gives somebody a face as the embedder of before made it.
async fn enrol_as_before(app: &App, list: &str, subject: &str, number: usize) {
    let acme = TenantId::parse("acme").unwrap();
    let [list, subject] = [list, subject].map(|id| id.parse::<Uuid>().unwrap());
    let mut transaction = app.store.begin(&acme).await.unwrap();
    let template = template(BEFORE, number, 1.0);
    let face = NewFace {
        subject: SubjectId::from(subject),
        template: &template,
        image: None,
    };
    let added = transaction.insert_face(WatchlistId::from(list), face);
    added.await.unwrap();
    transaction.commit().await.unwrap();
}

/// A list with one person, enrolled by the embedder of before.
async fn list_of_before(app: &App, number: usize) -> (String, String) {
    let list = app.watchlist("before", "block").await;
    let old = subject(app, &list, "before").await;
    enrol_as_before(app, &list, &old, number).await;
    (list, old)
}

/// Somebody without a face of their own.
async fn subject(app: &App, list: &str, key: &str) -> String {
    let path = format!("/v1/watchlists/{list}/subjects");
    let made = app.post_json(&path, &json!({"external_id": key})).await;
    made.expect(StatusCode::CREATED)["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn search(app: &App, list: &str) -> Answer {
    let form = Form::new().part("image", Part::bytes(person(1)));
    app.post_form(&format!("/v1/watchlists/{list}/search"), form)
        .await
}

#[tokio::test]
async fn a_list_stays_in_its_embedder_when_the_service_has_another() {
    let (app, _assets) = service(true).await;
    let (list, old) = list_of_before(&app, 1).await;
    let found = search(&app, &list).await.expect(StatusCode::OK);
    assert_eq!(found["hits"][0]["subject_id"], old.as_str());
    assert_eq!(found["searched"]["embedder"], BEFORE.id());

    // Who comes later gets templates that can be compared with the others'.
    let new = app.enrol(&list, "later", person(2)).await;
    let path = format!("/v1/watchlists/{list}/subjects/{new}");
    let subject = app.get(&path).await.expect(StatusCode::OK);
    assert_eq!(subject["faces"][0]["model_id"], BEFORE.id());
    let files = archive(zip(&[("jane.jpg", person(3))]));
    let job = finished(&app, post(&app, &list, files).await).await;
    assert_eq!(
        (&job["state"], &job["failed"]),
        (&json!("succeeded"), &json!(0))
    );

    // One check searches it beside a list of the embedder at work.
    let other = app.watchlist("other", "alert").await;
    app.enrol(&other, "now", person(3)).await;
    let checked = pair(person(3), person(3))
        .text("watchlist_ids", list.clone())
        .text("watchlist_ids", other.clone());
    let checked = app.post_form("/v1/verifications", checked).await;
    let checked = checked.expect(StatusCode::CREATED);
    assert_eq!(checked["models"]["embedder"], Embedder::default().id());
    let searched = &checked["checks"]["watchlist"]["searched"];
    for (index, (id, embedder)) in [(&list, BEFORE), (&other, Embedder::default())]
        .into_iter()
        .enumerate()
    {
        assert_eq!(searched[index]["watchlist_id"], id.as_str());
        assert_eq!(searched[index]["embedder"], embedder.id());
        assert_eq!(searched[index]["size"], if index == 0 { 3 } else { 1 });
    }
    let hits = checked["checks"]["watchlist"]["hits"].as_array().unwrap();
    assert_eq!(hits.len(), 2, "{checked}");
}

#[tokio::test]
async fn a_list_of_an_embedder_that_is_not_there_is_refused_and_never_found_empty() {
    let (app, _assets) = service(false).await;
    let (list, old) = list_of_before(&app, 1).await;

    let found = search(&app, &list).await;
    found.expect_problem(409, CODE);
    assert!(found.body["detail"].as_str().unwrap().contains(&list));
    let checked = pair(person(1), person(1)).text("watchlist_ids", list.clone());
    let checked = app.post_form("/v1/verifications", checked).await;
    checked.expect_problem(409, CODE);
    let subjects = format!("/v1/watchlists/{list}/subjects");
    let form = Form::new().part("image", Part::bytes(person(2)));
    app.post_form(&subjects, form)
        .await
        .expect_problem(409, CODE);
    let files = archive(zip(&[("jane.jpg", person(2))]));
    post(&app, &list, files).await.expect_problem(409, CODE);

    // Lists beside it, and the list itself once those faces are gone, are searched.
    let other = app.watchlist("other", "block").await;
    app.enrol(&other, "now", person(1)).await;
    let found = search(&app, &other).await.expect(StatusCode::OK);
    assert_eq!(found["hits"].as_array().unwrap().len(), 1);
    let gone = app.delete(&format!("{subjects}/{old}")).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    app.enrol(&list, "now", person(1)).await;
    let found = search(&app, &list).await.expect(StatusCode::OK);
    assert_eq!(found["hits"].as_array().unwrap().len(), 1);
    assert_eq!(found["searched"]["embedder"], Embedder::default().id());
}

#[tokio::test]
async fn an_import_that_meets_faces_of_an_embedder_that_is_not_there_ends_as_failed() {
    let (app, _assets) = service(false).await;
    let list = app.watchlist("before", "block").await;
    let old = subject(&app, &list, "before").await;
    let slow = |n: u32| picture(json!({"faces": [{"person": n}], "takes_ms": 1_000}));
    let files = [("a.jpg", slow(1)), ("b.jpg", slow(2)), ("c.jpg", slow(3))];
    let accepted = post(&app, &list, archive(zip(&files))).await;
    enrol_as_before(&app, &list, &old, 4).await;
    let job = finished(&app, accepted).await;
    assert_eq!(job["state"], "failed");
}

#[tokio::test]
async fn an_import_goes_on_in_the_embedder_that_its_list_turns_out_to_be_in() {
    let (app, _assets) = service(true).await;
    let list = app.watchlist("before", "block").await;
    let old = subject(&app, &list, "before").await;
    let slow = |n: u32| picture(json!({"faces": [{"person": n}], "takes_ms": 500}));
    let files = [("a.jpg", slow(1)), ("b.jpg", slow(2)), ("c.jpg", slow(3))];
    let accepted = post(&app, &list, archive(zip(&files))).await;
    enrol_as_before(&app, &list, &old, 4).await;
    let job = finished(&app, accepted).await;
    assert_eq!(
        (&job["state"], &job["failed"]),
        (&json!("succeeded"), &json!(0))
    );
    let found = search(&app, &list).await.expect(StatusCode::OK);
    assert_eq!(found["searched"]["embedder"], BEFORE.id());
    assert_eq!(found["searched"]["size"], 4);
    assert_eq!(found["hits"].as_array().unwrap().len(), 1);
}
