//! Watchlists, the people on them, and their search.

use reqwest::StatusCode;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::app::{App, lookalike, person, picture};

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
        (&made["kind"], &made["target_fpir"], &made["on_duplicate"]),
        (&json!("alert"), &json!(0.01), &json!("report"))
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
async fn a_change_of_a_list_leaves_what_it_does_not_name_and_holds_from_then_on() {
    let app = App::start().await;
    let id = app.watchlist("door", "block").await;
    app.watchlist("taken", "block").await;
    app.enrol(&id, "a", person(1)).await;
    let path = format!("/v1/watchlists/{id}");
    let made = app.get(&path).await.expect(StatusCode::OK);
    let same = app.patch(&path, &json!({})).await.expect(StatusCode::OK);
    assert_eq!(same, made);
    let body =
        json!({"name": "gate", "kind": "allow", "target_fpir": 0.5, "on_duplicate": "reject"});
    let changed = app.patch(&path, &body).await.expect(StatusCode::OK);
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(&changed[name], value);
    }
    assert_eq!(
        (&changed["id"], &changed["faces"], &changed["created_at"]),
        (&made["id"], &json!(1), &made["created_at"])
    );
    let searched = &search(&app, &id, person(1)).await["searched"];
    assert_eq!(searched["target_fpir"], 0.5);

    let renamed = app.patch(&path, &json!({"name": "taken"})).await;
    renamed.expect_problem(409, "conflict");
    assert_eq!(renamed.faults(), ["name:taken"]);
    for (body, fault) in [
        (json!({"name": ""}), "name:length"),
        (json!({"name": null}), "name:invalid"),
        (json!({"kind": "grey"}), "kind:invalid"),
        (json!({"target_fpir": 0}), "target_fpir:range"),
        (json!({"target_fpir": null}), "target_fpir:invalid"),
        (json!({"on_duplicate": "ignore"}), "on_duplicate:invalid"),
        (json!({"id": "x"}), "id:unknown"),
    ] {
        let refused = app.patch(&path, &body).await;
        refused.expect_problem(400, "validation_failed");
        assert_eq!(refused.faults(), [fault]);
    }
    assert_eq!(app.get(&path).await.expect(StatusCode::OK), changed);
    let nowhere = "/v1/watchlists/01990000-0000-7000-8000-000000000000";
    app.patch(nowhere, &json!({"name": "x"}))
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn lists_are_filtered_by_kind_and_by_a_part_of_their_name() {
    let app = App::start().await;
    for (name, kind) in [
        ("Staff north", "allow"),
        ("Fraud", "block"),
        ("STAFF south", "allow"),
        ("Barred staff", "block"),
    ] {
        app.watchlist(name, kind).await;
    }
    for (query, expected) in [
        ("", "Barred staff, STAFF south, Fraud, Staff north"),
        ("kind=block", "Barred staff, Fraud"),
        ("name=staff", "Barred staff, STAFF south, Staff north"),
        ("name=staff&kind=allow", "STAFF south, Staff north"),
        ("kind=alert", ""),
    ] {
        let mut names = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/v1/watchlists?limit=1&{query}{cursor}");
            let page = app.get(&path).await.expect(StatusCode::OK);
            for item in page["items"].as_array().unwrap() {
                names.push(item["name"].as_str().unwrap().to_owned());
            }
            let Some(next) = page["next_cursor"].as_str() else {
                break;
            };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(names.join(", "), expected, "{query}");
    }
    app.get("/v1/watchlists?kind=grey")
        .await
        .expect_problem(400, "validation_failed");
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
