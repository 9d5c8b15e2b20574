//! Documents: what their zones say, and what that does to a decision.

use reqwest::StatusCode;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{App, pair, person, picture, reasons};

/// A French passport that is good until 2070.
const PASSPORT: [&str; 2] = [
    "P<FRAERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
    "L898902C36FRA7408122F7004155ZE184226B<<<<<18",
];
/// A French card of the same person.
const CARD: [&str; 3] = [
    "I<FRAD231458907<<<<<<<<<<<<<<<",
    "7408122F7004155FRA<<<<<<<<<<<4",
    "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
];

/// A document of person 1 with these lines.
fn document(lines: &[&str]) -> Vec<u8> {
    picture(json!({"faces": [{"person": 1}], "zone": lines}))
}

async fn verified(app: &App, form: Form) -> Value {
    app.post_form("/v1/verifications", form)
        .await
        .expect(StatusCode::CREATED)
}

async fn read(app: &App, form: Form) -> Value {
    app.post_form("/v1/documents/read", form)
        .await
        .expect(StatusCode::OK)
}

#[tokio::test]
async fn a_passport_is_told_field_by_field_and_digit_by_digit() {
    let app = App::start().await;
    let form = Form::new().part("document", Part::bytes(document(&PASSPORT)));
    let body = read(&app, form).await;
    assert_eq!(body["result"], "pass", "{body}");
    assert_eq!(body["reasons"], json!([]));
    assert_eq!(body["portrait"]["box"], json!([100.0, 50.0, 120.0, 150.0]));
    let quality = &body["portrait"]["quality"];
    assert_eq!(quality["components"]["pose_roll"]["value"], 3.0);
    assert_eq!(quality["components"]["eyes_open"]["result"], "pass");
    assert_eq!(quality["score"], 75);
    let mrz = &body["mrz"];
    assert_eq!(mrz["format"], "TD3");
    assert_eq!(mrz["lines"], json!(PASSPORT));
    assert_eq!(mrz["fields"]["first_names"], "ANNA MARIA");
    assert_eq!(
        mrz["fields"]["date_of_birth"],
        json!({"value": "1974-08-12", "state": "known", "raw": "740812"})
    );
    assert_eq!(mrz["fields"]["sex"], "F");
    assert_eq!(mrz["check_digits"].as_object().unwrap().len(), 5);
    for digit in mrz["check_digits"].as_object().unwrap().values() {
        assert_eq!(digit["holds"], true, "{mrz}");
    }
    assert_eq!(mrz["place"]["corners"].as_array().unwrap().len(), 4);
    for part in ["chip", "hologram", "print", "tampering"] {
        let told = body["not_evaluated"][part].as_str().unwrap();
        assert!(told.starts_with("not_evaluated: "), "{part}");
    }
    assert_eq!(body["back"]["result"], "not_evaluated");
}

#[tokio::test]
async fn the_zone_of_a_card_is_on_its_back_and_its_portrait_on_its_front() {
    let app = App::start().await;
    let form = Form::new()
        .part("document", Part::bytes(person(1)))
        .part("document_back", Part::bytes(document(&CARD)));
    let body = read(&app, form).await;
    assert_eq!(body["mrz"]["format"], "TD1");
    assert_eq!(body["mrz"]["side"], "document_back");
    assert_eq!(body["back"], json!({"result": "pass"}));
    assert!(body["portrait"]["box"].is_array());

    let form = pair(person(1), person(1)).part("document_back", Part::bytes(document(&CARD)));
    let body = verified(&app, form).await;
    assert_eq!(
        (&body["decision"], reasons(&body).len()),
        (&json!("approved"), 0),
        "{body}"
    );
    assert_eq!(body["checks"]["document"]["result"], "pass");
    assert_eq!(body["checks"]["document"]["mrz"]["side"], "document_back");
}

