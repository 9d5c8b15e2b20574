//! Lists that keep the pictures of their faces: by choice, encrypted, whichever way somebody is enrolled.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use likeness::domain::ids::{FaceId, SubjectId, TenantId, WatchlistId};
use reqwest::header::CONTENT_TYPE;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{Answer, App, Options, lookalike, person};
use crate::imports::{archive, fates_of, finished, rows, zip};

const CODE: &str = "image_key_missing";

/// A service that has a key for pictures.
async fn start() -> App {
    App::start_with(Options {
        configure: Some(Box::new(|config| {
            config.image_secrets.current = Some("a secret for pictures, of 32 bytes".into());
        })),
        ..Options::default()
    })
    .await
}

async fn keeping(app: &App, on_duplicate: &str) -> String {
    let body = json!({"name": "kept", "keep_images": true, "on_duplicate": on_duplicate});
    let made = app.post_json("/v1/watchlists", &body).await;
    let made = made.expect(StatusCode::CREATED);
    assert_eq!(made["keep_images"], true);
    made["id"].as_str().unwrap().to_owned()
}

fn form(images: &[Vec<u8>]) -> Form {
    images.iter().fold(Form::new(), |form, image| {
        form.part("image", Part::bytes(image.clone()))
    })
}

async fn subjects(app: &App, list: &str) -> Vec<Value> {
    let path = format!("/v1/watchlists/{list}/subjects?limit=200");
    let page = app.get(&path).await.expect(StatusCode::OK);
    page["items"].as_array().unwrap().clone()
}

/// The pictures that are kept of a list, in an order of their own; a face without one shows as nothing in it.
async fn kept(app: &App, list: &str) -> Vec<Vec<u8>> {
    let id = |value: &Value| value.as_str().unwrap().parse::<Uuid>().unwrap();
    let acme = TenantId::parse("acme").unwrap();
    let watchlist = WatchlistId::from(list.parse::<Uuid>().unwrap());
    let mut transaction = app.store.begin(&acme).await.unwrap();
    let mut images = Vec::new();
    for subject in subjects(app, list).await {
        for face in subject["faces"].as_array().unwrap() {
            let (subject, face_id) = (
                SubjectId::from(id(&subject["id"])),
                FaceId::from(id(&face["id"])),
            );
            let image = transaction.face_image(watchlist, subject, face_id).await;
            let image = image.unwrap();
            assert_eq!(face["image_kept"], image.is_some());
            images.push(image.unwrap_or_default());
        }
    }
    images.sort();
    images
}

/// Imports a picture of somebody without a key, and gives what became of its row.
async fn import(app: &App, list: &str, image: &[u8]) -> String {
    let line = json!({"image": STANDARD.encode(image)});
    let request = app
        .request(Method::POST, &format!("/v1/watchlists/{list}/imports"))
        .header(CONTENT_TYPE, "application/x-ndjson")
        .body(format!("{line}\n"));
    let job = finished(app, Answer::of(request).await).await;
    let rows = rows(app, &job).await;
    rows[0]["state"].as_str().unwrap().to_owned()
}

/// The same of what was sent.
fn sent(images: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut images = images.to_vec();
    images.sort();
    images
}

#[tokio::test]
async fn a_list_keeps_pictures_when_it_is_made_or_changed_to_and_shows_it() {
    let app = start().await;
    let made = app
        .post_json("/v1/watchlists", &json!({"name": "plain"}))
        .await;
    let made = made.expect(StatusCode::CREATED);
    assert_eq!(made["keep_images"], false);
    let path = format!("/v1/watchlists/{}", made["id"].as_str().unwrap());
    for keep in [true, false] {
        let change = json!({"keep_images": keep});
        let changed = app.patch(&path, &change).await.expect(StatusCode::OK);
        assert_eq!(changed["keep_images"], keep);
        assert_eq!(app.get(&path).await.expect(StatusCode::OK), changed);
        let events = app.get("/v1/audit_events?limit=1").await;
        let event = &events.expect(StatusCode::OK)["items"][0];
        assert_eq!(event["action"], "watchlist.changed");
        assert_eq!(event["detail"]["fields"], json!(["keep_images"]));
        assert_eq!(event["detail"]["keep_images"], keep);
    }
    let list = keeping(&app, "report").await;
    let page = app.get("/v1/watchlists").await.expect(StatusCode::OK);
    assert_eq!(
        (&page["items"][0]["id"], &page["items"][0]["keep_images"]),
        (&json!(list), &json!(true))
    );
    let form = Form::new()
        .text("name", "by form")
        .text("keep_images", "true");
    let made = app.post_form("/v1/watchlists", form).await;
    assert_eq!(made.expect(StatusCode::CREATED)["keep_images"], true);
    for wrong in [json!(null), json!("yes")] {
        let refused = app.patch(&path, &json!({"keep_images": wrong})).await;
        refused.expect_problem(400, "validation_failed");
        assert_eq!(refused.faults(), ["keep_images:invalid"]);
    }
}

