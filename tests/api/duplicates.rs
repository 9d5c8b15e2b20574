//! Faces that a list knows already: reported, refused, or joined to whom they belong to.

use reqwest::StatusCode;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{App, lookalike, person};

fn image(bytes: Vec<u8>) -> Form {
    Form::new().part("image", Part::bytes(bytes))
}

/// A list with that rule, and the path of its people.
async fn list(app: &App, on_duplicate: &str) -> String {
    let body = json!({"name": on_duplicate, "on_duplicate": on_duplicate});
    let made = app.post_json("/v1/watchlists", &body).await;
    let made = made.expect(StatusCode::CREATED);
    assert_eq!(made["on_duplicate"], on_duplicate);
    format!("/v1/watchlists/{}/subjects", made["id"].as_str().unwrap())
}

/// Enrols a person of that key and gives their id.
async fn enrol(app: &App, path: &str, key: &str, bytes: Vec<u8>) -> Value {
    let form = image(bytes).text("external_id", key.to_owned());
    let made = app.post_form(path, form).await;
    made.expect(StatusCode::CREATED)["id"].clone()
}

/// How many people and faces a list holds.
async fn counts(app: &App, path: &str) -> (u64, u64) {
    let list = app.get(path.trim_end_matches("/subjects")).await;
    let list = list.expect(StatusCode::OK);
    let count = |name: &str| list[name].as_u64().unwrap();
    (count("subjects"), count("faces"))
}

