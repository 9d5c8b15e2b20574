//! After an erasure no route shows the person, on any replica; the receipt tells what went and not who.

use likeness::domain::ids::TenantId;
use likeness::lifecycle::commitment;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::{ALL_SCOPES, Answer, App, Options, pair, person, token};
use crate::imports::{archive, finished, post, zip};
use crate::support;

const ERASURES: &str = "/v1/erasures";
const TARGET: &str = "target-4711";
const NAME: &str = "Name of the target";

fn image(number: usize) -> Form {
    Form::new().part("image", Part::bytes(person(number)))
}

/// Two services on one database.
async fn replicas() -> [App; 2] {
    let database = support::database().await;
    let sharing = || Options {
        database: Some(database.clone()),
        ..Options::default()
    };
    [
        App::start_with(sharing()).await,
        App::start_with(sharing()).await,
    ]
}

async fn enrol_target(app: &App, list: &str) -> Value {
    let form = image(1).text("display_name", NAME);
    let path = format!("/v1/watchlists/{list}/subjects/by-external-id/{TARGET}");
    app.put_form(&path, form).await.expect(StatusCode::CREATED)
}

#[tokio::test]
async fn after_an_erasure_no_route_of_any_replica_shows_the_person() {
    let [app, other] = replicas().await;
    let lists = [
        app.watchlist("1", "block").await,
        app.watchlist("2", "alert").await,
    ];
    let mut subjects = Vec::new();
    for list in &lists {
        let made = enrol_target(&app, list).await;
        subjects.push(made["id"].as_str().unwrap().to_owned());
    }
    app.enrol(&lists[0], "beside", person(2)).await;
    let own = pair(person(1), person(1)).text("external_id", TARGET);
    let own = app
        .post_form("/v1/verifications", own)
        .await
        .expect(StatusCode::CREATED);
    let of_others = pair(person(1), person(1))
        .text("external_id", "somebody")
        .text("watchlist_ids", lists[0].clone());
    let of_others = app.post_form("/v1/verifications", of_others).await;
    let of_others = of_others.expect(StatusCode::CREATED);
    assert_eq!(
        of_others["checks"]["watchlist"]["hits"][0]["external_id"],
        TARGET
    );
    let files = zip(&[
        (&*format!("{TARGET}/1.jpg"), person(1)),
        ("beside/1.jpg", person(2)),
    ]);
    let job = finished(&app, post(&app, &lists[0], archive(files)).await).await;
    let job = job["id"].as_str().unwrap();

    let mut paths = vec![
        "/v1/watchlists".to_owned(),
        "/v1/verifications".to_owned(),
        format!("/v1/verifications?external_id={TARGET}"),
        format!("/v1/verifications/{}", own["id"].as_str().unwrap()),
        format!("/v1/verifications/{}", of_others["id"].as_str().unwrap()),
        "/v1/jobs".to_owned(),
        format!("/v1/jobs/{job}/rows"),
        format!("/v1/jobs/{job}/result"),
    ];
    for (list, subject) in lists.iter().zip(&subjects) {
        let people = format!("/v1/watchlists/{list}/subjects");
        paths.extend([
            format!("{people}?external_id={TARGET}"),
            format!("{people}/{subject}"),
            format!("{people}/{subject}/faces"),
            people,
        ]);
    }
    let shown = |answer: &Answer| {
        let text = answer.body.to_string();
        text.contains(TARGET) || text.contains(NAME)
    };
    let mut showing = 0;
    for path in &paths {
        showing += usize::from(shown(&other.get(path).await));
    }
    assert!(
        showing >= 9,
        "only {showing} of {paths:?} showed them before"
    );

    let erasure = app
        .post_json(ERASURES, &json!({"external_id": TARGET}))
        .await;
    let receipt = erasure.expect(StatusCode::CREATED);
    let erased = &receipt["erased"];
    assert_eq!(
        [
            &erased["subjects"],
            &erased["faces"],
            &erased["verifications"],
            &erased["hits"],
            &erased["job_rows"]
        ],
        [2, 3, 1, 1, 1].map(|count| json!(count)).each_ref()
    );
    for replica in [&app, &other] {
        for path in &paths {
            let answer = replica.get(path).await;
            assert!(!shown(&answer), "{path}: {}", answer.body);
        }
        for list in &lists {
            let found = replica
                .post_form(&format!("/v1/watchlists/{list}/search"), image(1))
                .await;
            assert_eq!(found.expect(StatusCode::OK)["hits"], json!([]));
        }
        let receipts = replica.get(ERASURES).await;
        assert!(!shown(&receipts), "{}", receipts.body);
    }
    // Of the verification of somebody else only who was found is forgotten.
    let path = format!("/v1/verifications/{}", of_others["id"].as_str().unwrap());
    let left = other.get(&path).await.expect(StatusCode::OK);
    let mut expected = of_others.clone();
    expected["checks"]["watchlist"]["hits"][0]["external_id"] = Value::Null;
    expected["checks"]["watchlist"]["hits"][0]["display_name"] = Value::Null;
    assert_eq!(left, expected);
    let beside = other
        .get(&format!("/v1/watchlists/{}/subjects", lists[0]))
        .await;
    let beside = beside.expect(StatusCode::OK);
    assert_eq!(beside["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_receipt_can_be_read_and_shows_whom_it_is_about_with_its_key_alone() {
    let app = App::start().await;
    let body = json!({"external_id": TARGET, "reason": "consent withdrawn"});
    let made = app.post_json(ERASURES, &body).await;
    let location = made.headers["location"].to_str().unwrap().to_owned();
    let mut made = made.expect(StatusCode::CREATED);
    let key = made.as_object_mut().unwrap().remove("proof_key").unwrap();
    // Known once it is committed: then it is in the log, as the first thing there.
    assert_eq!(made["audit_sequence"], Value::Null);
    made["audit_sequence"] = json!(1);
    let acme = TenantId::parse("acme").unwrap();
    let expected = commitment(key.as_str().unwrap(), &acme, TARGET);
    let expected: String = expected.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(made["commitment"], json!(expected));
    assert_eq!(
        (&made["requested_by"], &made["reason"]),
        (&json!("tester"), &body["reason"])
    );
    assert_eq!(app.get(&location).await.expect(StatusCode::OK), made);
    let again = app
        .post_json(ERASURES, &body)
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(again["erased"]["subjects"], 0);
    assert_ne!(
        again["commitment"], made["commitment"],
        "two receipts cannot be told to be of one person"
    );
    let page = app
        .get(&format!("{ERASURES}?limit=1"))
        .await
        .expect(StatusCode::OK);
    assert_eq!(page["items"][0]["id"], again["id"]);
    let next = format!(
        "{ERASURES}?limit=1&cursor={}",
        page["next_cursor"].as_str().unwrap()
    );
    assert_eq!(
        app.get(&next).await.expect(StatusCode::OK)["items"],
        json!([made])
    );
    let stranger = token("globex", ALL_SCOPES);
    let foreign = app.bare(Method::GET, &location).bearer_auth(stranger);
    Answer::of(foreign).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn an_erasure_needs_a_key_and_a_reason_does_not_repeat_it() {
    let app = App::start().await;
    for (body, code, fault) in [
        (json!({}), "missing_part", "external_id:required"),
        (
            json!({"external_id": ""}),
            "validation_failed",
            "external_id:length",
        ),
        (
            json!({"external_id": "x".repeat(129)}),
            "validation_failed",
            "external_id:length",
        ),
        (
            json!({"external_id": "k-1", "reason": "k-1 asked"}),
            "validation_failed",
            "reason:names_the_person",
        ),
        (
            json!({"external_id": "k-1", "tenant": "other"}),
            "validation_failed",
            "tenant:unknown",
        ),
    ] {
        let refused = app.post_json(ERASURES, &body).await;
        refused.expect_problem(400, code);
        assert_eq!(refused.faults(), [fault]);
    }
    let none = app.get(ERASURES).await.expect(StatusCode::OK);
    assert_eq!(none["items"], json!([]));
}

#[tokio::test]
async fn an_erasure_reaches_no_other_tenant() {
    let app = App::start().await;
    let list = app.watchlist("1", "block").await;
    enrol_target(&app, &list).await;
    let stranger = token("globex", ALL_SCOPES);
    let request = app.bare(Method::POST, ERASURES).bearer_auth(stranger);
    let done = Answer::of(request.json(&json!({"external_id": TARGET}))).await;
    assert_eq!(done.expect(StatusCode::CREATED)["erased"]["subjects"], 0);
    let found = app
        .post_form(&format!("/v1/watchlists/{list}/search"), image(1))
        .await;
    assert_eq!(
        found.expect(StatusCode::OK)["hits"][0]["external_id"],
        TARGET
    );
}

#[tokio::test]
async fn a_retry_of_an_older_request_tells_nothing_of_an_erased_person() {
    let [app, other] = replicas().await;
    let list = app.watchlist("1", "block").await;
    let people = format!("/v1/watchlists/{list}/subjects");
    // What is kept for retries: their enrolment, their own check, one of somebody else that found them, and one of
    // somebody else that does not know them.
    let enrolment = || {
        let form = image(1).text("external_id", TARGET);
        ("enrolment", people.clone(), form.text("display_name", NAME))
    };
    let check = |name, number, key: &str| {
        let form = pair(person(number), person(number)).text("external_id", key.to_owned());
        let form = form.text("watchlist_ids", list.clone());
        (name, "/v1/verifications".to_owned(), form)
    };
    let requests = || {
        [
            enrolment(),
            check("own", 3, TARGET),
            check("found", 1, "somebody"),
            check("beside", 2, "beside"),
        ]
    };
    let send = async |app: &App, (key, path, form): (&str, String, Form)| {
        let request = app.request(Method::POST, &path);
        Answer::of(request.header("idempotency-key", key).multipart(form)).await
    };
    let mut first = Vec::new();
    for request in requests() {
        first.push(send(&app, request).await.expect(StatusCode::CREATED));
    }
    let naming = first.iter().filter(|body| {
        let text = body.to_string();
        text.contains(TARGET) || text.contains(NAME)
    });
    assert_eq!(naming.count(), 3);

    let erasure = json!({"external_id": TARGET});
    let erase = async |app: &App| {
        let request = app.request(Method::POST, ERASURES).json(&erasure);
        Answer::of(request.header("idempotency-key", "erasure")).await
    };
    let receipt = erase(&app).await.expect(StatusCode::CREATED);
    assert_eq!(receipt["erased"]["stored_answers"], 3);
    assert_eq!(erase(&other).await.expect(StatusCode::CREATED), receipt);
    for (request, first) in requests().into_iter().zip(&first) {
        let name = request.0;
        let again = send(&other, request).await;
        if name == "beside" {
            assert_eq!(&again.expect(StatusCode::CREATED), first);
        } else {
            again.expect_problem(410, "idempotency_key_spent");
            let text = again.body.to_string();
            assert!(!text.contains(TARGET) && !text.contains(NAME), "{text}");
        }
    }
    // A late retry has not brought them back either.
    let found = other
        .post_form(&format!("/v1/watchlists/{list}/search"), image(1))
        .await;
    assert_eq!(found.expect(StatusCode::OK)["hits"], json!([]));
}
