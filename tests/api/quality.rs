//! How good faces are, in every answer that shows one.

use reqwest::StatusCode;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{App, person, picture};

#[tokio::test]
async fn a_component_fails_where_the_check_that_rests_on_it_does_and_is_named() {
    let app = App::start().await;
    let faced = |face: Value| picture(json!({"faces": [face]}));
    for (selfie, document, failed) in [
        (
            json!({"person": 1, "eye_distance": 30.0}),
            json!({"person": 1, "eye_distance": 30.0}),
            vec!["selfie.inter_eye_distance"],
        ),
        (
            json!({"person": 1, "yaw": 50.0}),
            json!({"person": 1, "yaw": 50.0}),
            vec!["selfie.pose_yaw"],
        ),
        (
            json!({"person": 1, "pitch": -40.0}),
            json!({"person": 1, "eye_distance": 19.0}),
            vec!["selfie.pose_pitch", "document.inter_eye_distance"],
        ),
        (json!({"person": 1}), json!({"person": 1}), vec![]),
    ] {
        let body = app.verify(faced(selfie), faced(document)).await;
        let quality = &body.expect(StatusCode::CREATED)["checks"]["quality"];
        assert_eq!(quality["failed"], json!(failed), "{quality}");
        assert_eq!(quality["result"] == "pass", failed.is_empty(), "{quality}");
        for (picture, held) in [
            (
                "selfie",
                &["pose_yaw", "pose_pitch", "inter_eye_distance"][..],
            ),
            ("document", &["inter_eye_distance"]),
        ] {
            for component in held {
                let told = &quality[picture]["components"][component];
                let fails = failed.contains(&format!("{picture}.{component}").as_str());
                assert_eq!(
                    told["result"] == "fail",
                    fails,
                    "{picture}.{component}: {told}"
                );
            }
        }
    }
}

#[tokio::test]
async fn compared_and_detected_faces_tell_pose_and_eyes_and_those_with_a_template_a_score() {
    let app = App::start().await;
    let two = || picture(json!({"faces": [{"person": 1, "yaw": 20.0}, {"person": 2}]}));
    let form = Form::new()
        .part("source", Part::bytes(person(1)))
        .part("target", Part::bytes(two()));
    let compared = app.post_form("/v1/faces/compare", form).await;
    let compared = compared.expect(StatusCode::OK);
    let targets = compared["targets"][0]["faces"].as_array().unwrap();
    assert_eq!(targets.len(), 2);
    for face in [
        &compared["source"],
        &targets[0]["face"],
        &targets[1]["face"],
    ] {
        let quality = &face["quality"];
        assert!(quality["pose"].is_object(), "{quality}");
        assert_eq!(
            quality["components"]["eyes_open"]["result"], "pass",
            "{quality}"
        );
        assert_eq!(quality["score"], 75);
    }
    assert_eq!(
        targets[0]["face"]["quality"]["components"]["pose_yaw"]["value"],
        20.0
    );

    let form = Form::new().part("image", Part::bytes(two()));
    let detected = app.post_form("/v1/faces/detect", form).await;
    let quality = &detected.expect(StatusCode::OK)["faces"][1]["quality"];
    assert_eq!(
        quality["components"]["eyes_open"]["result"], "pass",
        "{quality}"
    );
    assert_eq!(quality["score"], 75);
}
