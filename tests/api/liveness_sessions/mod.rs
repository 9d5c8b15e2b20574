//! Challenges before a camera, and the verifications that rest on them.

mod faults;
mod patience;

use std::time::Duration;

use likeness::domain::ids::TenantId;
use likeness::lifecycle::Sweeper;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::app::{ALL_SCOPES, Answer, App, person, picture, reasons, token};

const SESSIONS: &str = "/v1/liveness_sessions";

/// A person with a camera who has begun a session.
struct Camera<'a> {
    app: &'a App,
    id: String,
    nonce: String,
    session: Value,
    sequence: u32,
}

impl<'a> Camera<'a> {
    async fn new(app: &'a App) -> Self {
        let session = app.post_json(SESSIONS, &json!({"steps": 2})).await;
        let session = session.expect(StatusCode::CREATED);
        Self {
            app,
            id: session["id"].as_str().unwrap().to_owned(),
            nonce: session["nonce"].as_str().unwrap().to_owned(),
            session,
            sequence: 0,
        }
    }

    fn path(&self) -> String {
        format!("{SESSIONS}/{}", self.id)
    }

    fn form(&mut self, face: &Value) -> Form {
        self.sequence += 1;
        let image = picture(json!({"id": Uuid::now_v7(), "faces": [face]}));
        self.form_of(self.sequence, image)
    }

    fn form_of(&self, sequence: u32, image: Vec<u8>) -> Form {
        self.form_at(sequence, 7_000 + 100 * sequence, image)
    }

    fn form_at(&self, sequence: u32, captured_at_ms: u32, image: Vec<u8>) -> Form {
        Form::new()
            .text("nonce", self.nonce.clone())
            .text("sequence", sequence.to_string())
            .text("captured_at_ms", captured_at_ms.to_string())
            .part("image", Part::bytes(image))
    }

    async fn post(&mut self, form: Form) -> Value {
        let path = format!("{}/frames", self.path());
        let answer = self.app.post_form(&path, form).await;
        self.session = answer.expect(StatusCode::OK);
        self.session.clone()
    }

    async fn show(&mut self, face: Value) -> Value {
        let form = self.form(&face);
        self.post(form).await
    }

    /// The frontal picture, which the steps begin after.
    async fn look_straight(&mut self) {
        let seen = self.show(json!({"person": 1})).await;
        assert_eq!(
            (&seen["phase"], &seen["current_step"]),
            (&json!("steps"), &json!(0))
        );
        assert_eq!(seen["frame"]["hint"], seen["steps"][0]["action"]);
    }

    /// The faces of an action on its way to the farthest point and back.
    fn action(&self) -> Vec<Value> {
        let step = self.session["current_step"].as_u64().unwrap() as usize;
        let way = |member: &str, values: &[f64]| -> Vec<Value> {
            let face = |value: &f64| json!({"person": 1, member: value});
            values.iter().map(face).collect()
        };
        match self.session["steps"][step]["action"].as_str().unwrap() {
            "turn_left" => way("yaw", &[-12.0, -25.0, -26.0, -12.0, 0.0]),
            "turn_right" => way("yaw", &[12.0, 25.0, 26.0, 12.0, 0.0]),
            "look_up" => way("pitch", &[9.0, 16.0, 17.0, 9.0, 0.0]),
            "come_closer" => way("scale", &[1.2, 1.4, 1.5, 1.2, 1.0]),
            "close_eyes" => {
                let shut = json!({"person": 1, "eyes": [0.0, 0.0]});
                let mut faces = vec![shut; 6];
                faces.push(json!({"person": 1}));
                faces
            }
            other => panic!("{other}"),
        }
    }

    /// Does everything that is asked for.
    async fn pass(&mut self) {
        self.look_straight().await;
        while self.session["state"] == "open" {
            for face in self.action() {
                self.show(face).await;
            }
        }
        assert_eq!(self.session["state"], "passed", "{}", self.session);
    }

    async fn verify(&self) -> Answer {
        self.app
            .post_form("/v1/verifications", resting_on(&self.id))
            .await
    }
}

fn resting_on(session: &str) -> Form {
    Form::new()
        .text("liveness_session_id", session.to_owned())
        .part("document", Part::bytes(person(1)))
}

#[tokio::test]
async fn a_person_who_follows_the_challenge_is_verified_by_it_once() {
    let app = App::start().await;
    let mut camera = Camera::new(&app).await;
    assert_eq!(camera.session["phase"], "front");
    assert_eq!(camera.session["current_step"], Value::Null);
    camera
        .verify()
        .await
        .expect_problem(409, "liveness_session_not_passed");
    camera.pass().await;
    let told = app.get(&camera.path()).await.expect(StatusCode::OK);
    assert_eq!((&told["phase"], told.get("nonce")), (&json!("over"), None));
    assert!(
        told["steps"]
            .as_array()
            .unwrap()
            .iter()
            .all(|step| step["state"] == "done")
    );

    let checked = camera.verify().await.expect(StatusCode::CREATED);
    let liveness = &checked["checks"]["liveness"];
    assert_eq!(liveness["method"], "challenge");
    assert_eq!(liveness["liveness_session_id"], camera.id);
    assert_eq!(
        (&liveness["result"], &liveness["score"]),
        (&json!("pass"), &json!(1.0))
    );
    assert_eq!(checked["decision"], "approved");
    camera
        .verify()
        .await
        .expect_problem(409, "liveness_session_used");
    let told = app.get(&camera.path()).await.expect(StatusCode::OK);
    assert_eq!(told["state"], "used");

    let events = app
        .get("/v1/audit_events?limit=200")
        .await
        .expect(StatusCode::OK);
    let about = |event: &&Value| event["resource_id"] == camera.id;
    let events = events["items"].as_array().unwrap().iter().filter(about);
    let mut actions: Vec<_> = events
        .map(|event| event["action"].as_str().unwrap())
        .collect();
    actions.sort_unstable();
    assert_eq!(
        actions,
        [
            "liveness_session.created",
            "liveness_session.passed",
            "liveness_session.used"
        ]
    );
}

