//! A human decides about a verification; the machine's decision stays beside it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::{ALL_SCOPES, Answer, App, lookalike, person, token};

/// A check that asks for a human.
async fn uncertain(app: &App) -> (String, Value) {
    let made = app.verify(person(1), lookalike(1, 0.375)).await;
    let made = made.expect(StatusCode::CREATED);
    let path = format!("/v1/verifications/{}", made["id"].as_str().unwrap());
    (path, made)
}

#[tokio::test]
async fn a_human_decides_and_the_machine_s_decision_stays() {
    let app = App::start().await;
    let (path, made) = uncertain(&app).await;
    assert_eq!(
        (&made["decision"], &made["final_decision"], &made["reviews"]),
        (&json!("review"), &Value::Null, &json!([]))
    );
    let review = json!({"decision": "approved", "note": "Same scar.\nSeen in person."});
    let reviewed = app.post_json(&format!("{path}/review"), &review).await;
    let reviewed = reviewed.expect(StatusCode::CREATED);
    assert_eq!(
        (&reviewed["decision"], &reviewed["final_decision"]),
        (&json!("review"), &json!("approved"))
    );
    let first = &reviewed["reviews"][0];
    assert_eq!(
        (&first["number"], &first["reviewer"], &first["note"]),
        (&json!(1), &json!("tester"), &review["note"])
    );
    assert_eq!(app.get(&path).await.expect(StatusCode::OK), reviewed);
    assert_eq!(reviewed["checks"], made["checks"]);
    assert_eq!(reviewed["reasons"], made["reasons"]);
}

#[tokio::test]
async fn a_second_review_is_refused_unless_it_corrects_the_latest_and_both_stay() {
    let app = App::start().await;
    let (path, _) = uncertain(&app).await;
    let path = format!("{path}/review");
    let approved = json!({"decision": "approved"});
    app.post_json(&path, &approved)
        .await
        .expect(StatusCode::CREATED);
    for wrong in [approved, json!({"decision": "declined", "corrects": 2})] {
        let refused = app.post_json(&path, &wrong).await;
        refused.expect_problem(409, "conflict");
        assert_eq!(refused.faults(), ["corrects:not_the_latest"]);
    }
    let correction = json!({"decision": "declined", "corrects": 1});
    let corrected = app
        .post_json(&path, &correction)
        .await
        .expect(StatusCode::CREATED);
    let decisions: Vec<_> = corrected["reviews"]
        .as_array()
        .unwrap()
        .iter()
        .map(|review| review["decision"].as_str().unwrap())
        .collect();
    assert_eq!(decisions, ["approved", "declined"]);
    assert_eq!(corrected["final_decision"], "declined");
}

#[tokio::test]
async fn what_waits_for_a_human_can_be_listed() {
    let app = App::start().await;
    let (path, _) = uncertain(&app).await;
    let (_, waiting) = uncertain(&app).await;
    let sure = app
        .verify(person(1), person(1))
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(sure["final_decision"], "approved");
    let review = json!({"decision": "declined"});
    let reviewed = app.post_json(&format!("{path}/review"), &review).await;
    let reviewed = reviewed.expect(StatusCode::CREATED);
    for (query, expected) in [
        ("decision=review&reviewed=false", json!([waiting])),
        ("reviewed=true", json!([reviewed])),
        ("decision=approved&reviewed=true", json!([])),
        ("reviewed=false", json!([sure, waiting])),
    ] {
        let page = app.get(&format!("/v1/verifications?{query}")).await;
        assert_eq!(page.expect(StatusCode::OK)["items"], expected, "{query}");
    }
    let refused = app.get("/v1/verifications?reviewed=maybe").await;
    refused.expect_problem(400, "validation_failed");
}

#[tokio::test]
async fn a_review_that_says_something_else_is_refused() {
    let app = App::start().await;
    let (path, _) = uncertain(&app).await;
    for (body, fault) in [
        (json!({"decision": "review"}), "decision:invalid"),
        (json!({"decision": "approved", "note": ""}), "note:length"),
        (
            json!({"decision": "approved", "note": "x".repeat(2_001)}),
            "note:length",
        ),
        (
            json!({"decision": "approved", "note": "a\u{0}"}),
            "note:control_character",
        ),
        (
            json!({"decision": "approved", "corrects": 0}),
            "corrects:range",
        ),
        (
            json!({"decision": "approved", "reviewer": "somebody"}),
            "reviewer:unknown",
        ),
    ] {
        let refused = app.post_json(&format!("{path}/review"), &body).await;
        refused.expect_problem(400, "validation_failed");
        assert_eq!(refused.faults(), [fault]);
    }
    let approved = json!({"decision": "approved"});
    let stranger = token("globex", ALL_SCOPES);
    let request = app.bare(Method::POST, &format!("{path}/review"));
    let foreign = Answer::of(request.bearer_auth(stranger).json(&approved)).await;
    foreign.expect_problem(404, "not_found");
    assert_eq!(
        app.get(&path).await.expect(StatusCode::OK)["reviews"],
        json!([])
    );
}
