//! What each route leaves in the log.

use std::collections::BTreeSet;

use likeness::api::openapi;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::lifecycle::lifecycle;
use super::people::{imports, people};
use super::{Audited, image};
use crate::app::{Answer, pair, person, picture};
use crate::embedders::BEFORE;

/// What a request leaves behind: each route that is not only there to read, and the actions that it logs.
const ROUTES: [(&str, &[&str]); 27] = [
    ("post /v1/liveness_sessions", &["liveness_session.created"]),
    (
        "post /v1/liveness_sessions/{id}/frames",
        &["liveness_session.passed", "liveness_session.failed"],
    ),
    ("post /v1/verifications", &["verification.created"]),
    ("delete /v1/verifications/{id}", &["verification.deleted"]),
    ("post /v1/faces/compare", &["faces.compared"]),
    // It says where faces are, and not whose.
    ("post /v1/faces/detect", &[]),
    // It says what the document says, and keeps nothing.
    ("post /v1/documents/read", &[]),
    ("post /v1/watchlists", &["watchlist.created"]),
    ("patch /v1/watchlists/{id}", &["watchlist.changed"]),
    ("delete /v1/watchlists/{id}", &["watchlist.deleted"]),
    ("post /v1/watchlists/{id}/search", &["watchlist.searched"]),
    (
        "post /v1/watchlists/{id}/subjects",
        &["subject.enrolled", "face.enrolled"],
    ),
    (
        "put /v1/watchlists/{id}/subjects/by-external-id/{external_id}",
        &["subject.enrolled", "subject.replaced"],
    ),
    (
        "patch /v1/watchlists/{id}/subjects/{subject_id}",
        &["subject.changed"],
    ),
    (
        "delete /v1/watchlists/{id}/subjects/{subject_id}",
        &["subject.deleted"],
    ),
    (
        "post /v1/watchlists/{id}/subjects/{subject_id}/faces",
        &["face.enrolled"],
    ),
    (
        "delete /v1/watchlists/{id}/subjects/{subject_id}/faces/{face_id}",
        &["face.deleted"],
    ),
    ("post /v1/watchlists/{id}/imports", &["import.created"]),
    (
        "post /v1/jobs/{id}/cancel",
        &["job.cancelled", "model_change.ended"],
    ),
    ("post /v1/models/{id}/activate", &["model_change.started"]),
    (
        "post /v1/watchlists/{id}/model_change/switch",
        &["model_change.switched"],
    ),
    (
        "post /v1/watchlists/{id}/model_change/roll_back",
        &["model_change.ended"],
    ),
    (
        "post /v1/watchlists/{id}/model_change/finish",
        &["model_change.ended"],
    ),
    (
        "post /v1/verifications/{id}/review",
        &["verification.reviewed"],
    ),
    ("put /v1/retention", &["retention.changed"]),
    ("post /v1/erasures", &["erasure.created"]),
    // It leaves nothing by itself; the rows of its job leave an event each.
    ("rows of a job", &["subject.enrolled", "face.enrolled"]),
];

#[test]
fn of_every_route_that_does_something_it_is_known_what_it_logs() {
    let document = serde_json::to_value(openapi()).unwrap();
    let mut served = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item
            .as_object()
            .unwrap()
            .keys()
            .filter(|method| *method != "get")
        {
            served.insert(format!("{method} {path}"));
        }
    }
    let known: BTreeSet<String> = ROUTES
        .iter()
        .map(|(route, _)| (*route).to_owned())
        .filter(|route| route.contains('/'))
        .collect();
    assert_eq!(served, known);
}

/// The route and what it logs, from what the log gained.
pub struct Told {
    pub audited: Audited,
    pub seen: BTreeSet<(String, String)>,
    pub count: usize,
}

impl Told {
    /// The one event that a request left, which must be one that its route is known to leave.
    pub async fn one(&mut self, route: &str) -> Value {
        let events = self.audited.events().await;
        assert_eq!(events.len(), self.count + 1, "{route}");
        self.count += 1;
        let event = events[self.count - 1].clone();
        let action = event["action"].as_str().unwrap().to_owned();
        let (_, actions) = ROUTES.iter().find(|(known, _)| *known == route).unwrap();
        assert!(actions.contains(&action.as_str()), "{route}: {event}");
        self.seen.insert((route.to_owned(), action));
        assert_eq!(event["sequence"], self.count);
        assert_eq!(event["subject"], "tester");
        event
    }
}

