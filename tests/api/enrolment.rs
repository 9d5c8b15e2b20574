//! What an enrolment tells and what it refuses.

use reqwest::StatusCode;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{App, person, picture};

fn image(bytes: Vec<u8>) -> Form {
    Form::new().part("image", Part::bytes(bytes))
}

#[tokio::test]
async fn metadata_are_bounded_in_size_and_depth() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let path = format!("/v1/watchlists/{list}/subjects");
    let nested = |depth: usize| {
        (1..depth).fold(json!({}), |inner, level| {
            if level % 2 == 0 {
                json!({"a": inner})
            } else {
                json!([inner])
            }
        })
    };
    for (metadata, fault) in [
        (json!({"a": nested(15)}), None),
        (json!({"a": nested(16)}), Some("metadata:too_deep")),
        (
            json!({"a": "x".repeat(16 * 1024)}),
            Some("metadata:too_large"),
        ),
    ] {
        let answer = app.post_json(&path, &json!({"metadata": metadata})).await;
        if let Some(fault) = fault {
            answer.expect_problem(400, "validation_failed");
            assert_eq!(answer.faults(), [fault]);
        } else {
            assert_eq!(answer.expect(StatusCode::CREATED)["metadata"], metadata);
        }
    }
}

/// A database writes such numbers out with all their digits.
#[tokio::test]
async fn metadata_numbers_come_back_to_the_last_digit() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let path = format!("/v1/watchlists/{list}/subjects");
    let metadata = json!({"numbers": [
        f64::MAX, f64::MIN, 1.797_693_134_862_315_5e308, -2.357_060_605_889_696e290, f64::MIN_POSITIVE, 5e-324,
        0.1 + 0.2, 122.416_294_033_786_58, 9_007_199_254_740_993_u64, u64::MAX, i64::MIN,
    ]});
    let answer = app.post_json(&path, &json!({"metadata": metadata})).await;
    let made = answer.expect(StatusCode::CREATED);
    assert_eq!(made["metadata"], metadata);
    let read = app
        .get(&format!("{path}/{}", made["id"].as_str().unwrap()))
        .await;
    assert_eq!(read.expect(StatusCode::OK)["metadata"], metadata);
}

#[tokio::test]
async fn an_enrolment_tells_how_good_each_picture_is_and_a_reading_does_not() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let path = format!("/v1/watchlists/{list}/subjects");
    let turned = picture(json!({"faces": [{"person": 1, "sharpness": 90.0, "yaw": -20.0}]}));
    let form = image(person(1)).part("image", Part::bytes(turned.clone()));
    let made = app.post_form(&path, form).await.expect(StatusCode::CREATED);
    let mut quality = made["faces"][1]["quality"].clone();
    let components = quality.as_object_mut().unwrap().remove("components");
    let score = quality.as_object_mut().unwrap().remove("score").unwrap();
    assert_eq!(score, 75);
    assert_eq!(
        quality,
        json!({"inter_eye_distance": 60.0, "sharpness": 90.0, "brightness": 0.5, "contrast": 0.2,
            "pose": {"yaw": -20.0, "pitch": 2.0, "roll": 3.0}})
    );
    let yaw = json!({"value": -20.0, "unit": "degrees", "at_least": -65.0, "at_most": 65.0, "result": "pass"});
    assert_eq!(components.unwrap()["pose_yaw"], yaw);
    assert_eq!(made["faces"][0]["quality"]["sharpness"], 300.0);
    let subject = format!("{path}/{}", made["id"].as_str().unwrap());
    let added = app
        .post_form(&format!("{subject}/faces"), image(turned))
        .await;
    let added = added.expect(StatusCode::CREATED);
    assert_eq!(added["quality"]["pose"]["yaw"], -20.0);
    assert_eq!(added["duplicate_of"], json!([]));
    let read = app.get(&subject).await.expect(StatusCode::OK);
    for face in read["faces"].as_array().unwrap() {
        assert_eq!(face.get("quality"), None);
    }
}

