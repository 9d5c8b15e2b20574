//! A kept answer goes with what it tells of, and the key stays: nothing that was deleted comes back.

use reqwest::StatusCode;
use reqwest::multipart::Form;

use super::{Scene, image, items, post};
use crate::app::{pair, person};
use crate::imports::{archive, finished, zip};

const KEPT: &str = "idempotency_keys where state = 'answered'";
/// No key holds anything of what was sent or answered.
const EMPTY: &str =
    "idempotency_keys where num_nulls(fingerprint, status, body) = 3 and location is null";

#[tokio::test]
async fn a_deletion_takes_the_answer_with_it_and_the_key_makes_nothing_anew() {
    let scene = Scene::new().await;
    let app = &scene.app;
    let list = app.watchlist("l", "alert").await;
    let subjects = format!("/v1/watchlists/{list}/subjects");
    let other = app.enrol(&list, "other", person(9)).await;
    let faces = format!("{subjects}/{other}/faces");
    let checks = "/v1/verifications".to_owned();
    for (number, (path, form)) in [
        (
            &subjects,
            (|| image(person(1)).text("display_name", "Ada")) as fn() -> Form,
        ),
        (&faces, || image(person(9))),
        (&checks, || {
            pair(person(2), person(2)).text("external_id", "ada")
        }),
    ]
    .into_iter()
    .enumerate()
    {
        let made = post(app, path, "k", form()).await;
        assert_eq!(scene.count(KEPT).await, 1, "{path}");
        let id = made.expect(StatusCode::CREATED)["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let left = items(app, path).await.len() - 1;
        app.delete(&format!("{path}/{id}"))
            .await
            .expect(StatusCode::NO_CONTENT);
        assert_eq!(scene.count(KEPT).await, 0, "{path}");
        assert_eq!(scene.count(EMPTY).await, number as i64 + 1, "{path}");
        for _ in 0..2 {
            let again = post(app, path, "k", form()).await;
            again.expect_problem(410, "idempotency_key_spent");
        }
        assert_eq!(items(app, path).await.len(), left, "{path}");
    }
}

#[tokio::test]
async fn a_list_takes_every_answer_about_it_along() {
    let scene = Scene::new().await;
    let app = &scene.app;
    let list = post(
        app,
        "/v1/watchlists",
        "k",
        Form::new().text("name", "people"),
    )
    .await;
    let list = list.expect(StatusCode::CREATED)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/v1/watchlists/{list}");
    let subject = post(app, &format!("{path}/subjects"), "k", image(person(1))).await;
    let subject = subject.expect(StatusCode::CREATED)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let face = format!("{path}/subjects/{subject}/faces");
    post(app, &face, "k", image(person(1)))
        .await
        .expect(StatusCode::CREATED);
    let job = archive(zip(&[("bob.jpg", person(2))]));
    let job = post(app, &format!("{path}/imports"), "k", job).await;
    finished(app, job).await;
    assert_eq!(scene.count(KEPT).await, 4);
    app.delete(&path).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(scene.count(EMPTY).await, 4);
    let again = post(
        app,
        "/v1/watchlists",
        "k",
        Form::new().text("name", "people"),
    )
    .await;
    again.expect_problem(410, "idempotency_key_spent");
}

#[tokio::test]
async fn whoever_is_named_in_an_answer_leaves_it_with_their_record() {
    let scene = Scene::new().await;
    let app = &scene.app;
    let list = app.watchlist("l", "block").await;
    let path = format!("/v1/watchlists/{list}/subjects");
    let known = app.enrol(&list, "known", person(1)).await;
    let stranger = app.enrol(&list, "stranger", person(5)).await;
    let check = pair(person(1), person(1)).text("watchlist_ids", list.clone());
    let check = post(app, "/v1/verifications", "check", check).await;
    let check = check.expect(StatusCode::CREATED);
    assert_eq!(
        check["checks"]["watchlist"]["hits"][0]["external_id"],
        "known"
    );
    let twin = post(app, &path, "twin", image(person(1))).await;
    assert_eq!(
        twin.expect(StatusCode::CREATED)["duplicate_of"][0]["external_id"],
        "known"
    );
    let named = "idempotency_keys where position('known'::bytea in body) > 0";
    assert_eq!(scene.count(named).await, 2);
    app.delete(&format!("{path}/{stranger}"))
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(scene.count(named).await, 2, "nothing was said of them");
    app.delete(&format!("{path}/{known}"))
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(scene.count(named).await, 0);
    assert_eq!(scene.count(EMPTY).await, 2);
}