#[tokio::test]
async fn the_zones_of_both_sides_are_judged_and_where_they_differ_a_human_is_asked() {
    let app = App::start().await;
    let both = |back: &[&str]| {
        let form = Form::new().part("document", Part::bytes(document(&PASSPORT)));
        form.part("document_back", Part::bytes(document(back)))
    };
    // Of the same person, but for the number: the passport's is another than the card's.
    let body = read(&app, both(&CARD)).await;
    assert_eq!(body["result"], "review", "{body}");
    assert_eq!(body["mrz"]["result"], "pass");
    assert_eq!(body["mrz"]["side"], "document");
    assert_eq!(
        body["back"],
        json!({"result": "review", "differing": ["document_number"]})
    );
    assert_eq!(reasons(&body), ["document_sides_differ"]);

    // The same, and a wrong check digit on the back alone.
    let back = PASSPORT.map(|line| line.replace("FRA7408122", "FRA7408123"));
    let back = back.each_ref().map(String::as_str);
    let body = read(&app, both(&back)).await;
    assert_eq!(body["mrz"]["result"], "pass", "{body}");
    assert_eq!(body["back"]["result"], "review");
    assert_eq!(
        body["back"]["issues"][0],
        json!({"code": "check_digit_wrong", "field": "date_of_birth"})
    );
    assert_eq!(reasons(&body), ["document_mrz_inconsistent"]);

    let form =
        pair(person(1), document(&PASSPORT)).part("document_back", Part::bytes(document(&CARD)));
    let body = verified(&app, form).await;
    assert_eq!(
        (&body["decision"], reasons(&body)),
        (&json!("review"), vec!["document_sides_differ"])
    );

    let body = read(&app, both(&PASSPORT)).await;
    assert_eq!(
        (&body["result"], &body["back"]),
        (&json!("pass"), &json!({"result": "pass"}))
    );
}

#[tokio::test]
async fn a_document_that_is_only_read_is_compared_with_what_is_expected_too() {
    let app = App::start().await;
    let form = |expected: Value| {
        let form = Form::new().part("document", Part::bytes(document(&PASSPORT)));
        form.text("expected", expected.to_string())
    };
    let body = read(&app, form(json!({"sex": "F", "last_names": "Erikson"}))).await;
    assert_eq!(
        body["expected"],
        json!({"result": "review", "fields": [{"field": "last_names", "result": "mismatch"}, {"field": "sex", "result": "match"}]})
    );
    assert_eq!(reasons(&body), ["expected_mismatch"]);
    assert_eq!(body["result"], "review");
    let body = read(&app, form(json!({"document_number": "L898902C3"}))).await;
    assert_eq!(
        (&body["result"], &body["expected"]["result"]),
        (&json!("pass"), &json!("pass"))
    );
    let body = read(&app, form(json!({}))).await;
    assert_eq!(body["expected"]["reason"], "nothing was expected");
    let refused = app
        .post_form("/v1/documents/read", form(json!({"surname": "x"})))
        .await;
    refused.expect_problem(400, "validation_failed");
    assert_eq!(refused.faults(), ["expected.surname:unknown"]);
}

#[tokio::test]
async fn a_back_that_nobody_chose_comes_as_an_empty_part_and_is_none() {
    let app = App::start().await;
    let form = pair(person(1), person(1)).text("document_back", "");
    let body = verified(&app, form).await;
    assert_eq!(
        body["checks"]["document"]["back"]["reason"],
        "no document_back was sent"
    );
    let form = Form::new()
        .part("document", Part::bytes(person(1)))
        .text("document_back", "");
    assert_eq!(read(&app, form).await["back"]["result"], "not_evaluated");
    // What has to be there has to show somebody.
    let form = pair(person(1), Vec::new());
    let refused = app.post_form("/v1/verifications", form).await;
    assert_eq!(refused.faults(), ["document:no_face"]);
}

#[tokio::test]
async fn what_is_wrong_with_a_zone_asks_for_a_review_and_never_declines() {
    let app = App::start().await;
    for (right, wrong, codes) in [
        ("L898902C3", "L898902C4", vec!["document_mrz_inconsistent"]),
        (
            "7004155",
            "1204158",
            vec!["document_mrz_inconsistent", "document_expired"],
        ),
        ("P<FRA", "P<QQQ", vec!["document_state_unknown"]),
        (
            "740812",
            "741312",
            vec!["document_mrz_inconsistent", "document_date_impossible"],
        ),
    ] {
        let lines = PASSPORT.map(|line| line.replace(right, wrong));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let body = verified(&app, pair(person(1), document(&lines))).await;
        assert_eq!(body["decision"], "review", "{wrong}: {body}");
        assert_eq!(reasons(&body), codes, "{wrong}");
        assert_eq!(body["reasons"][0]["check"], "document");
        assert_eq!(body["checks"]["document"]["mrz"]["result"], "review");
    }
    let utopian = PASSPORT.map(|line| line.replace("FRA", "UTO"));
    let utopian: Vec<&str> = utopian.iter().map(String::as_str).collect();
    let body = verified(&app, pair(person(1), document(&utopian))).await;
    assert_eq!(
        (&body["decision"], reasons(&body)),
        (&json!("approved"), vec!["document_specimen"])
    );
}

