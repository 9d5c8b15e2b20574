//! The same again, something else under the same key, and how far a key reaches.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{Scene, assert_replayed, image, is_replay, items, post};
use crate::app::{ALL_SCOPES, Answer, App, pair, person, token};
use crate::imports::{archive, finished, zip};

#[tokio::test]
async fn a_repetition_of_whatever_makes_something_has_one_effect_and_the_same_answer() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let lists = format!("/v1/watchlists/{list}");
    let subject = app.enrol(&list, "somebody", person(3)).await;
    let faces = format!("{lists}/subjects/{subject}/faces");
    let named = |name: &'static str| Form::new().text("name", name);
    for (path, collection, form) in [
        (
            "/v1/watchlists".to_owned(),
            "/v1/watchlists",
            (|| Form::new().text("name", "new")) as fn() -> Form,
        ),
        ("/v1/verifications".to_owned(), "/v1/verifications", || {
            pair(person(1), person(1)).text("external_id", "a")
        }),
        (
            format!("{lists}/subjects"),
            &format!("{lists}/subjects"),
            || image(person(1)).text("display_name", "Ada"),
        ),
        (faces.clone(), &faces, || image(person(3))),
        (format!("{lists}/imports"), "/v1/jobs", || {
            archive(zip(&[("ada.jpg", person(2))]))
        }),
    ] {
        let before = items(&app, collection).await.len();
        let first = post(&app, &path, "key-1", form()).await;
        assert!(first.status.is_success(), "{path}: {}", first.body);
        for key in ["key-1", "\"key-1\""] {
            assert_replayed(&first, &post(&app, &path, key, form()).await);
        }
        assert_eq!(items(&app, collection).await.len(), before + 1, "{path}");
        let other = post(
            &app,
            &path,
            "key-2",
            if path == "/v1/watchlists" {
                named("other")
            } else {
                form()
            },
        )
        .await;
        assert!(
            other.status.is_success() && !is_replay(&other),
            "{path}: {}",
            other.body
        );
        assert_ne!(other.body["id"], first.body["id"]);
    }
}

#[tokio::test]
async fn an_import_in_lines_is_repeated_by_its_content_and_finished_once() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let line = |person_number| {
        let line = json!({"external_id": "ada", "image": STANDARD.encode(person(person_number))});
        let request = app.request(Method::POST, &format!("/v1/watchlists/{list}/imports"));
        let request = request.header("content-type", "application/x-ndjson");
        request
            .header("Idempotency-Key", "k")
            .body(line.to_string())
    };
    let first = Answer::of(line(1)).await;
    let again = Answer::of(line(1)).await;
    assert_replayed(&first, &again);
    Answer::of(line(2))
        .await
        .expect_problem(422, "idempotency_key_reused");
    finished(&app, again).await;
    assert_eq!(items(&app, "/v1/jobs").await.len(), 1);
    assert_eq!(
        items(&app, &format!("/v1/watchlists/{list}/subjects"))
            .await
            .len(),
        1
    );
}

#[tokio::test]
async fn a_key_with_another_payload_is_refused_and_the_first_answer_stays() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let path = format!("/v1/watchlists/{list}/subjects");
    let form = || {
        image(person(1))
            .text("display_name", "Ada")
            .part("image", Part::bytes(person(1)))
    };
    let first = post(&app, &path, "k", form()).await;
    for other in [
        image(person(2))
            .text("display_name", "Ada")
            .part("image", Part::bytes(person(1))),
        image(person(1)).part("image", Part::bytes(person(1))),
        image(person(1)).text("display_name", "Ada"),
        form().text("external_id", "a"),
    ] {
        let refused = post(&app, &path, "k", other).await;
        refused.expect_problem(422, "idempotency_key_reused");
    }
    let json = json!({"display_name": "Ada", "image": [STANDARD.encode(person(1)), STANDARD.encode(person(1))]});
    let request = app
        .request(Method::POST, &path)
        .header("Idempotency-Key", "k");
    let as_json = Answer::of(request.json(&json)).await;
    as_json.expect_problem(422, "idempotency_key_reused");
    assert_replayed(&first, &post(&app, &path, "k", form()).await);
    // Neither the order of the parts nor the names of files are part of what is sent.
    let named = |bytes| Part::bytes(bytes).file_name("holiday.jpg");
    let reordered = Form::new()
        .part("image", named(person(1)))
        .part("image", named(person(1)));
    let again = post(&app, &path, "k", reordered.text("display_name", "Ada")).await;
    assert_replayed(&first, &again);
    assert_eq!(items(&app, &path).await.len(), 1);
}

