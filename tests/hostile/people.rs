//! People who are where they should not be, too far away, or on their heads, before the real models.

use reqwest::StatusCode;
use serde_json::Value;

use crate::app::{App, pair, reasons};
use crate::cases::{jpeg, people};
use crate::machine::{alone, fixture, photograph, real_app};

/// Places in the table of heads.
const OBAMA: usize = 0;
const BIDEN: usize = 1;

async fn checked(app: &App, selfie: Vec<u8>, document: Vec<u8>) -> Value {
    let form = pair(selfie, document);
    let answer = app.post_form("/v1/verifications", form).await;
    answer.expect(StatusCode::CREATED)
}

fn similarity(body: &Value) -> f64 {
    body["checks"]["face_match"]["similarity"].as_f64().unwrap()
}

#[tokio::test]
async fn a_small_portrait_of_somebody_else_on_a_document_is_not_the_one_that_counts() {
    let _alone = alone().await;
    let (foreign, own) = (
        people::with_ghost("document_obama.jpg", BIDEN),
        people::with_ghost("document_biden.jpg", OBAMA),
    );
    let app = real_app().await;
    let selfie = || fixture("obama.jpg");
    let plain = checked(&app, selfie(), fixture("document_obama.jpg")).await;
    let holder = checked(&app, selfie(), foreign).await;
    assert_eq!(holder["decision"], "approved", "{holder}");
    let change = similarity(&holder) - similarity(&plain);
    assert!(change.abs() <= 0.02, "{change}");
    // Nor does their own small portrait on the document of somebody else help anybody.
    let other = checked(&app, selfie(), own).await;
    assert_eq!(other["decision"], "declined", "{other}");
    assert!(reasons(&other).contains(&"face_mismatch"), "{other}");
}

#[tokio::test]
async fn somebody_who_holds_their_document_before_the_camera_shows_several_faces() {
    let _alone = alone().await;
    let holding = people::holding("document_obama.jpg");
    let app = real_app().await;
    let form = pair(holding, fixture("document_obama.jpg"));
    let answer = app.post_form("/v1/verifications", form).await;
    answer.expect_problem(422, "multiple_faces");
    assert_eq!(answer.faults(), ["selfie:multiple_faces"]);
}

#[tokio::test]
async fn how_far_somebody_is_away_is_measured_and_too_far_is_for_a_human() {
    let _alone = alone().await;
    let selfies = [24, 40, 60].map(|eyes| (eyes, people::selfie(eyes)));
    let app = real_app().await;
    for (eyes, selfie) in selfies {
        let body = checked(&app, selfie, fixture("document_obama.jpg")).await;
        let measured = &body["checks"]["quality"]["selfie"]["inter_eye_distance"];
        let measured = measured.as_f64().unwrap();
        assert!((measured - f64::from(eyes)).abs() < 2.0, "{measured}");
        assert!(similarity(&body) > 0.6, "{body}");
        // Forty is what is asked for, and is told from forty-one by what is measured alone.
        let is_asked = reasons(&body).contains(&"selfie_quality_low");
        assert_eq!(is_asked, measured < 40.0, "{eyes}: {body}");
    }
}

#[tokio::test]
async fn a_selfie_on_its_head_is_never_approved() {
    let _alone = alone().await;
    let selfie = jpeg(&image::imageops::rotate180(&photograph("obama.jpg", 910)));
    let app = real_app().await;
    let form = pair(selfie, fixture("document_obama.jpg"));
    let answer = app.post_form("/v1/verifications", form).await;
    answer.expect_problem(422, "no_face");
}
