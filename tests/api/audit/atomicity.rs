//! Nothing is done or told without an event, and no event without what it tells.

use reqwest::StatusCode;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::{Audited, image};
use crate::app::{App, lookalike, pair, person, picture};
use crate::imports::{archive, post, zip};

fn compare() -> Form {
    Form::new()
        .part("source", Part::bytes(person(1)))
        .part("target", Part::bytes(person(1)))
}

/// Everything that tenants have, except jobs that were not taken in.
async fn records(app: &App, list: &str) -> Vec<Value> {
    let list = format!("/v1/watchlists/{list}");
    let mut records = Vec::new();
    for path in [
        "/v1/verifications",
        "/v1/watchlists",
        "/v1/jobs",
        "/v1/erasures",
        "/v1/retention",
        &list,
        &format!("{list}/subjects"),
    ] {
        records.push(app.get(path).await.expect(StatusCode::OK));
    }
    records
}

#[tokio::test]
async fn where_the_log_cannot_be_written_nothing_is_done_and_nothing_told() {
    let audited = Audited::start().await;
    let app = &audited.app;
    let list = app.watchlist("l", "alert").await;
    let subject = app.enrol(&list, "key", person(1)).await;
    let check = app
        .verify(person(1), person(1))
        .await
        .expect(StatusCode::CREATED);
    let (before, count) = (records(app, &list).await, audited.count().await);
    let face = before[6]["items"][0]["faces"][0]["id"].as_str().unwrap();
    audited
        .run("revoke insert on audit_events from likeness_service")
        .await;

    let path = format!("/v1/watchlists/{list}");
    let subjects = format!("{path}/subjects");
    let one = format!("{subjects}/{subject}");
    let check = format!("/v1/verifications/{}", check["id"].as_str().unwrap());
    for (name, answer) in [
        ("verify", app.verify(person(1), person(1)).await),
        ("erase", app.delete(&check).await),
        (
            "review",
            app.post_json(&format!("{check}/review"), &json!({"decision": "approved"}))
                .await,
        ),
        (
            "erase a person",
            app.post_json("/v1/erasures", &json!({"external_id": "key"}))
                .await,
        ),
        (
            "choose a retention",
            app.put_json("/v1/retention", &json!({"job_days": 1})).await,
        ),
        (
            "compare",
            app.post_form("/v1/faces/compare", compare()).await,
        ),
        (
            "search",
            app.post_form(&format!("{path}/search"), image(person(1)))
                .await,
        ),
        (
            "make a list",
            app.post_json("/v1/watchlists", &json!({"name": "m"})).await,
        ),
        (
            "change a list",
            app.patch(&path, &json!({"name": "n"})).await,
        ),
        ("enrol", app.post_form(&subjects, image(person(2))).await),
        (
            "put",
            app.put_form(&format!("{subjects}/by-external-id/key"), image(person(2)))
                .await,
        ),
        (
            "put anew",
            app.put_form(&format!("{subjects}/by-external-id/new"), image(person(2)))
                .await,
        ),
        (
            "change",
            app.patch(&one, &json!({"display_name": "x"})).await,
        ),
        (
            "add a face",
            app.post_form(&format!("{one}/faces"), image(person(1)))
                .await,
        ),
        (
            "remove a face",
            app.delete(&format!("{one}/faces/{face}")).await,
        ),
        ("take off", app.delete(&one).await),
        ("delete a list", app.delete(&path).await),
        (
            "import",
            post(app, &list, archive(zip(&[("a.jpg", person(5))]))).await,
        ),
    ] {
        assert_eq!(
            answer.status,
            StatusCode::INTERNAL_SERVER_ERROR,
            "{name}: {}",
            answer.body
        );
        answer.expect_problem(500, "internal");
    }
    assert_eq!(records(app, &list).await, before);
    audited
        .run("grant insert on audit_events to likeness_service")
        .await;
    assert_eq!(audited.count().await, count);
    app.delete(&one).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(audited.count().await, count + 1);
}

