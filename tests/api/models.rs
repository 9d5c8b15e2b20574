//! The list of models says what each is and where it comes from.

use reqwest::StatusCode;
use serde_json::json;

use crate::app::{App, Options};

#[tokio::test]
async fn every_model_is_told_with_its_licence_origin_and_hash() {
    let options = Options {
        configure: Some(Box::new(|config| config.load.read_mrz = false)),
        ..Options::default()
    };
    let app = App::start_with(options).await;
    let answer = app.get("/v1/models").await.expect(StatusCode::OK);
    let models = answer["models"].as_array().unwrap();
    assert_eq!(models.len(), 10);
    assert_eq!(
        models[2],
        json!({
            "name": "fr_feature",
            "role": "turns a face into a template of 512 numbers",
            "licence": "MIT",
            "origin": "faceplugin-face-recognition-js 0.0.1",
            "sha256": "87aacdfe57510db2af90c0251df680e8eec88f122ee94712121d09bcaaaf3581",
            "at_work": true,
        })
    );
    for model in models {
        let text = |field: &str| model[field].as_str().unwrap();
        assert_eq!(text("sha256").len(), 64);
        assert!(!text("licence").is_empty() && !text("origin").is_empty());
        // Zones are not read here, and MobileFaceNet belongs to another embedder.
        let idle = ["text_detect", "text_recognise", "mobile_face_net"].contains(&text("name"));
        assert_eq!(model["at_work"], !idle);
    }
}
