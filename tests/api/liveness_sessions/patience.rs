//! Sessions in which nothing happens, or the same again and again, until it is enough.

use reqwest::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use super::Camera;
use crate::app::{App, Options, picture};
use crate::support;

/// Somebody who looks straight; each picture has other bytes and another look.
fn straight() -> Vec<u8> {
    picture(json!({"id": Uuid::now_v7(), "faces": [{"person": 1}]}))
}

fn assert_ended(session: &Value, state: &str, reason: &str) {
    let ended = (&session["state"], &session["reasons"]);
    assert_eq!(ended, (&json!(state), &json!([reason])), "{session}");
}

/// A service whose database can be told that time has passed.
async fn with_clock() -> (App, SecretString) {
    let database = support::database().await;
    let options = Options {
        database: Some(database.clone()),
        ..Options::default()
    };
    (App::start_with(options).await, database)
}

async fn pass_seconds(database: &SecretString, seconds: u32) {
    let mut owner = PgConnection::connect(database.expose_secret())
        .await
        .unwrap();
    let statement = format!(
        "update liveness_sessions set created_at = created_at - interval '{seconds} s',
            expires_at = expires_at - interval '{seconds} s'"
    );
    let done = sqlx::query(AssertSqlSafe(statement))
        .execute(&mut owner)
        .await;
    assert_eq!(done.unwrap().rows_affected(), 1);
}

#[tokio::test]
async fn a_picture_that_stands_still_ends_the_session_although_its_bytes_differ() {
    let app = App::start().await;
    let mut camera = Camera::new(&app).await;
    camera.look_straight().await;
    while camera.session["state"] == "open" && camera.sequence < 20 {
        camera.sequence += 1;
        let image =
            json!({"id": Uuid::now_v7(), "looks": "a photograph", "faces": [{"person": 1}]});
        let form = camera.form_of(camera.sequence, picture(image));
        camera.post(form).await;
    }
    assert_ended(&camera.session, "failed", "still_image");
}

#[tokio::test]
async fn somebody_who_does_nothing_of_what_is_asked_for_ends_the_session() {
    let (app, database) = with_clock().await;
    let mut camera = Camera::new(&app).await;
    for _ in 0..26 {
        assert_eq!(camera.show(json!({"person": 1})).await["state"], "open");
    }
    pass_seconds(&database, 20).await;
    let late = camera.form_at(27, 7_000 + 20_000, straight());
    camera.post(late).await;
    assert_ended(&camera.session, "failed", "no_motion");
}

#[tokio::test]
async fn a_session_takes_so_many_pictures_and_no_more() {
    let app = App::start().await;
    let mut camera = Camera::new(&app).await;
    let most = camera.session["max_frames"].as_u64().unwrap() as u32;
    assert_eq!(most, 120);
    for number in 1..=most {
        let form = camera.form_at(number, 7_000 + 20 * number, straight());
        assert_eq!(camera.post(form).await["state"], "open", "{number}");
    }
    let form = camera.form_at(most + 1, 7_000 + 20 * (most + 1), straight());
    camera.post(form).await;
    assert_ended(&camera.session, "failed", "too_many_frames");
    assert_eq!(camera.session["frames"], most);
}

#[tokio::test]
async fn several_people_again_and_again_end_the_session_and_a_passer_by_does_not() {
    let app = App::start().await;
    let mut camera = Camera::new(&app).await;
    camera.look_straight().await;
    let several = async |camera: &mut Camera<'_>| {
        camera.sequence += 1;
        let faces = json!([{"person": 1}, {"person": 2}]);
        let image = picture(json!({"id": Uuid::now_v7(), "faces": faces}));
        let form = camera.form_of(camera.sequence, image);
        camera.post(form).await
    };
    for _ in 0..3 {
        assert_eq!(several(&mut camera).await["state"], "open");
    }
    camera.show(json!({"person": 1})).await;
    for _ in 0..3 {
        assert_eq!(several(&mut camera).await["state"], "open");
    }
    several(&mut camera).await;
    assert_ended(&camera.session, "failed", "several_faces");
}

#[tokio::test]
async fn a_session_is_open_for_three_minutes() {
    let (app, database) = with_clock().await;
    let mut camera = Camera::new(&app).await;
    camera.look_straight().await;
    pass_seconds(&database, 170).await;
    camera.show(json!({"person": 1})).await;
    assert_eq!(camera.session["state"], "open");
    pass_seconds(&database, 11).await;
    let told = app.get(&camera.path()).await.expect(StatusCode::OK);
    assert_ended(&told, "expired", "expired");
    let before = camera.session["frames"].clone();
    camera.show(json!({"person": 1})).await;
    assert_ended(&camera.session, "expired", "expired");
    assert_eq!(camera.session["frames"], before, "it is not looked at");
    camera
        .verify()
        .await
        .expect_problem(409, "liveness_session_not_passed");
}