#[tokio::test]
async fn what_is_refused_leaves_no_event() {
    let audited = Audited::start().await;
    let app = &audited.app;
    let body = json!({"name": "l", "on_duplicate": "reject"});
    let list = app
        .post_json("/v1/watchlists", &body)
        .await
        .expect(StatusCode::CREATED);
    let path = format!("/v1/watchlists/{}", list["id"].as_str().unwrap());
    let subjects = format!("{path}/subjects");
    app.post_form(&subjects, image(person(1)).text("external_id", "key"))
        .await
        .expect(StatusCode::CREATED);
    let count = audited.count().await;
    let nobody = "01990000-0000-7000-8000-000000000000";
    let nobody_there = format!("{subjects}/{nobody}");
    let blurred = picture(json!({"faces": [{"person": 3, "sharpness": 1.0}]}));
    for (status, answer) in [
        (
            409,
            app.post_json("/v1/watchlists", &json!({"name": "l"})).await,
        ),
        (409, app.post_form(&subjects, image(person(1))).await),
        (
            409,
            app.post_form(&subjects, image(person(2)).text("external_id", "key"))
                .await,
        ),
        (422, app.post_form(&subjects, image(blurred)).await),
        (
            422,
            app.post_form(
                &format!("{path}/search"),
                image(picture(json!({"faces": []}))),
            )
            .await,
        ),
        (404, app.delete(&nobody_there).await),
        (
            404,
            app.delete(&format!("{nobody_there}/faces/{nobody}")).await,
        ),
        (
            404,
            app.patch(&nobody_there, &json!({"display_name": "x"}))
                .await,
        ),
        (
            404,
            app.patch(&format!("/v1/watchlists/{nobody}"), &json!({"name": "x"}))
                .await,
        ),
        (404, app.delete(&format!("/v1/watchlists/{nobody}")).await),
        (
            404,
            app.delete(&format!("/v1/verifications/{nobody}")).await,
        ),
        (
            404,
            app.post_json(&format!("/v1/jobs/{nobody}/cancel"), &json!({}))
                .await,
        ),
        (
            404,
            app.post_form(&format!("/v1/watchlists/{nobody}/search"), image(person(1)))
                .await,
        ),
        (
            400,
            app.post_json("/v1/watchlists", &json!({"name": ""})).await,
        ),
    ] {
        assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    }
    assert_eq!(audited.count().await, count);
}

#[tokio::test]
async fn under_load_there_is_an_event_for_each_effect_and_each_answer_and_for_nothing_else() {
    let audited = Audited::start().await;
    let app = &audited.app;
    let list = app.watchlist("l", "alert").await;
    let subjects = format!("/v1/watchlists/{list}/subjects");
    let search = format!("/v1/watchlists/{list}/search");
    let requests = (0..120).map(|number| {
        let (subjects, search) = (&subjects, &search);
        async move {
            match number % 4 {
                0 => app.post_form(subjects, image(person(number))).await,
                1 => {
                    app.post_form(search, image(lookalike(number - 1, 0.9)))
                        .await
                }
                2 => {
                    app.post_form("/v1/verifications", pair(person(number), person(number)))
                        .await
                }
                _ => app.post_form("/v1/faces/compare", compare()).await,
            }
        }
    });
    let answers = futures_util::future::join_all(requests).await;
    let done = answers
        .iter()
        .filter(|answer| answer.status.is_success())
        .count();
    assert!(done > 10, "{done}");
    for answer in answers.iter().filter(|answer| !answer.status.is_success()) {
        // The queue is short: what is turned away is not done.
        answer.expect_problem(503, "overloaded");
    }
    // And the list itself.
    assert_eq!(audited.count().await, i64::try_from(done).unwrap() + 1);
    let found = app
        .get(&format!("/v1/watchlists/{list}"))
        .await
        .expect(StatusCode::OK);
    let enrolled = app
        .get("/v1/audit_events?action=subject.enrolled&limit=200")
        .await;
    let enrolled = enrolled.expect(StatusCode::OK);
    assert_eq!(
        enrolled["items"].as_array().unwrap().len() as u64,
        found["subjects"].as_u64().unwrap()
    );
}

