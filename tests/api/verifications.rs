//! Identity checks: the decision, and what is kept of it.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::app::{Answer, App, lookalike, pair, person, picture, reasons};

#[tokio::test]
async fn one_person_on_both_pictures_is_approved() {
    let app = App::start().await;
    let body = app
        .verify(person(1), person(1))
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(body["decision"], "approved");
    assert_eq!(body["status"], "complete");
    assert_eq!(reasons(&body), [""; 0]);
    let checks = &body["checks"];
    assert_eq!(checks["face_match"]["result"], "pass");
    assert_eq!(checks["face_match"]["similarity"], 1.0);
    assert_eq!(
        checks["face_match"]["thresholds"]["approve"]["target_fmr"],
        1e-4
    );
    assert_eq!(
        checks["face_match"]["thresholds"]["review"]["target_fmr"],
        1e-3
    );
    let liveness = &checks["liveness"];
    assert_eq!(liveness["method"], "passive_single_frame");
    let lists = ["tested_on", "not_tested_on"].map(|list| liveness[list].as_array().unwrap());
    assert!(lists[0].contains(&json!("live_face")), "{liveness}");
    assert!(lists[1].contains(&json!("screen_replay")), "{liveness}");
    assert!(lists[0].iter().all(|kind| !lists[1].contains(kind)));
    assert_eq!(checks["quality"]["result"], "pass");
    for (check, pointer) in [
        ("document", "/document"),
        ("mrz", "/document/mrz"),
        ("watchlist", "/watchlist"),
    ] {
        let check_view = checks.pointer(pointer).unwrap();
        assert_eq!(check_view["result"], "not_evaluated", "{check}");
        assert!(check_view["reason"].is_string(), "{check}");
    }
}