#[tokio::test]
async fn of_two_verifications_that_want_one_session_one_gets_it() {
    let app = App::start().await;
    let mut camera = Camera::new(&app).await;
    camera.pass().await;
    let (first, second) = tokio::join!(camera.verify(), camera.verify());
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
}

#[tokio::test]
async fn a_doubtful_score_is_told_beside_a_challenge_that_was_passed() {
    let app = App::start().await;
    let mut camera = Camera::new(&app).await;
    camera.show(json!({"person": 1, "liveness": 0.1})).await;
    while camera.session["state"] == "open" {
        for face in camera.action() {
            camera.show(face).await;
        }
    }
    let checked = camera.verify().await.expect(StatusCode::CREATED);
    assert_eq!(checked["checks"]["liveness"]["score"], 0.1);
    assert_eq!(reasons(&checked), ["liveness_doubtful"]);
    assert_eq!(checked["decision"], "approved");
}

#[tokio::test]
async fn of_two_straight_pictures_the_clearly_better_one_becomes_the_selfie() {
    let app = App::start().await;
    let mut camera = Camera::new(&app).await;
    for (sharpness, is_best) in [(100.0, true), (600.0, true), (650.0, false), (200.0, false)] {
        let seen = camera
            .show(json!({"person": 1, "sharpness": sharpness}))
            .await;
        assert_eq!(seen["frame"]["is_best"], is_best, "{sharpness}");
        assert_eq!(seen["frame"]["accepted"], true);
    }
    while camera.session["state"] == "open" {
        for face in camera.action() {
            let seen = camera.show(face).await;
            assert_eq!(seen["frame"]["is_best"], false);
        }
    }
    let checked = camera.verify().await.expect(StatusCode::CREATED);
    assert_eq!(checked["checks"]["quality"]["selfie"]["sharpness"], 600.0);
}

#[tokio::test]
async fn a_session_whose_time_is_over_is_expired_and_its_pictures_go() {
    let app = App::start().await;
    let mut camera = Camera::new(&app).await;
    camera.pass().await;
    let sweeper = Sweeper::new(app.store.clone());
    let now = OffsetDateTime::now_utc();
    sweeper.sweep(now).await.unwrap();
    let frame = async || {
        let acme = TenantId::parse("acme").unwrap();
        let mut records = app.store.begin(&acme).await.unwrap();
        let id: Uuid = camera.id.parse().unwrap();
        records.find_best_frame(id.into()).await.unwrap()
    };
    assert!(frame().await.is_some());
    sweeper
        .sweep(now + Duration::from_secs(11 * 60))
        .await
        .unwrap();
    assert_eq!(frame().await, None);
    camera
        .verify()
        .await
        .expect_problem(409, "liveness_session_not_passed");
    assert_eq!(
        app.get(&camera.path()).await.expect(StatusCode::OK)["state"],
        "expired"
    );
    sweeper
        .sweep(now + Duration::from_secs(25 * 3600))
        .await
        .unwrap();
    app.get(&camera.path())
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_session_is_made_once_for_each_key_and_told_to_its_tenant_only() {
    let app = App::start().await;
    let make = |key: &str| {
        let request = app.request(Method::POST, SESSIONS);
        Answer::of(request.header("idempotency-key", key.to_owned()))
    };
    let first = make("a").await.expect(StatusCode::CREATED);
    assert_eq!(make("a").await.expect(StatusCode::CREATED), first);
    assert_ne!(
        make("b").await.expect(StatusCode::CREATED)["id"],
        first["id"]
    );
    assert_eq!(first["steps"].as_array().unwrap().len(), 3);
    let path = format!("{SESSIONS}/{}", first["id"].as_str().unwrap());
    let stranger = app
        .bare(Method::GET, &path)
        .bearer_auth(token("globex", ALL_SCOPES));
    Answer::of(stranger).await.expect_problem(404, "not_found");
    for steps in [1, 6] {
        let answer = app.post_json(SESSIONS, &json!({"steps": steps})).await;
        answer.expect_problem(400, "validation_failed");
    }
}

#[tokio::test]
async fn a_verification_wants_a_selfie_or_a_session_and_not_both() {
    let app = App::start().await;
    let camera = Camera::new(&app).await;
    let both = resting_on(&camera.id).part("selfie", Part::bytes(person(1)));
    let answer = app.post_form("/v1/verifications", both).await;
    answer.expect_problem(400, "validation_failed");
    assert_eq!(answer.faults(), ["liveness_session_id:excludes_selfie"]);
    let neither = Form::new().part("document", Part::bytes(person(1)));
    let answer = app.post_form("/v1/verifications", neither).await;
    answer.expect_problem(400, "missing_part");
    assert_eq!(answer.faults(), ["selfie:required"]);
    let unknown = Uuid::now_v7().to_string();
    let answer = app
        .post_form("/v1/verifications", resting_on(&unknown))
        .await;
    answer.expect_problem(404, "not_found");
}
