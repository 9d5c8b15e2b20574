//! Rows whose faces the list knows already: reported, refused, or joined to whom they belong to, as single enrolments
//! are, and the rows of one transaction by each other too.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{finished, rows};
use crate::app::{Answer, App, lookalike, person};

/// A list with that rule, on which `ann` is the person 1.
async fn list(app: &App, on_duplicate: &str) -> (String, String) {
    let body = json!({"name": on_duplicate, "on_duplicate": on_duplicate});
    let made = app.post_json("/v1/watchlists", &body).await;
    let list = made.expect(StatusCode::CREATED)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let ann = app.enrol(&list, "ann", person(1)).await;
    (list, ann)
}

/// Imports pictures, each of somebody with a key or without one, and gives the rows.
async fn import(app: &App, list: &str, people: &[(Option<&str>, Vec<u8>)]) -> Vec<Value> {
    let line = |(key, image): &(Option<&str>, Vec<u8>)| {
        let mut line = json!({"image": STANDARD.encode(image)});
        if let Some(key) = key {
            line["external_id"] = json!(key);
        }
        format!("{line}\n")
    };
    let body: String = people.iter().map(line).collect();
    let request = app
        .request(Method::POST, &format!("/v1/watchlists/{list}/imports"))
        .header(CONTENT_TYPE, "application/x-ndjson")
        .body(body);
    let job = finished(app, Answer::of(request).await).await;
    assert_eq!(job["state"], "succeeded", "{job}");
    rows(app, &job).await
}

/// Whom the face of a row was found to be: keys, where there are any, with similarities.
fn found(row: &Value) -> Vec<(Option<&str>, f64)> {
    let found = row["duplicate_of"].as_array().unwrap().iter();
    found
        .map(|found| {
            (
                found["external_id"].as_str(),
                found["similarity"].as_f64().unwrap(),
            )
        })
        .collect()
}