/// A text that stands out.
const CANARIES: [&str; 9] = [
    "canaryname",
    "canarykey",
    "canarymeta",
    "canarylist",
    "canaryfile",
    "canarywant",
    "canaryconsent",
    "canarynote",
    "canaryreason",
];

#[tokio::test]
async fn no_name_key_metadata_file_name_token_or_template_is_ever_in_the_log() {
    let audited = Audited::start().await;
    let app = &audited.app;
    let list = app.watchlist("canarylist", "block").await;
    let subjects = format!("/v1/watchlists/{list}/subjects");
    let described = |form: Form| {
        form.text("external_id", "canarykey")
            .text("consent", r#"{"id": "canaryconsent"}"#)
            .text("metadata", r#"{"canarymeta": "canarymeta"}"#)
    };
    let form = described(image(person(1))).text("display_name", "canaryname");
    app.post_form(&subjects, form)
        .await
        .expect(StatusCode::CREATED);
    let put = format!("{subjects}/by-external-id/canarykey");
    let form = image(person(1)).text("display_name", "canaryname");
    let put = app.put_form(&put, form).await.expect(StatusCode::OK);
    let one = format!("{subjects}/{}", put["id"].as_str().unwrap());
    let change = json!({"display_name": "canaryname2", "external_id": "canarykey2", "metadata": {"canarymeta": 1}});
    app.patch(&one, &change).await.expect(StatusCode::OK);
    let search = format!("/v1/watchlists/{list}/search");
    let hits = app
        .post_form(&search, image(person(1)))
        .await
        .expect(StatusCode::OK);
    assert!(
        hits.to_string().contains("canaryname2"),
        "the answer names them"
    );
    let form = described(pair(person(1), person(1)))
        .text("watchlist_ids", list.clone())
        .text("expected", r#"{"last_names": "canarywant"}"#);
    let checked = app
        .post_form("/v1/verifications", form)
        .await
        .expect(StatusCode::CREATED);
    assert!(checked.to_string().contains("canarymeta"));
    let review = format!(
        "/v1/verifications/{}/review",
        checked["id"].as_str().unwrap()
    );
    let reviewed = json!({"decision": "declined", "note": "canarynote"});
    app.post_json(&review, &reviewed)
        .await
        .expect(StatusCode::CREATED);
    app.post_form("/v1/faces/compare", compare())
        .await
        .expect(StatusCode::OK);
    let files = [
        ("canaryfile.jpg", person(4)),
        (
            "manifest.csv",
            Vec::from(
                &b"file,external_id,display_name\ncanaryfile.jpg,canarykey3,canaryname3\n"[..],
            ),
        ),
    ];
    let job = post(app, &list, archive(zip(&files))).await;
    let job = crate::imports::finished(app, job).await;
    assert_eq!((&job["done"], &job["failed"]), (&json!(1), &json!(0)));
    let erasure = json!({"external_id": "canarykey2", "reason": "canaryreason"});
    app.post_json("/v1/erasures", &erasure)
        .await
        .expect(StatusCode::CREATED);
    app.patch(
        &format!("/v1/watchlists/{list}"),
        &json!({"name": "canarylist2"}),
    )
    .await
    .expect(StatusCode::OK);
    app.delete(&format!("/v1/watchlists/{list}"))
        .await
        .expect(StatusCode::NO_CONTENT);

    let rows: Vec<String> = sqlx::query_scalar("select e::text from audit_events as e")
        .fetch_all(&mut audited.owner().await)
        .await
        .unwrap();
    assert_eq!(rows.len(), 13);
    let token = crate::app::token("acme", crate::app::ALL_SCOPES);
    for row in rows {
        for canary in CANARIES {
            assert!(!row.contains(canary), "{canary}: {row}");
        }
        assert!(!row.contains(token.split('.').next().unwrap()), "{row}");
        // A template would be hundreds of numbers.
        assert!(row.len() < 2_000, "{} bytes: {row}", row.len());
    }
}