/// The members of an object, in the order of their names.
fn members(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[tokio::test]
async fn each_route_that_does_something_leaves_exactly_one_event_that_says_what() {
    let audited = Audited::start().await;
    let mut told = Told {
        audited,
        seen: BTreeSet::new(),
        count: 0,
    };
    watchlists(&mut told).await;
    verifications_and_comparisons(&mut told).await;
    people(&mut told).await;
    imports(&mut told).await;
    lifecycle(&mut told).await;
    moves(&mut told).await;
    // Sessions before a camera have a test of their own.
    let expected: BTreeSet<(String, String)> = ROUTES
        .iter()
        .filter(|(route, _)| !route.contains("liveness_sessions"))
        .flat_map(|(route, actions)| {
            let pair = |action: &&str| ((*route).to_owned(), (*action).to_owned());
            actions.iter().map(pair)
        })
        // Nor does a job of the other kind wait to be cancelled: see `model_changes`.
        .filter(|(route, action)| !(route.ends_with("/cancel") && action == "model_change.ended"))
        .collect();
    assert_eq!(told.seen, expected);
    assert_eq!(
        told.audited.count().await,
        i64::try_from(told.count).unwrap()
    );
}

async fn watchlists(told: &mut Told) {
    let body = json!({"name": "l", "kind": "block", "target_fpir": 0.02, "on_duplicate": "reject"});
    let request = told.audited.app.request(Method::POST, "/v1/watchlists");
    let made = Answer::of(request.header("x-request-id", "order-17").json(&body)).await;
    let id = made.expect(StatusCode::CREATED)["id"].clone();
    let event = told.one("post /v1/watchlists").await;
    assert_eq!(
        (&event["resource_id"], &event["request_id"]),
        (&id, &json!("order-17"))
    );
    let rules = json!({"watchlist_id": id, "kind": "block", "target_fpir": 0.02, "on_duplicate": "reject", "keep_images": false});
    assert_eq!(event["detail"], rules);

    let path = format!("/v1/watchlists/{}", id.as_str().unwrap());
    let answer = told
        .audited
        .app
        .patch(&path, &json!({"name": "m", "target_fpir": 0.05}))
        .await;
    answer.expect(StatusCode::OK);
    let event = told.one("patch /v1/watchlists/{id}").await;
    assert_eq!(event["detail"]["fields"], json!(["name", "target_fpir"]));
    assert_eq!(event["detail"]["target_fpir"], 0.05);

    told.audited
        .app
        .enrol(id.as_str().unwrap(), "k", person(1))
        .await;
    told.one("post /v1/watchlists/{id}/subjects").await;
    told.audited
        .app
        .delete(&path)
        .await
        .expect(StatusCode::NO_CONTENT);
    let event = told.one("delete /v1/watchlists/{id}").await;
    assert_eq!(event["detail"], json!({"watchlist_id": id, "faces": 1}));
}

/// A list is moved to another embedder, and stays in its own the first time.
async fn moves(told: &mut Told) {
    let list = told.audited.app.watchlist("moved", "alert").await;
    told.one("post /v1/watchlists").await;
    let old = told.audited.app.enrol(&list, "old", person(1)).await;
    told.one("post /v1/watchlists/{id}/subjects").await;
    for way in ["roll_back", "finish"] {
        let activate = json!({"watchlist_id": list, "switch": "manual"});
        let path = format!("/v1/models/{}/activate", BEFORE.name());
        let begun = told.audited.app.post_json(&path, &activate).await;
        let begun = begun.expect(StatusCode::ACCEPTED);
        let event = told.one("post /v1/models/{id}/activate").await;
        assert_eq!(event["resource_id"], json!(list));
        assert_eq!(event["detail"]["to_embedder"], BEFORE.id());
        assert_eq!(event["detail"]["model_change_id"], begun["id"]);
        if way == "finish" {
            told.audited.app.enrol(&list, "new", person(2)).await;
            told.one("post /v1/watchlists/{id}/subjects").await;
            let path = format!("/v1/watchlists/{list}/subjects/{old}");
            let gone = told.audited.app.delete(&path).await;
            gone.expect(StatusCode::NO_CONTENT);
            told.one("delete /v1/watchlists/{id}/subjects/{subject_id}")
                .await;
            let event = step(told, &list, "switch").await;
            assert_eq!(event["detail"]["faces"], 1);
        }
        let event = step(told, &list, way).await;
        let state = ["rolled_back", "finished"][usize::from(way == "finish")];
        assert_eq!(event["detail"]["state"], state);
    }
}

async fn step(told: &mut Told, list: &str, step: &str) -> Value {
    let path = format!("/v1/watchlists/{list}/model_change/{step}");
    let request = told.audited.app.request(Method::POST, &path);
    Answer::of(request).await.expect(StatusCode::OK);
    told.one(&format!("post /v1/watchlists/{{id}}/model_change/{step}"))
        .await
}

async fn verifications_and_comparisons(told: &mut Told) {
    let list = told.audited.app.watchlist("barred", "block").await;
    told.one("post /v1/watchlists").await;
    let subject = told.audited.app.enrol(&list, "k", person(7)).await;
    told.one("post /v1/watchlists/{id}/subjects").await;

    let form = pair(person(7), person(8)).text("watchlist_ids", list.clone());
    let checked = told.audited.app.post_form("/v1/verifications", form).await;
    let checked = checked.expect(StatusCode::CREATED);
    let event = told.one("post /v1/verifications").await;
    let detail = &event["detail"];
    assert_eq!(event["resource_id"], checked["id"]);
    assert_eq!(
        (&detail["verification_id"], &detail["decision"]),
        (&checked["id"], &json!("declined"))
    );
    assert_eq!(
        detail["reasons"],
        json!(["face_mismatch", "watchlist_block_hit"])
    );
    assert_eq!(detail["models"], checked["models"]);
    let target = &detail["face_match"]["approve"];
    assert_eq!(
        (&target["target_fmr"], &detail["face_match"]["result"]),
        (&json!(1e-4), &json!("fail"))
    );
    let search = &detail["searched"][0];
    assert_eq!(
        (
            &search["watchlist_id"],
            &search["gallery_revision"],
            &search["size"],
            &search["method"]
        ),
        (&json!(list), &json!(1), &json!(1), &json!("exact"))
    );
    assert_eq!(search["target_fpir"], 0.01);
    assert!(search["threshold"]["similarity"].is_number());
    assert_eq!(
        search["hits"],
        json!([{"subject_id": subject, "band": "hit"}])
    );

    let path = format!("/v1/verifications/{}", checked["id"].as_str().unwrap());
    told.audited
        .app
        .delete(&path)
        .await
        .expect(StatusCode::NO_CONTENT);
    let event = told.one("delete /v1/verifications/{id}").await;
    assert_eq!(event["detail"], json!({"verification_id": checked["id"]}));

    let path = format!("/v1/watchlists/{list}/search");
    let form = image(person(7)).text("target_fpir", "0.05");
    told.audited
        .app
        .post_form(&path, form)
        .await
        .expect(StatusCode::OK);
    let event = told.one("post /v1/watchlists/{id}/search").await;
    assert_eq!(event["resource_id"], json!(list));
    assert_eq!(
        members(&event["detail"]),
        [
            "candidates",
            "embedder",
            "gallery_revision",
            "hits",
            "limit",
            "method",
            "review",
            "size",
            "target_fpir",
            "threshold",
            "watchlist_id",
        ]
    );
    assert_eq!(
        (&event["detail"]["target_fpir"], &event["detail"]["limit"]),
        (&json!(0.05), &json!(10))
    );
    assert_eq!(
        event["detail"]["hits"],
        json!([{"subject_id": subject, "band": "hit"}])
    );

    let targets = Form::new()
        .part("source", Part::bytes(person(1)))
        .part(
            "target",
            Part::bytes(picture(json!({"faces": [{"person": 1}, {"person": 2}]}))),
        )
        .part("target", Part::bytes(picture(json!({"faces": []}))));
    told.audited
        .app
        .post_form("/v1/faces/compare", targets)
        .await
        .expect(StatusCode::OK);
    let event = told.one("post /v1/faces/compare").await;
    assert_eq!(event["resource_id"], Value::Null);
    assert_eq!(event["detail"]["targets"], json!([["pass", "fail"], []]));
    told.audited
        .app
        .post_form("/v1/faces/detect", image(person(1)))
        .await
        .expect(StatusCode::OK);
    assert_eq!(told.audited.events().await.len(), told.count);
}