#[tokio::test]
async fn without_a_key_nothing_is_made_or_changed() {
    let app = App::start().await;
    let refused = app
        .post_json(
            "/v1/watchlists",
            &json!({"name": "kept", "keep_images": true}),
        )
        .await;
    refused.expect_problem(422, CODE);
    assert_eq!(refused.faults(), ["keep_images:image_key_missing"]);
    let page = app.get("/v1/watchlists").await.expect(StatusCode::OK);
    assert_eq!(page["items"], json!([]));
    let list = app.watchlist("plain", "alert").await;
    let path = format!("/v1/watchlists/{list}");
    let change = json!({"name": "other", "keep_images": true});
    app.patch(&path, &change).await.expect_problem(422, CODE);
    let same = app.get(&path).await.expect(StatusCode::OK);
    assert_eq!(
        (&same["name"], &same["keep_images"]),
        (&json!("plain"), &json!(false))
    );
    app.patch(&path, &json!({"keep_images": false}))
        .await
        .expect(StatusCode::OK);
    app.enrol(&list, "a", person(1)).await;
    assert_eq!(kept(&app, &list).await, [b""]);
}

#[tokio::test]
async fn every_way_to_enrol_keeps_the_picture_as_it_was_sent() {
    let app = start().await;
    let list = keeping(&app, "report").await;
    let path = format!("/v1/watchlists/{list}/subjects");
    let images: Vec<Vec<u8>> = (1..=9).map(person).collect();
    let made = app.post_form(&path, form(&images[..2])).await;
    let made = made.expect(StatusCode::CREATED);
    assert_eq!(
        (
            &made["faces"][0]["image_kept"],
            &made["faces"][1]["image_kept"]
        ),
        (&json!(true), &json!(true))
    );
    let faces = format!("{path}/{}/faces", made["id"].as_str().unwrap());
    let added = app.post_form(&faces, form(&images[2..3])).await;
    assert_eq!(added.expect(StatusCode::CREATED)["image_kept"], true);
    let body = json!({"image": STANDARD.encode(&images[3])});
    app.post_json(&path, &body)
        .await
        .expect(StatusCode::CREATED);
    let by_key = format!("{path}/by-external-id/key");
    app.put_form(&by_key, form(&images[4..5]))
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(kept(&app, &list).await, sent(&images[..5]));
    // Whoever is replaced loses the picture, too.
    app.put_form(&by_key, form(&images[5..6]))
        .await
        .expect(StatusCode::OK);
    let files = [("a.jpg", images[6].clone()), ("b.jpg", images[7].clone())];
    let fates = fates_of(&app, &list, archive(zip(&files))).await;
    assert_eq!(fates, ["succeeded"; 2]);
    let expected = [&images[..4], &images[5..8]].concat();
    assert_eq!(kept(&app, &list).await, sent(&expected));
}

#[tokio::test]
async fn a_picture_that_joins_somebody_is_kept_with_them_and_one_that_is_refused_is_not() {
    let app = start().await;
    let list = keeping(&app, "add_to_subject").await;
    let path = format!("/v1/watchlists/{list}/subjects");
    let images = [person(1), lookalike(1, 0.9), lookalike(1, 0.95)];
    let subject = app.enrol(&list, "ann", images[0].clone()).await;
    let joined = app.post_form(&path, form(&images[1..2])).await;
    assert_eq!(joined.body["id"], subject);
    assert_eq!(import(&app, &list, &images[2]).await, "succeeded");
    assert_eq!(subjects(&app, &list).await.len(), 1);
    assert_eq!(kept(&app, &list).await, sent(&images));

    app.patch(
        &format!("/v1/watchlists/{list}"),
        &json!({"on_duplicate": "reject"}),
    )
    .await
    .expect(StatusCode::OK);
    app.post_form(&path, form(&images[1..2]))
        .await
        .expect_problem(409, "duplicate_subject");
    assert_eq!(import(&app, &list, &images[2]).await, "failed");
    assert_eq!(kept(&app, &list).await.len(), 3);
}

#[tokio::test]
async fn a_list_that_stops_keeping_pictures_has_none_left_and_loses_nobody() {
    let app = start().await;
    let list = keeping(&app, "report").await;
    for number in 1..=3 {
        app.enrol(&list, &number.to_string(), person(number)).await;
    }
    let path = format!("/v1/watchlists/{list}");
    app.patch(&path, &json!({"name": "still"}))
        .await
        .expect(StatusCode::OK);
    assert_eq!(kept(&app, &list).await.len(), 3);
    app.patch(&path, &json!({"keep_images": false}))
        .await
        .expect(StatusCode::OK);
    app.enrol(&list, "4", person(4)).await;
    assert_eq!(kept(&app, &list).await, [b""; 4]);
    app.patch(&path, &json!({"keep_images": true}))
        .await
        .expect(StatusCode::OK);
    app.enrol(&list, "5", person(5)).await;
    let images = kept(&app, &list).await;
    assert_eq!(images[..4], [b""; 4]);
    assert_eq!(images[4], person(5));
}