#[tokio::test]
async fn components_that_only_inform_fail_by_name_and_refuse_nothing() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let path = format!("/v1/watchlists/{list}/subjects");
    let blinking = picture(json!({"faces": [
        {"person": 1, "eyes": [0.9, 0.05], "uniformity": 0.2, "embedding_length": 2.0}
    ]}));
    let made = app.post_form(&path, image(blinking)).await;
    let made = made.expect(StatusCode::CREATED);
    let quality = &made["faces"][0]["quality"];
    let components = quality["components"].as_object().unwrap();
    let with = |result: &str| -> Vec<&str> {
        let named = components.iter().filter(|(_, c)| c["result"] == result);
        named.map(|(name, _)| name.as_str()).collect()
    };
    assert_eq!(with("fail"), ["eyes_open", "illumination_uniformity"]);
    assert_eq!(with("not_evaluated"), ["occlusion"]);
    assert_eq!(components.len(), 14);
    let eyes = json!({"value": 0.05, "unit": "probability", "at_least": 0.1, "result": "fail"});
    assert_eq!(components["eyes_open"], eyes);
    assert_eq!(quality["score"], 25);
}

#[tokio::test]
async fn a_poor_picture_is_refused_with_what_is_wrong_and_nothing_is_enrolled() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let path = format!("/v1/watchlists/{list}/subjects");
    let poor = |measures: Value| {
        let mut face = json!({"person": 1});
        for (name, value) in measures.as_object().unwrap() {
            face[name] = value.clone();
        }
        picture(json!({"faces": [face]}))
    };
    for (measures, fault, words) in [
        (
            json!({"eye_distance": 12.0}),
            "image:inter_eye_distance",
            "is 12; at least 20 is needed",
        ),
        (
            json!({"sharpness": 3.0}),
            "image:sharpness",
            "is 3; at least 8 is needed",
        ),
        (
            json!({"brightness": 0.03}),
            "image:brightness",
            "is 0.03; at least 0.1 is needed",
        ),
        (
            json!({"brightness": 0.95}),
            "image:brightness",
            "is 0.95; at most 0.8 is taken",
        ),
        (
            json!({"yaw": -75.0}),
            "image:yaw",
            "is 75; at most 65 is taken",
        ),
    ] {
        let refused = app.post_form(&path, image(poor(measures))).await;
        refused.expect_problem(422, "quality_too_low");
        assert_eq!(refused.faults(), [fault]);
        let message = refused.body["fields"][0]["message"].as_str().unwrap();
        assert!(message.ends_with(words), "{message}");
    }
    let both = poor(json!({"sharpness": 1.0, "brightness": 0.01}));
    let form = image(person(1)).part("image", Part::bytes(both.clone()));
    let refused = app.post_form(&path, form).await;
    refused.expect_problem(422, "quality_too_low");
    assert_eq!(
        refused.faults(),
        ["image.1:sharpness", "image.1:brightness"]
    );
    let read = app.get(&format!("/v1/watchlists/{list}")).await;
    let read = read.expect(StatusCode::OK);
    assert_eq!((&read["subjects"], &read["faces"]), (&json!(0), &json!(0)));

    // The same for a face that is added, and for one that would take the place of a good one.
    let subject = app.enrol(&list, "key", person(1)).await;
    let refused = app
        .post_form(&format!("{path}/{subject}/faces"), image(both.clone()))
        .await;
    refused.expect_problem(422, "quality_too_low");
    let refused = app
        .put_form(&format!("{path}/by-external-id/key"), image(both))
        .await;
    refused.expect_problem(422, "quality_too_low");
    let search = format!("/v1/watchlists/{list}/search");
    let found = app.post_form(&search, image(person(1))).await;
    assert_eq!(
        found.expect(StatusCode::OK)["hits"][0]["external_id"],
        "key"
    );
}
