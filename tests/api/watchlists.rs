//! Watchlists, the people on them, and their search.

use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::app::{ALL_SCOPES, Answer, App, lookalike, person, picture, token};

fn image(bytes: Vec<u8>) -> Form {
    Form::new().part("image", Part::bytes(bytes))
}

async fn search(app: &App, list: &str, bytes: Vec<u8>) -> Value {
    app.post_form(&format!("/v1/watchlists/{list}/search"), image(bytes))
        .await
        .expect(StatusCode::OK)
}

#[tokio::test]
async fn a_list_is_made_read_listed_and_deleted_with_everybody_on_it() {
    let app = App::start().await;
    let body = json!({"name": "Fraud", "kind": "block", "target_fpir": 0.001});
    let made = app
        .post_json("/v1/watchlists", &body)
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(
        (&made["kind"], &made["target_fpir"], &made["faces"]),
        (&json!("block"), &json!(0.001), &json!(0))
    );
    let id = made["id"].as_str().unwrap();
    app.enrol(id, "a", person(1)).await;
    let read = app
        .get(&format!("/v1/watchlists/{id}"))
        .await
        .expect(StatusCode::OK);
    assert_eq!((&read["subjects"], &read["faces"]), (&json!(1), &json!(1)));
    let again = app.post_json("/v1/watchlists", &body).await;
    again.expect_problem(409, "conflict");
    assert_eq!(again.faults(), ["name:taken"]);
    let page = app.get("/v1/watchlists").await.expect(StatusCode::OK);
    assert_eq!(
        (&page["items"][0]["id"], &page["next_cursor"]),
        (&made["id"], &Value::Null)
    );

    assert_eq!(
        app.delete(&format!("/v1/watchlists/{id}")).await.status,
        StatusCode::NO_CONTENT
    );
    for path in ["", "/subjects"] {
        app.get(&format!("/v1/watchlists/{id}{path}"))
            .await
            .expect_problem(404, "not_found");
    }
    let gone = app
        .post_form(&format!("/v1/watchlists/{id}/search"), image(person(1)))
        .await;
    gone.expect_problem(404, "not_found");
}

#[tokio::test]
async fn defaults_are_an_alert_list_at_one_percent() {
    let app = App::start().await;
    let made = app
        .post_json("/v1/watchlists", &json!({"name": "x"}))
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(
        (&made["kind"], &made["target_fpir"]),
        (&json!("alert"), &json!(0.01))
    );
    for (body, fault) in [
        (json!({"name": ""}), "name:length"),
        (json!({"name": "x".repeat(201)}), "name:length"),
        (json!({"name": "a\u{0}b"}), "name:control_character"),
        (json!({"name": "y", "kind": "grey"}), "kind:invalid"),
        (json!({"name": "y", "target_fpir": 0}), "target_fpir:range"),
        (
            json!({"name": "y", "target_fpir": 1.5}),
            "target_fpir:range",
        ),
        (json!({"name": "y", "tenant": "other"}), "tenant:unknown"),
    ] {
        let refused = app.post_json("/v1/watchlists", &body).await;
        refused.expect_problem(400, "validation_failed");
        assert_eq!(refused.faults(), [fault]);
    }
    let missing = app.post_json("/v1/watchlists", &json!({})).await;
    missing.expect_problem(400, "missing_part");
    assert_eq!(missing.faults(), ["name:required"]);
}