#[tokio::test]
async fn two_people_are_declined_and_a_close_call_is_reviewed() {
    let app = App::start().await;
    for (similarity, decision, code) in [
        (0.0, "declined", "face_mismatch"),
        (0.25, "declined", "face_mismatch"),
        (0.375, "review", "face_match_uncertain"),
    ] {
        let body = app
            .verify(person(1), lookalike(1, similarity))
            .await
            .expect(StatusCode::CREATED);
        assert_eq!(
            (body["decision"].as_str().unwrap(), reasons(&body)),
            (decision, vec![code]),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_caller_chooses_error_rates_and_never_a_threshold() {
    let app = App::start().await;
    let form =
        |policy: Value| pair(person(1), lookalike(1, 0.375)).text("policy", policy.to_string());
    let lax = app
        .post_form(
            "/v1/verifications",
            form(json!({"approve_fmr": 1e-2, "review_fmr": 2e-2})),
        )
        .await;
    assert_eq!(lax.expect(StatusCode::CREATED)["decision"], "approved");
    for strict in [
        json!({"approve_fmr": 1e-6, "review_fmr": 1e-5}),
        json!({"review_fmr": 1e-5}),
    ] {
        let body = app.post_form("/v1/verifications", form(strict)).await;
        assert_eq!(body.expect(StatusCode::CREATED)["decision"], "declined");
    }
    for (policy, fault) in [
        (json!({"approve_fmr": 0.5}), "policy.approve_fmr:range"),
        (
            json!({"approve_fmr": 1e-3, "review_fmr": 1e-4}),
            "policy.review_fmr:range",
        ),
        (json!({"threshold": 0.1}), "policy.threshold:unknown"),
        (json!({"approve_fmr": "tiny"}), "policy.approve_fmr:invalid"),
    ] {
        let refused = app.post_form("/v1/verifications", form(policy)).await;
        refused.expect_problem(400, "validation_failed");
        assert_eq!(refused.faults(), [fault]);
    }
}

#[tokio::test]
async fn a_doubtful_face_asks_for_a_human_and_does_not_decline() {
    let app = App::start().await;
    let doubtful = picture(json!({"faces": [{"person": 1, "liveness": 0.1}]}));
    let body = app
        .verify(doubtful, person(1))
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(
        (body["decision"].as_str().unwrap(), reasons(&body)),
        ("review", vec!["liveness_doubtful"])
    );
    let small = picture(json!({"faces": [{"person": 1, "eye_distance": 15.0}]}));
    let body = app
        .verify(person(1), small)
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(
        (body["decision"].as_str().unwrap(), reasons(&body)),
        ("review", vec!["document_quality_low"])
    );
}

#[tokio::test]
async fn faults_of_a_picture_name_the_part() {
    let app = App::start().await;
    let nobody = || picture(json!({"faces": []}));
    let two = || picture(json!({"faces": [{"person": 1}, {"person": 2}]}));
    let broken = |how: &str| picture(json!({"fails": how}));
    for (selfie, document, status, code, fault) in [
        (nobody(), person(1), 422, "no_face", "selfie:no_face"),
        (person(1), nobody(), 422, "no_face", "document:no_face"),
        (
            two(),
            person(1),
            422,
            "multiple_faces",
            "selfie:multiple_faces",
        ),
        (
            broken("corrupt"),
            person(1),
            422,
            "corrupt_image",
            "selfie:corrupt_image",
        ),
        (
            person(1),
            broken("unsupported"),
            415,
            "unsupported_image",
            "document:unsupported_image",
        ),
        (
            broken("too_large"),
            person(1),
            413,
            "image_too_large",
            "selfie:image_too_large",
        ),
        (
            vec![b' '; 70_000],
            person(1),
            413,
            "image_too_large",
            "selfie:image_too_large",
        ),
    ] {
        let answer = app.verify(selfie, document).await;
        answer.expect_problem(status, code);
        assert_eq!(answer.faults(), [fault]);
    }
    let page = app.get("/v1/verifications").await.expect(StatusCode::OK);
    assert_eq!(
        page["items"],
        json!([]),
        "nothing is kept of a check that was not made"
    );
}

#[tokio::test]
async fn on_a_document_the_largest_of_several_faces_counts() {
    let app = App::start().await;
    let ghost = picture(json!({"faces": [{"person": 1}, {"person": 2}]}));
    let body = app
        .verify(person(1), ghost)
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(body["decision"], "approved");
}

#[tokio::test]
async fn a_fault_of_a_model_is_a_500_that_says_nothing() {
    let app = App::start().await;
    let answer = app
        .verify(picture(json!({"fails": "inference"})), person(1))
        .await;
    answer.expect_problem(500, "internal");
    assert!(
        !answer.body.to_string().contains("script"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn an_answer_can_be_read_listed_and_erased() {
    let app = App::start().await;
    let form = pair(person(1), person(1))
        .text("external_id", "applicant-1")
        .text("metadata", json!({"branch": "north", "n": 7}).to_string());
    let made = app
        .post_form("/v1/verifications", form)
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(
        (&made["external_id"], &made["metadata"]["n"]),
        (&json!("applicant-1"), &json!(7))
    );
    app.verify(person(1), person(2))
        .await
        .expect(StatusCode::CREATED);
    let path = format!("/v1/verifications/{}", made["id"].as_str().unwrap());

    assert_eq!(app.get(&path).await.expect(StatusCode::OK), made);
    let listed = app
        .get("/v1/verifications?external_id=applicant-1")
        .await
        .expect(StatusCode::OK);
    assert_eq!(listed["items"], json!([made]));
    let declined = app
        .get("/v1/verifications?decision=declined")
        .await
        .expect(StatusCode::OK);
    assert_eq!(declined["items"].as_array().unwrap().len(), 1);

    assert_eq!(app.delete(&path).await.status, StatusCode::NO_CONTENT);
    app.get(&path).await.expect_problem(404, "not_found");
    app.delete(&path).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn pages_hold_every_answer_once_and_the_newest_first() {
    let app = App::start().await;
    for _ in 0..5 {
        app.verify(person(1), person(1))
            .await
            .expect(StatusCode::CREATED);
    }
    let (mut seen, mut path) = (Vec::new(), "/v1/verifications?limit=2".to_owned());
    loop {
        let page = app.get(&path).await.expect(StatusCode::OK);
        let ids = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["id"].as_str().unwrap().to_owned());
        seen.extend(ids);
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/v1/verifications?limit=2&cursor={cursor}");
    }
    let mut newest_first = seen.clone();
    newest_first.sort_by(|a, b| b.cmp(a));
    newest_first.dedup();
    assert_eq!((seen.len(), seen), (5, newest_first));
    for query in [
        "limit=0",
        "limit=201",
        "limit=x",
        "cursor=x",
        "decision=maybe",
        "other=1",
    ] {
        let refused = app.get(&format!("/v1/verifications?{query}")).await;
        refused.expect_problem(400, "validation_failed");
    }
}

#[tokio::test]
async fn a_hit_on_a_watchlist_decides_by_the_kind_of_the_list() {
    let app = App::start().await;
    for (kind, decision, code) in [
        ("block", "declined", Some("watchlist_block_hit")),
        ("alert", "review", Some("watchlist_alert_hit")),
        ("allow", "approved", Some("watchlist_allow_hit")),
    ] {
        let list = app.watchlist(kind, kind).await;
        let subject = app.enrol(&list, "case-1", person(1)).await;
        let check = |who: usize| {
            let lists = json!([list]).to_string();
            app.post_form(
                "/v1/verifications",
                pair(person(who), person(who)).text("watchlist_ids", lists),
            )
        };
        let hit = check(1).await.expect(StatusCode::CREATED);
        assert_eq!(
            (hit["decision"].as_str().unwrap(), reasons(&hit)),
            (decision, code.into_iter().collect())
        );
        let watchlist = &hit["checks"]["watchlist"];
        assert_eq!(watchlist["result"], "hit");
        assert_eq!(watchlist["hits"][0]["subject_id"], json!(subject));
        assert_eq!(watchlist["hits"][0]["external_id"], "case-1");
        let searched = &watchlist["searched"][0];
        assert_eq!(
            (&searched["size"], &searched["method"]),
            (&json!(1), &json!("exact"))
        );

        let clear = check(2).await.expect(StatusCode::CREATED);
        assert_eq!(
            (&clear["decision"], &clear["checks"]["watchlist"]["result"]),
            (&json!("approved"), &json!("clear"))
        );
    }
}

#[tokio::test]
async fn an_unknown_watchlist_is_told_before_any_picture_is_looked_at() {
    let app = App::start().await;
    let unknown = json!(["01990000-0000-7000-8000-000000000000"]).to_string();
    let broken = pair(picture(json!({"fails": "corrupt"})), person(1));
    let answer = app
        .post_form("/v1/verifications", broken.text("watchlist_ids", unknown))
        .await;
    answer.expect_problem(404, "not_found");
    assert_eq!(answer.faults(), ["watchlist_ids:not_found"]);
}

#[tokio::test]
async fn no_answer_holds_a_template() {
    let app = App::start().await;
    let list = app.watchlist("all", "alert").await;
    app.enrol(&list, "a", person(1)).await;
    let answers: Vec<Answer> = vec![
        app.verify(person(1), person(1)).await,
        app.get("/v1/verifications").await,
        app.get(&format!("/v1/watchlists/{list}/subjects")).await,
    ];
    /// The most numbers in an array.
    fn longest_array(value: &Value) -> usize {
        match value {
            Value::Array(items) => items
                .iter()
                .map(longest_array)
                .chain([items.iter().filter(|item| item.is_number()).count()])
                .max()
                .unwrap_or(0),
            Value::Object(members) => members.values().map(longest_array).max().unwrap_or(0),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
        }
    }
    for answer in answers {
        assert!(longest_array(&answer.body) <= 4, "{}", answer.body);
    }
}
