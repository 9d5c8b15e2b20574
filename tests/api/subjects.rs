//! People on a list: put by their key, changed and filtered.

use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::{Answer, App, person};

fn image(bytes: Vec<u8>) -> Form {
    Form::new().part("image", Part::bytes(bytes))
}

async fn hits(app: &App, list: &str, bytes: Vec<u8>) -> Vec<Value> {
    let answer = app
        .post_form(&format!("/v1/watchlists/{list}/search"), image(bytes))
        .await;
    let body = answer.expect(StatusCode::OK);
    body["hits"].as_array().unwrap().clone()
}

fn by_key(list: &str, key: &str) -> String {
    format!("/v1/watchlists/{list}/subjects/by-external-id/{key}")
}

/// The keys of a page, in its order.
fn keys(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["external_id"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn putting_somebody_makes_them_and_putting_them_again_replaces_them() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let path = by_key(&list, "key");
    let form = image(person(1))
        .text("display_name", "Ada")
        .text("metadata", r#"{"a": 1}"#)
        .text("valid_until", "2999-01-01T00:00:00Z");
    let made = app.put_form(&path, form).await.expect(StatusCode::CREATED);
    assert_eq!(
        (
            &made["external_id"],
            &made["display_name"],
            &made["metadata"]
        ),
        (&json!("key"), &json!("Ada"), &json!({"a": 1}))
    );
    assert_eq!(made["duplicate_of"], json!([]));

    // Nobody is their own duplicate, and fields that are not sent are cleared.
    let again = app
        .put_form(&path, image(person(1)))
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        (&again["id"], &again["created_at"]),
        (&made["id"], &made["created_at"])
    );
    assert_eq!(
        (
            &again["display_name"],
            &again["metadata"],
            &again["valid_until"]
        ),
        (&Value::Null, &json!({}), &Value::Null)
    );
    assert_eq!(again["duplicate_of"], json!([]));
    assert_eq!(again["faces"].as_array().unwrap().len(), 1);
    assert_ne!(again["faces"][0]["id"], made["faces"][0]["id"]);

    // Other pictures take the place of the old ones; without pictures the faces stay.
    let other = image(person(2)).part("image", Part::bytes(person(3)));
    app.put_form(&path, other).await.expect(StatusCode::OK);
    assert_eq!(hits(&app, &list, person(1)).await, [] as [Value; 0]);
    let body = json!({"display_name": "Grace"});
    let answer = Answer::of(app.request(Method::PUT, &path).json(&body)).await;
    let kept = answer.expect(StatusCode::OK);
    assert_eq!(kept["faces"].as_array().unwrap().len(), 2);
    for number in [2, 3] {
        let found = hits(&app, &list, person(number)).await;
        assert_eq!(
            (&found[0]["subject_id"], &found[0]["display_name"]),
            (&made["id"], &json!("Grace"))
        );
    }
}

#[tokio::test]
async fn two_who_put_the_same_key_at_once_make_one_person() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let path = by_key(&list, "key");
    for round in 0..5 {
        let puts = (0..8).map(|i| app.put_form(&path, image(person(round * 8 + i))));
        let answers = futures_util::future::join_all(puts).await;
        let made = answers
            .iter()
            .filter(|answer| answer.status == StatusCode::CREATED)
            .count();
        assert_eq!(made, usize::from(round == 0));
        let page = app
            .get(&format!("/v1/watchlists/{list}/subjects"))
            .await
            .expect(StatusCode::OK);
        assert_eq!(keys(&page), ["key"]);
        assert_eq!(page["items"][0]["faces"].as_array().unwrap().len(), 1);
        for answer in answers {
            assert!(answer.status.is_success(), "{}", answer.body);
            assert_eq!(answer.body["id"], page["items"][0]["id"]);
        }
    }
}

#[tokio::test]
async fn a_search_never_misses_somebody_who_is_put_again() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let path = by_key(&list, "key");
    app.put_form(&path, image(person(1)))
        .await
        .expect(StatusCode::CREATED);
    let puts = async {
        for _ in 0..40 {
            app.put_form(&path, image(person(1)))
                .await
                .expect(StatusCode::OK);
        }
    };
    let searches = async {
        for _ in 0..60 {
            assert_eq!(hits(&app, &list, person(1)).await.len(), 1);
        }
    };
    tokio::join!(puts, searches);
}