#[tokio::test]
async fn expected_fields_are_compared_and_mismatches_are_named() {
    let app = App::start().await;
    let form = |expected: Value| {
        pair(person(1), document(&PASSPORT)).text("expected", expected.to_string())
    };
    let agreeing = json!({"document_number": "l898902c3", "date_of_birth": "1974-08-12", "first_names": "Anna",
        "last_names": "Eriksson", "nationality": "FRA", "sex": "F", "issuing_state": "FRA", "expiry_date": "2070-04-15"});
    let body = verified(&app, form(agreeing)).await;
    let expected = &body["checks"]["document"]["expected"];
    assert_eq!(
        (&body["decision"], &expected["result"]),
        (&json!("approved"), &json!("pass")),
        "{body}"
    );
    assert_eq!(expected["fields"].as_array().unwrap().len(), 8);

    let body = verified(&app, form(json!({"last_names": "Erikson", "sex": "F"}))).await;
    assert_eq!(
        (&body["decision"], reasons(&body)),
        (&json!("review"), vec!["expected_mismatch"])
    );
    assert_eq!(
        body["checks"]["document"]["expected"]["fields"],
        json!([{"field": "last_names", "result": "mismatch"}, {"field": "sex", "result": "match"}])
    );
    for (expected, fault) in [
        (json!({"surname": "x"}), "expected.surname:unknown"),
        (
            json!({"date_of_birth": "12.8.1974"}),
            "expected.date_of_birth:invalid",
        ),
        (json!({"sex": "female"}), "expected.sex:invalid"),
        (json!({"first_names": ""}), "expected.first_names:length"),
    ] {
        let refused = app.post_form("/v1/verifications", form(expected)).await;
        refused.expect_problem(400, "validation_failed");
        assert_eq!(refused.faults(), [fault]);
    }
}

#[tokio::test]
async fn a_document_without_a_zone_is_decided_as_if_nobody_had_looked() {
    let app = App::start().await;
    let body = verified(
        &app,
        pair(person(1), person(1)).text("expected", json!({"sex": "F"}).to_string()),
    )
    .await;
    assert_eq!(
        (&body["decision"], reasons(&body).len()),
        (&json!("approved"), 0)
    );
    let document = &body["checks"]["document"];
    assert_eq!(document["result"], "not_evaluated");
    assert_eq!(
        document["mrz"],
        json!({"result": "not_evaluated", "reason": "no machine-readable zone was found"})
    );
    assert_eq!(document["expected"]["result"], "not_evaluated");
}

#[tokio::test]
async fn a_document_that_lies_on_its_side_still_shows_its_portrait() {
    let app = App::start().await;
    for turn in [90.0, 180.0, 270.0] {
        // With a zone that says how it lies, though something else looks like a face as it does; and without a zone, as the
        // front of a card.
        for lying in [
            json!({"faces": [{"person": 1}], "zone": PASSPORT, "turn_degrees": turn}),
            json!({"faces": [{"person": 1}], "zone": PASSPORT, "turn_degrees": turn, "stray": [{"person": 2}]}),
            json!({"faces": [{"person": 1}], "turn_degrees": turn}),
            json!({"faces": [{"person": 1}], "turn_degrees": turn, "stray": [{"person": 2, "confidence": 0.99}]}),
        ] {
            let body = verified(&app, pair(person(1), picture(lying.clone()))).await;
            assert_eq!(body["decision"], "approved", "{lying}: {body}");
        }
    }
}

#[tokio::test]
async fn an_answer_with_a_zone_is_read_again_as_it_was_given() {
    let app = App::start().await;
    let made = verified(&app, pair(person(1), document(&PASSPORT))).await;
    let path = format!("/v1/verifications/{}", made["id"].as_str().unwrap());
    assert_eq!(app.get(&path).await.expect(StatusCode::OK), made);
}

#[tokio::test]
async fn a_broken_back_is_named() {
    let app = App::start().await;
    let broken = picture(json!({"fails": "corrupt"}));
    let form = pair(person(1), person(1)).part("document_back", Part::bytes(broken));
    let refused = app.post_form("/v1/verifications", form).await;
    refused.expect_problem(422, "corrupt_image");
    assert_eq!(refused.faults(), ["document_back:corrupt_image"]);
}
