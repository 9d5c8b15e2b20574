//! Pictures that do not count, and those that end a session.

use reqwest::StatusCode;
use reqwest::multipart::Form;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Camera;
use crate::app::{App, picture};

#[tokio::test]
async fn what_no_person_before_a_camera_sends_ends_the_session_by_its_name() {
    let app = App::start().await;
    let fails = async |reason: &str, form: fn(&mut Camera<'_>) -> Form| {
        let mut camera = Camera::new(&app).await;
        camera.look_straight().await;
        let form = form(&mut camera);
        let seen = camera.post(form).await;
        assert_eq!(
            (&seen["state"], &seen["reasons"]),
            (&json!("failed"), &json!([reason]))
        );
        assert_eq!(seen["frame"]["accepted"], false);
        camera
            .verify()
            .await
            .expect_problem(409, "liveness_session_not_passed");
        let after = camera.show(json!({"person": 1})).await;
        assert_eq!(
            (&after["state"], &after["frames"]),
            (&seen["state"], &seen["frames"])
        );
    };
    fails("wrong_nonce", |camera| {
        camera.nonce = "another".to_owned();
        camera.form(&json!({"person": 1}))
    })
    .await;
    fails("reordered_frame", |camera| {
        camera.form_of(
            1,
            picture(json!({"id": Uuid::now_v7(), "faces": [{"person": 1}]})),
        )
    })
    .await;
    fails("clock_mismatch", |camera| {
        camera.form_of(
            900,
            picture(json!({"id": Uuid::now_v7(), "faces": [{"person": 1}]})),
        )
    })
    .await;
}

#[tokio::test]
async fn a_picture_is_known_again_in_this_session_and_in_every_other_of_the_tenant() {
    let app = App::start().await;
    let image = picture(json!({"id": Uuid::now_v7(), "faces": [{"person": 1}]}));
    let mut camera = Camera::new(&app).await;
    let first = camera.form_of(1, image.clone());
    assert_eq!(camera.post(first).await["state"], "open");
    let mut other = Camera::new(&app).await;
    for camera in [&mut camera, &mut other] {
        let again = camera.form_of(2, image.clone());
        assert_eq!(
            camera.post(again).await["reasons"],
            json!(["replayed_frame"])
        );
    }
}

#[tokio::test]
async fn flat_jumping_wrong_and_foreign_faces_fail_by_name() {
    let app = App::start().await;
    let run = async |reason: &str, change: fn(&mut Value)| {
        // Another sequence each time; only some of them ask for a turn first.
        loop {
            let mut camera = Camera::new(&app).await;
            let first = camera.session["steps"][0]["action"].clone();
            if first != "turn_left" && first != "turn_right" {
                continue;
            }
            camera.look_straight().await;
            for _ in 0..2 {
                let faces = camera.action();
                for mut face in faces {
                    change(&mut face);
                    if camera.session["state"] == "open" && !face.is_null() {
                        camera.show(face).await;
                    }
                }
                if camera.session["state"] != "open" {
                    break;
                }
            }
            assert_eq!(
                camera.session["reasons"],
                json!([reason]),
                "{}",
                camera.session
            );
            return;
        }
    };
    run("flat_image", |face| face["depth"] = json!(0.0)).await;
    run("foreign_face", |face| face["person"] = json!(2)).await;
    run("wrong_action", |face| {
        face["yaw"] = json!(-face["yaw"].as_f64().unwrap())
    })
    .await;
    run("jump", |face| {
        if face["yaw"].as_f64().unwrap().abs() == 12.0 {
            *face = Value::Null;
        }
    })
    .await;
}

#[tokio::test]
async fn hints_say_what_keeps_a_picture_from_counting() {
    let app = App::start().await;
    let mut camera = Camera::new(&app).await;
    for (face, hint) in [
        (json!({"person": 1, "yaw": 30.0}), "look_straight"),
        (json!({"person": 1, "brightness": 0.02}), "too_dark"),
        (json!({"person": 1, "sharpness": 2.0}), "blurred"),
    ] {
        let seen = camera.show(face).await;
        let told = json!({"accepted": false, "hint": hint, "is_best": false});
        assert_eq!(seen["frame"], told);
        assert_eq!(seen["phase"], "front");
    }
    for (faces, hint) in [
        (json!([]), "no_face"),
        (json!([{"person": 1}, {"person": 2}]), "several_faces"),
    ] {
        camera.sequence += 1;
        let image = picture(json!({"id": Uuid::now_v7(), "faces": faces}));
        let form = camera.form_of(camera.sequence, image);
        assert_eq!(camera.post(form).await["frame"]["hint"], hint);
    }
}

#[tokio::test]
async fn a_picture_that_cannot_be_read_leaves_the_session_as_it_was() {
    let app = App::start().await;
    let mut camera = Camera::new(&app).await;
    let path = format!("{}/frames", camera.path());
    let broken = camera.form_of(1, picture(json!({"fails": "corrupt"})));
    let answer = app.post_form(&path, broken).await;
    answer.expect_problem(422, "corrupt_image");
    assert_eq!(answer.faults(), ["image:corrupt_image"]);
    camera.look_straight().await;
    assert_eq!(camera.session["frames"], 1);
}

#[tokio::test]
async fn of_two_pictures_at_once_each_is_judged() {
    let app = App::start().await;
    let mut camera = Camera::new(&app).await;
    let path = format!("{}/frames", camera.path());
    let slow = |id: u32| picture(json!({"id": id, "takes_ms": 50, "faces": [{"person": 1}]}));
    let forms = [camera.form_of(1, slow(1)), camera.form_of(2, slow(2))];
    let [first, second] = forms;
    let (first, second) = tokio::join!(app.post_form(&path, first), app.post_form(&path, second));
    let told = [first.expect(StatusCode::OK), second.expect(StatusCode::OK)];
    let session = app.get(&camera.path()).await.expect(StatusCode::OK);
    // Whichever came first: the second of them is the next, or out of order, but neither is lost.
    match session["state"].as_str().unwrap() {
        "open" => assert_eq!(session["frames"], 2, "{told:?}"),
        _ => assert_eq!(session["reasons"], json!(["reordered_frame"]), "{told:?}"),
    }
    camera.sequence = 2;
}