#[tokio::test]
async fn a_key_in_a_path_is_any_text_that_the_field_takes() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    for (escaped, key) in [
        ("faces", "faces"),
        ("a%2Fb", "a/b"),
        ("a%20b%25", "a b%"),
        ("%C3%BC", "ü"),
        ("..%2F..", "../.."),
    ] {
        let form = Form::new().text("metadata", "{}");
        let answer = app.put_form(&by_key(&list, escaped), form).await;
        let made = answer.expect(StatusCode::CREATED);
        assert_eq!(made["external_id"], key);
    }
    for (escaped, fault) in [
        ("a%00", "external_id:control_character"),
        (&*"x".repeat(129), "external_id:length"),
    ] {
        let form = Form::new().text("metadata", "{}");
        let answer = app.put_form(&by_key(&list, escaped), form).await;
        let refused = answer;
        refused.expect_problem(400, "validation_failed");
        assert_eq!(refused.faults(), [fault]);
    }
    let nowhere = by_key("01990000-0000-7000-8000-000000000000", "key");
    app.put_form(&nowhere, image(person(1)))
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_change_leaves_what_it_does_not_name_and_clears_what_is_null() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let path = format!("/v1/watchlists/{list}/subjects");
    let form = image(person(1))
        .text("external_id", "key")
        .text("display_name", "Ada")
        .text("metadata", r#"{"a": 1}"#)
        .text("valid_until", "2999-01-01T00:00:00Z");
    let made = app.post_form(&path, form).await.expect(StatusCode::CREATED);
    let subject = format!("{path}/{}", made["id"].as_str().unwrap());

    let same = app.patch(&subject, &json!({})).await.expect(StatusCode::OK);
    assert_eq!(same, app.get(&subject).await.expect(StatusCode::OK));
    let named = app
        .patch(
            &subject,
            &json!({"display_name": "Grace", "metadata": {"b": [2]}}),
        )
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        (
            &named["external_id"],
            &named["display_name"],
            &named["metadata"],
            &named["valid_until"]
        ),
        (
            &json!("key"),
            &json!("Grace"),
            &json!({"b": [2]}),
            &json!("2999-01-01T00:00:00Z")
        )
    );
    let cleared =
        json!({"external_id": null, "display_name": null, "metadata": null, "valid_until": null});
    let cleared = app.patch(&subject, &cleared).await.expect(StatusCode::OK);
    assert_eq!(
        (
            &cleared["external_id"],
            &cleared["display_name"],
            &cleared["metadata"],
            &cleared["valid_until"]
        ),
        (&Value::Null, &Value::Null, &json!({}), &Value::Null)
    );
    assert_eq!(cleared["faces"].as_array().unwrap().len(), 1);

    app.enrol(&list, "taken", person(2)).await;
    let taken = app.patch(&subject, &json!({"external_id": "taken"})).await;
    taken.expect_problem(409, "conflict");
    assert_eq!(taken.faults(), ["external_id:taken"]);
    for (body, fault) in [
        (json!({"external_id": ""}), "external_id:length"),
        (
            json!({"display_name": "a\u{7}"}),
            "display_name:control_character",
        ),
        (json!({"metadata": []}), "metadata:invalid"),
        (json!({"valid_until": "tomorrow"}), "valid_until:invalid"),
        (json!({"image": "x"}), "image:unknown"),
    ] {
        let refused = app.patch(&subject, &body).await;
        refused.expect_problem(400, "validation_failed");
        assert_eq!(refused.faults(), [fault]);
    }
    let form = Answer::of(
        app.request(Method::PATCH, &subject)
            .multipart(image(person(1))),
    )
    .await;
    form.expect_problem(415, "unsupported_media_type");
    let nobody = format!("{path}/01990000-0000-7000-8000-000000000000");
    app.patch(&nobody, &json!({"display_name": "x"}))
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn an_end_in_the_past_takes_a_person_out_at_once_and_clearing_it_brings_them_back() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let subject = app.enrol(&list, "key", person(1)).await;
    let subject = format!("/v1/watchlists/{list}/subjects/{subject}");
    for (end, found) in [
        (json!("2001-01-01T00:00:00Z"), 0),
        (Value::Null, 1),
        (json!("2999-01-01T00:00:00Z"), 1),
        (json!("2001-01-01T00:00:00Z"), 0),
    ] {
        app.patch(&subject, &json!({"valid_until": end}))
            .await
            .expect(StatusCode::OK);
        assert_eq!(hits(&app, &list, person(1)).await.len(), found, "{end}");
    }
    // The same by putting them: the faces that stay are found again.
    let form = Form::new().text("display_name", "x");
    let answer = app.put_form(&by_key(&list, "key"), form).await;
    answer.expect(StatusCode::OK);
    assert_eq!(hits(&app, &list, person(1)).await.len(), 1);
}

#[tokio::test]
async fn lists_of_people_keep_to_their_filters_page_by_page() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let path = format!("/v1/watchlists/{list}/subjects");
    let mut times = Vec::new();
    for (key, name, until) in [
        ("a", "Ümit Özal", None),
        ("b", "Bob 100%", Some("2001-01-01T00:00:00Z")),
        ("c", "ümit", Some("2999-01-01T00:00:00Z")),
        ("d", "Eve", None),
        ("e", "B_b", Some("2001-01-01T00:00:00Z")),
        ("f", "Özümit", None),
    ] {
        let body = json!({"external_id": key, "display_name": name, "valid_until": until});
        let made = app
            .post_json(&path, &body)
            .await
            .expect(StatusCode::CREATED);
        times.push(made["created_at"].as_str().unwrap().to_owned());
    }
    let after = format!("created_after={}", times[2]);
    let before = format!("created_before={}", times[2]);
    for (query, expected) in [
        ("", "f e d c b a"),
        ("external_id=c", "c"),
        ("external_id=x", ""),
        ("display_name=%C3%9CMIT", "f c a"),
        ("display_name=%25", "b"),
        ("display_name=_", "e"),
        ("valid=true", "f d c a"),
        ("valid=false", "e b"),
        (&after, "f e d c"),
        (&before, "b a"),
        (&format!("{after}&valid=true&display_name=%C3%BC"), "f c"),
        ("external_id=b&valid=true", ""),
    ] {
        let mut found = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = app
                .get(&format!("{path}?limit=2&{query}{cursor}"))
                .await
                .expect(StatusCode::OK);
            let keys = keys(&page);
            assert!(keys.len() <= 2, "{query}");
            found.extend(keys.into_iter().map(str::to_owned));
            let Some(next) = page["next_cursor"].as_str() else {
                break;
            };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(found.join(" "), expected, "{query}");
    }
    for query in [
        "valid=maybe",
        "created_after=now",
        "display_name=",
        "name=x",
    ] {
        app.get(&format!("{path}?{query}"))
            .await
            .expect_problem(400, "validation_failed");
    }
}
