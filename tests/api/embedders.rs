//! Lists whose faces another embedder made: nothing can be compared with them, and nobody is told otherwise.

use likeness::domain::embedder::Embedder;
use likeness::domain::face::Template;
use likeness::domain::ids::{SubjectId, TenantId, WatchlistId};
use reqwest::StatusCode;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use uuid::Uuid;

use crate::answer::Answer;
use crate::app::{App, pair, person, picture};
use crate::imports::{archive, finished, post, zip};

const CODE: &str = "watchlist_of_another_embedder";

/// Gives a person a face as the embedder of before made it.
async fn enrol_as_before(app: &App, list: &str, subject: &str) {
    let before = Embedder::FrFeature;
    let registered = app.store.register_model(before.id(), before.dimensions());
    registered.await.unwrap();
    let template = Template::normalised(before.id(), vec![1.0; before.dimensions()]).unwrap();
    let acme = TenantId::parse("acme").unwrap();
    let [list, subject] = [list, subject].map(|id| id.parse::<Uuid>().unwrap());
    let mut transaction = app.store.begin(&acme).await.unwrap();
    let added =
        transaction.insert_face(WatchlistId::from(list), SubjectId::from(subject), &template);
    added.await.unwrap();
    transaction.commit().await.unwrap();
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
async fn a_list_with_faces_of_another_embedder_is_refused_and_never_found_empty() {
    let app = App::start().await;
    let list = app.watchlist("before", "block").await;
    let old = subject(&app, &list, "before").await;
    enrol_as_before(&app, &list, &old).await;

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

    // Lists beside it, and the list itself once those faces are gone, are filled and searched.
    let other = app.watchlist("other", "block").await;
    app.enrol(&other, "now", person(1)).await;
    let found = search(&app, &other).await.expect(StatusCode::OK);
    assert_eq!(found["hits"].as_array().unwrap().len(), 1);
    let gone = app.delete(&format!("{subjects}/{old}")).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    app.enrol(&list, "now", person(1)).await;
    let found = search(&app, &list).await.expect(StatusCode::OK);
    assert_eq!(found["hits"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_import_that_meets_faces_of_another_embedder_ends_as_failed() {
    let app = App::start().await;
    let list = app.watchlist("before", "block").await;
    let old = subject(&app, &list, "before").await;
    let slow = |n: u32| picture(json!({"faces": [{"person": n}], "takes_ms": 1_000}));
    let files = [("a.jpg", slow(1)), ("b.jpg", slow(2)), ("c.jpg", slow(3))];
    let accepted = post(&app, &list, archive(zip(&files))).await;
    enrol_as_before(&app, &list, &old).await;
    let job = finished(&app, accepted).await;
    assert_eq!(job["state"], "failed");
}