#[tokio::test]
async fn an_enrolled_person_is_found_and_another_is_not() {
    let app = App::start().await;
    let list = app.watchlist("alerts", "alert").await;
    let wanted = app.enrol(&list, "wanted", person(1)).await;
    app.enrol(&list, "other", person(2)).await;
    let found = search(&app, &list, lookalike(1, 0.9)).await;
    assert_eq!(found["hits"].as_array().unwrap().len(), 1);
    let hit = &found["hits"][0];
    assert_eq!(
        (&hit["subject_id"], &hit["external_id"]),
        (&json!(wanted), &json!("wanted"))
    );
    assert!((hit["similarity"].as_f64().unwrap() - 0.9).abs() < 2e-3);
    let searched = &found["searched"];
    assert_eq!(
        (&searched["size"], &searched["candidates"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(search(&app, &list, person(3)).await["hits"], json!([]));
}

#[tokio::test]
async fn the_threshold_rises_with_the_size_of_the_list() {
    let app = App::start().await;
    let list = app.watchlist("growing", "alert").await;
    let empty = search(&app, &list, person(1)).await;
    assert_eq!(
        (&empty["searched"]["size"], &empty["hits"]),
        (&json!(0), &json!([]))
    );
    let mut last = empty["searched"]["threshold"].as_f64().unwrap();
    for number in 1..=3 {
        for i in 0..3 {
            app.enrol(&list, &format!("{number}-{i}"), person(number * 10 + i))
                .await;
        }
        let threshold = search(&app, &list, person(1)).await["searched"]["threshold"]
            .as_f64()
            .unwrap();
        assert!(threshold > last, "{threshold} after {last}");
        last = threshold;
    }
}

#[tokio::test]
async fn a_person_with_several_faces_is_one_hit_with_the_nearest() {
    let app = App::start().await;
    let list = app.watchlist("many", "alert").await;
    let form = Form::new()
        .part("image", Part::bytes(lookalike(1, 0.7)))
        .part("image", Part::bytes(lookalike(1, 0.95)))
        .text("display_name", "J. Doe");
    let path = format!("/v1/watchlists/{list}/subjects");
    let made = app.post_form(&path, form).await.expect(StatusCode::CREATED);
    assert_eq!(made["faces"].as_array().unwrap().len(), 2);
    let subject = format!("{path}/{}", made["id"].as_str().unwrap());
    let added = app
        .post_form(&format!("{subject}/faces"), image(lookalike(1, 0.8)))
        .await;
    let added = added.expect(StatusCode::CREATED);
    let faces = app
        .get(&format!("{subject}/faces"))
        .await
        .expect(StatusCode::OK);
    assert_eq!(faces["items"].as_array().unwrap().len(), 3);

    let found = search(&app, &list, person(1)).await;
    assert_eq!(found["hits"].as_array().unwrap().len(), 1);
    assert!((found["hits"][0]["similarity"].as_f64().unwrap() - 0.95).abs() < 2e-3);

    let face = format!("{subject}/faces/{}", added["id"].as_str().unwrap());
    assert_eq!(app.delete(&face).await.status, StatusCode::NO_CONTENT);
    app.delete(&face).await.expect_problem(404, "not_found");
    assert_eq!(
        app.get(&subject).await.expect(StatusCode::OK)["faces"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn one_bad_picture_of_several_enrols_nothing() {
    let app = App::start().await;
    let list = app.watchlist("strict", "alert").await;
    let form = image(person(1)).part("image", Part::bytes(picture(json!({"faces": []}))));
    let refused = app
        .post_form(&format!("/v1/watchlists/{list}/subjects"), form)
        .await;
    refused.expect_problem(422, "no_face");
    let read = app
        .get(&format!("/v1/watchlists/{list}"))
        .await
        .expect(StatusCode::OK);
    assert_eq!((&read["subjects"], &read["faces"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn a_deleted_person_is_not_found_again() {
    let app = App::start().await;
    let list = app.watchlist("leaving", "alert").await;
    let subject = app.enrol(&list, "a", person(1)).await;
    let path = format!("/v1/watchlists/{list}/subjects/{subject}");
    assert_eq!(app.delete(&path).await.status, StatusCode::NO_CONTENT);
    app.get(&path).await.expect_problem(404, "not_found");
    let found = search(&app, &list, person(1)).await;
    assert_eq!(
        (&found["searched"]["size"], &found["hits"]),
        (&json!(0), &json!([]))
    );
}

#[tokio::test]
async fn a_person_is_not_found_after_their_time() {
    let app = App::start().await;
    let list = app.watchlist("timed", "alert").await;
    let path = format!("/v1/watchlists/{list}/subjects");
    let until = |days: i64| {
        (OffsetDateTime::now_utc() + Duration::days(days))
            .format(&Rfc3339)
            .unwrap()
    };
    for (name, valid_until) in [("past", until(-1)), ("future", until(1))] {
        let form = image(person(1))
            .text("external_id", name)
            .text("valid_until", valid_until);
        app.post_form(&path, form).await.expect(StatusCode::CREATED);
    }
    let found = search(&app, &list, person(1)).await;
    assert_eq!(found["searched"]["size"], 1);
    assert_eq!(found["hits"][0]["external_id"], "future");
}

#[tokio::test]
async fn a_key_is_unique_in_its_list_and_finds_its_person() {
    let app = App::start().await;
    let (one, other) = (
        app.watchlist("one", "alert").await,
        app.watchlist("other", "alert").await,
    );
    let subject = app.enrol(&one, "key", person(1)).await;
    app.enrol(&other, "key", person(1)).await;
    let path = format!("/v1/watchlists/{one}/subjects");
    let again = app
        .post_form(&path, image(person(2)).text("external_id", "key"))
        .await;
    again.expect_problem(409, "conflict");
    assert_eq!(again.faults(), ["external_id:taken"]);
    let found = app
        .get(&format!("{path}?external_id=key"))
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        (
            &found["items"][0]["id"],
            found["items"].as_array().unwrap().len()
        ),
        (&json!(subject), 1)
    );
}

#[tokio::test]
async fn a_tenant_sees_nothing_of_another() {
    let app = App::start().await;
    let list = app.watchlist("secret", "block").await;
    let subject = app.enrol(&list, "a", person(1)).await;
    let check = app
        .verify(person(1), person(1))
        .await
        .expect(StatusCode::CREATED);
    let stranger = token("globex", ALL_SCOPES);
    let (list, check) = (
        format!("/v1/watchlists/{list}"),
        check["id"].as_str().unwrap(),
    );
    for (method, path, form) in [
        (Method::GET, list.clone(), None),
        (Method::DELETE, list.clone(), None),
        (Method::GET, format!("{list}/subjects"), None),
        (
            Method::POST,
            format!("{list}/subjects"),
            Some(image(person(1))),
        ),
        (Method::GET, format!("{list}/subjects/{subject}"), None),
        (Method::DELETE, format!("{list}/subjects/{subject}"), None),
        (
            Method::GET,
            format!("{list}/subjects/{subject}/faces"),
            None,
        ),
        (
            Method::POST,
            format!("{list}/subjects/{subject}/faces"),
            Some(image(person(1))),
        ),
        (
            Method::POST,
            format!("{list}/search"),
            Some(image(person(1))),
        ),
        (Method::GET, format!("/v1/verifications/{check}"), None),
        (Method::DELETE, format!("/v1/verifications/{check}"), None),
    ] {
        let request = app.bare(method.clone(), &path).bearer_auth(&stranger);
        let answer = Answer::of(form.into_iter().fold(request, |r, form| r.multipart(form))).await;
        assert_eq!(
            answer.status,
            StatusCode::NOT_FOUND,
            "{method} {path}: {}",
            answer.body
        );
        answer.expect_problem(404, "not_found");
    }
    for path in ["/v1/watchlists", "/v1/verifications"] {
        let page = Answer::of(app.bare(Method::GET, path).bearer_auth(&stranger)).await;
        assert_eq!(page.expect(StatusCode::OK)["items"], json!([]), "{path}");
    }
    app.get(&list).await.expect(StatusCode::OK);
}