#[tokio::test]
async fn a_duplicate_is_reported_and_enrolled_unless_the_list_says_otherwise() {
    let app = App::start().await;
    let path = list(&app, "report").await;
    let first = enrol(&app, &path, "first", person(1)).await;
    let second = enrol(&app, &path, "second", lookalike(1, 0.8)).await;
    enrol(&app, &path, "stranger", person(2)).await;
    // Two pictures of one person are no duplicates of each other.
    let form = image(person(1)).part("image", Part::bytes(person(1)));
    let made = app.post_form(&path, form).await.expect(StatusCode::CREATED);
    assert_eq!(
        made["duplicate_of"],
        json!([
            {"subject_id": first, "external_id": "first", "similarity": 1.0},
            {"subject_id": second, "external_id": "second", "similarity": 0.8},
        ])
    );
    assert_eq!(made["faces"].as_array().unwrap().len(), 2);
    let faces = format!("{path}/{}/faces", first.as_str().unwrap());
    let added = app.post_form(&faces, image(person(2))).await;
    let added = added.expect(StatusCode::CREATED);
    assert_eq!(added["duplicate_of"][0]["external_id"], "stranger");
    assert_eq!(added["duplicate_of"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_list_that_rejects_duplicates_names_them_and_keeps_nothing() {
    let app = App::start().await;
    let path = list(&app, "reject").await;
    let first = enrol(&app, &path, "first", person(1)).await;
    let other = enrol(&app, &path, "other", person(2)).await;
    let faces = format!("{path}/{}/faces", other.as_str().unwrap());
    let put = format!("{path}/by-external-id/other");
    let put_new = format!("{path}/by-external-id/new");
    for refused in [
        app.post_form(&path, image(person(1))).await,
        app.post_form(&faces, image(person(1))).await,
        app.put_form(&put, image(person(1))).await,
        app.put_form(&put_new, image(person(1))).await,
    ] {
        refused.expect_problem(409, "duplicate_subject");
        assert_eq!(
            refused.body["duplicate_of"],
            json!([{"subject_id": first, "external_id": "first", "similarity": 1.0}])
        );
    }
    assert_eq!(counts(&app, &path).await, (2, 2));
    // Their own face is nobody's duplicate.
    app.post_form(&faces, image(person(2)))
        .await
        .expect(StatusCode::CREATED);
    app.put_form(&put, image(person(2)))
        .await
        .expect(StatusCode::OK);
    assert_eq!(counts(&app, &path).await, (2, 2));
}

#[tokio::test]
async fn a_list_that_joins_duplicates_adds_the_face_to_whom_it_is_most_like() {
    let app = App::start().await;
    let path = list(&app, "add_to_subject").await;
    let first = enrol(&app, &path, "first", person(1)).await;
    // Another list may hold the same face: only the list itself is searched.
    let elsewhere = list(&app, "report").await;
    enrol(&app, &elsewhere, "elsewhere", person(1)).await;
    for key in [None, Some("first")] {
        let form = key
            .into_iter()
            .fold(image(lookalike(1, 0.9)), |form, key| {
                form.text("external_id", key)
            })
            .text("display_name", "Mallory");
        let joined = app.post_form(&path, form).await.expect(StatusCode::OK);
        assert_eq!(
            (
                &joined["id"],
                &joined["external_id"],
                &joined["display_name"]
            ),
            (&first, &json!("first"), &Value::Null)
        );
        assert_eq!(joined["duplicate_of"][0]["subject_id"], first);
        let faces = joined["faces"].as_array().unwrap();
        let told = |face: &&Value| face.get("quality").is_some();
        assert_eq!(faces.iter().filter(told).count(), 1);
    }
    assert_eq!(counts(&app, &path).await, (1, 3));

    let other = enrol(&app, &path, "other", person(2)).await;
    let faces = format!("{path}/{}/faces", other.as_str().unwrap());
    let put = format!("{path}/by-external-id/other");
    let key = image(person(1)).text("external_id", "third");
    for refused in [
        app.post_form(&path, key).await,
        app.post_form(&faces, image(person(1))).await,
        app.put_form(&put, image(person(1))).await,
    ] {
        refused.expect_problem(409, "duplicate_subject");
        assert_eq!(refused.body["duplicate_of"][0]["subject_id"], first);
    }
    assert_eq!(counts(&app, &path).await, (2, 4));
}

#[tokio::test]
async fn of_two_requests_with_one_face_at_once_the_second_finds_the_first() {
    let app = App::start().await;
    let (reject, join) = (
        list(&app, "reject").await,
        list(&app, "add_to_subject").await,
    );
    for round in 0..4 {
        let posts = (0..6).map(|_| app.post_form(&reject, image(person(round))));
        let answers = futures_util::future::join_all(posts).await;
        let count = |status| answers.iter().filter(|a| a.status == status).count();
        assert_eq!(
            (count(StatusCode::CREATED), count(StatusCode::CONFLICT)),
            (1, 5)
        );

        let posts = (0..6).map(|_| app.post_form(&join, image(person(round))));
        let answers = futures_util::future::join_all(posts).await;
        let count = |status| answers.iter().filter(|a| a.status == status).count();
        assert_eq!((count(StatusCode::CREATED), count(StatusCode::OK)), (1, 5));
    }
    assert_eq!(counts(&app, &reject).await, (4, 4));
    assert_eq!(counts(&app, &join).await, (4, 24));
}

#[tokio::test]
async fn a_duplicate_is_who_a_search_of_the_list_would_find() {
    let app = App::start().await;
    let path = list(&app, "report").await;
    let watchlist = path.trim_end_matches("/subjects");
    enrol(&app, &path, "first", person(1)).await;
    let similar = || lookalike(1, 0.35);
    for (target_fpir, found) in [(1e-6, false), (0.5, true)] {
        app.patch(watchlist, &json!({"target_fpir": target_fpir}))
            .await
            .expect(StatusCode::OK);
        let search = format!("{watchlist}/search");
        let search = app.post_form(&search, image(similar())).await;
        let search = search.expect(StatusCode::OK);
        assert_eq!(search["hits"] != json!([]), found);
        let made = app.post_form(&path, image(similar())).await;
        let made = made.expect(StatusCode::CREATED);
        assert_eq!(made["duplicate_of"] != json!([]), found, "{made}");
        let gone = format!("{path}/{}", made["id"].as_str().unwrap());
        app.delete(&gone).await;
    }
    // Somebody whose time is over is not found, and so is nobody's duplicate.
    let page = app.get(&path).await.expect(StatusCode::OK);
    let first = format!("{path}/{}", page["items"][0]["id"].as_str().unwrap());
    app.patch(&first, &json!({"valid_until": "2001-01-01T00:00:00Z"}))
        .await
        .expect(StatusCode::OK);
    let made = app.post_form(&path, image(person(1))).await;
    assert_eq!(made.expect(StatusCode::CREATED)["duplicate_of"], json!([]));
}