/// What the audit log says of the enrolments of a job's rows: what happened, to whom, and whom they were found to be.
async fn events(app: &App) -> Vec<(String, Value, Value)> {
    let page = app
        .get("/v1/audit_events?limit=200")
        .await
        .expect(StatusCode::OK);
    let mut events = page["items"].as_array().unwrap().clone();
    events.retain(|event| event["detail"].get("import").is_some());
    events.reverse();
    events
        .iter()
        .map(|event| {
            let action = event["action"].as_str().unwrap().to_owned();
            let detail = &event["detail"];
            (
                action,
                detail["subject_id"].clone(),
                detail["duplicate_of"].clone(),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_list_that_reports_duplicates_names_them_in_each_row_and_in_the_audit_log() {
    let app = App::start().await;
    let (list, ann) = list(&app, "report").await;
    let people = [
        (Some("twin"), lookalike(1, 0.8)),
        (Some("ann"), person(1)),
        (Some("bob"), person(2)),
        (None, person(2)),
        (None, person(3)),
    ];
    let rows = import(&app, &list, &people).await;
    let states: Vec<&Value> = rows.iter().map(|row| &row["state"]).collect();
    assert_eq!(states, ["succeeded"; 5]);
    let all: Vec<_> = rows.iter().map(found).collect();
    assert_eq!(
        all,
        [
            vec![(Some("ann"), 0.8)],
            // Not of herself, but of whom the row before has brought.
            vec![(Some("twin"), 0.8)],
            vec![],
            vec![(Some("bob"), 1.0)],
            vec![],
        ]
    );
    assert_eq!(rows[0]["duplicate_of"][0]["subject_id"], ann);
    assert_eq!(rows[1]["subject_id"], ann);
    let ids: Vec<&Value> = rows.iter().map(|row| &row["subject_id"]).collect();
    let told = |action: &str, subject: &Value, duplicates: &[&Value]| {
        (action.to_owned(), subject.clone(), json!(duplicates))
    };
    assert_eq!(
        events(&app).await,
        [
            told("subject.enrolled", ids[0], &[&json!(ann)]),
            told("face.enrolled", ids[1], &[ids[0]]),
            told("subject.enrolled", ids[2], &[]),
            told("subject.enrolled", ids[3], &[ids[2]]),
            told("subject.enrolled", ids[4], &[]),
        ]
    );

    // Whoever has gone is no longer named.
    app.post_json("/v1/erasures", &json!({"external_id": "ann"}))
        .await
        .expect(StatusCode::CREATED);
    let jobs = app.get("/v1/jobs").await.expect(StatusCode::OK);
    let rows = super::rows(&app, &jobs["items"][0]).await;
    let left: Vec<_> = rows.iter().map(found).collect();
    assert_eq!((left[0].len(), left[1].len(), left[3].len()), (0, 1, 1));
}

#[tokio::test]
async fn a_list_that_rejects_duplicates_refuses_their_rows_and_names_whom_they_are() {
    let app = App::start().await;
    let (list, ann) = list(&app, "reject").await;
    let people = [
        (Some("twin"), lookalike(1, 0.8)),
        (Some("ann"), person(1)),
        (Some("bob"), person(2)),
        (None, lookalike(2, 0.9)),
        (Some("bob"), lookalike(2, 0.7)),
    ];
    let rows = import(&app, &list, &people).await;
    let codes: Vec<&Value> = rows.iter().map(|row| &row["error"]["code"]).collect();
    let refused = json!("duplicate_subject");
    assert_eq!(
        codes,
        [&refused, &Value::Null, &Value::Null, &refused, &Value::Null]
    );
    let all: Vec<_> = rows.iter().map(found).collect();
    assert_eq!(
        all,
        [
            vec![(Some("ann"), 0.8)],
            vec![],
            vec![],
            vec![(Some("bob"), 0.9)],
            vec![],
        ]
    );
    assert_eq!(rows[0]["duplicate_of"][0]["subject_id"], ann);
    let watchlist = app.get(&format!("/v1/watchlists/{list}")).await;
    let watchlist = watchlist.expect(StatusCode::OK);
    assert_eq!([&watchlist["subjects"], &watchlist["faces"]], [2, 4]);
}

#[tokio::test]
async fn a_list_that_joins_duplicates_adds_the_faces_of_rows_to_whom_they_are_most_like() {
    let app = App::start().await;
    let (list, ann) = list(&app, "add_to_subject").await;
    let people = [
        (None, lookalike(1, 0.8)),
        (Some("ann"), person(1)),
        (Some("mallory"), person(1)),
        (None, person(2)),
        (None, lookalike(2, 0.9)),
    ];
    let rows = import(&app, &list, &people).await;
    let all: Vec<_> = rows.iter().map(found).collect();
    assert_eq!(
        all,
        [
            vec![(Some("ann"), 0.8)],
            vec![],
            // Another key: as a single enrolment, it is refused.
            vec![(Some("ann"), 1.0)],
            vec![],
            vec![(None, 0.9)],
        ]
    );
    let subjects: Vec<&Value> = rows.iter().map(|row| &row["subject_id"]).collect();
    assert_eq!((subjects[0], subjects[1]), (&json!(ann), &json!(ann)));
    assert_eq!(rows[2]["error"]["code"], "duplicate_subject");
    assert_eq!(subjects[3], subjects[4], "within one transaction");
    let watchlist = app.get(&format!("/v1/watchlists/{list}")).await;
    let watchlist = watchlist.expect(StatusCode::OK);
    assert_eq!([&watchlist["subjects"], &watchlist["faces"]], [2, 5]);
    let told: Vec<_> = events(&app).await;
    let actions: Vec<&str> = told.iter().map(|(action, ..)| action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "face.enrolled",
            "face.enrolled",
            "subject.enrolled",
            "face.enrolled"
        ]
    );
    assert_eq!(told[0].2, json!([ann]));
}

#[tokio::test]
async fn somebody_whose_time_is_over_is_nobody_s_duplicate() {
    let app = App::start().await;
    let (list, ann) = list(&app, "add_to_subject").await;
    let over = json!({"valid_until": "2001-01-01T00:00:00Z"});
    app.patch(&format!("/v1/watchlists/{list}/subjects/{ann}"), &over)
        .await
        .expect(StatusCode::OK);
    let people = [
        (Some("ann"), person(1)),
        (None, person(1)),
        (None, person(1)),
    ];
    let rows = import(&app, &list, &people).await;
    let all: Vec<usize> = rows.iter().map(|row| found(row).len()).collect();
    assert_eq!(all, [0, 0, 1]);
    assert_eq!(rows[0]["subject_id"], ann);
    assert_ne!(rows[1]["subject_id"], ann);
    assert_eq!(rows[1]["subject_id"], rows[2]["subject_id"]);
}