#[tokio::test]
async fn a_key_counts_for_one_tenant_and_one_route_with_its_ids() {
    let app = App::start().await;
    let (one, two) = (
        app.watchlist("1", "alert").await,
        app.watchlist("2", "alert").await,
    );
    let mut made = Vec::new();
    for list in [&one, &two] {
        let path = format!("/v1/watchlists/{list}/subjects");
        let subject = post(&app, &path, "k", image(person(1))).await;
        assert!(!is_replay(&subject));
        let subject = subject.expect(StatusCode::CREATED)["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let face = post(
            &app,
            &format!("{path}/{subject}/faces"),
            "k",
            image(person(1)),
        )
        .await;
        assert!(!is_replay(&face));
        face.expect(StatusCode::CREATED);
        made.push(subject);
    }
    assert_ne!(made[0], made[1]);
    // An id can be spelt in several ways and is the same id.
    let shouted = format!("/v1/watchlists/{}/subjects", one.to_uppercase());
    assert!(is_replay(
        &post(&app, &shouted, "k", image(person(1))).await
    ));

    for tenant in ["globex", "initech"] {
        let request = app
            .bare(Method::POST, "/v1/watchlists")
            .bearer_auth(token(tenant, ALL_SCOPES));
        let request = request
            .header("Idempotency-Key", "k")
            .json(&json!({"name": "mine"}));
        let answer = Answer::of(request).await;
        assert!(!is_replay(&answer));
        answer.expect(StatusCode::CREATED);
    }
}

#[tokio::test]
async fn without_a_key_everything_happens_as_often_as_it_is_asked_for() {
    let app = App::start().await;
    let first = app.verify(person(1), person(1)).await;
    let second = app.verify(person(1), person(1)).await;
    assert!(!is_replay(&first) && !is_replay(&second));
    assert_ne!(first.body["id"], second.body["id"]);
}

#[tokio::test]
async fn what_is_no_key_is_refused() {
    let app = App::start().await;
    let request = || {
        app.request(Method::POST, "/v1/watchlists")
            .json(&json!({"name": "n"}))
    };
    let long = "k".repeat(256);
    for key in ["", "\"unfinished", "\"\"", long.as_str()] {
        let answer = Answer::of(request().header("Idempotency-Key", key)).await;
        answer.expect_problem(400, "malformed_request");
    }
    let twice = request()
        .header("Idempotency-Key", "a")
        .header("Idempotency-Key", "a");
    Answer::of(twice)
        .await
        .expect_problem(400, "malformed_request");
    assert_eq!(items(&app, "/v1/watchlists").await.len(), 0);
}

#[tokio::test]
async fn a_key_that_has_expired_is_new_again() {
    let scene = Scene::new().await;
    let app = &scene.app;
    let list = app.watchlist("l", "alert").await;
    let path = format!("/v1/watchlists/{list}/subjects");
    let first = post(app, &path, "k", image(person(1))).await;
    let kept = "idempotency_keys where expires_at > now() + interval '1439 minutes' \
                and expires_at <= now() + interval '1440 minutes'";
    assert_eq!(scene.count(kept).await, 1, "24 hours");
    assert_eq!(app.store.delete_expired_keys().await.unwrap(), 0);
    let expire =
        "update idempotency_keys set locked_until = now() - interval '1 s', expires_at = now()";
    scene.sql(expire).await;
    let second = post(app, &path, "k", image(person(2))).await;
    assert!(!is_replay(&second));
    assert_ne!(second.body["id"], first.body["id"]);
    assert_replayed(&second, &post(app, &path, "k", image(person(2))).await);

    scene.sql(expire).await;
    assert_eq!(app.store.delete_expired_keys().await.unwrap(), 1);
    assert_eq!(scene.count("idempotency_keys").await, 0);
    assert_eq!(scene.count("idempotency_resources").await, 0);
    assert_eq!(items(app, &path).await.len(), 2);
}
