//! The list of models says what each is and where it comes from.

use likeness::domain::calibration::Calibration;
use likeness::domain::embedder::Embedder;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::app::{App, Options};

fn part(embedder: Embedder, share: f64, mirror: bool) -> Value {
    let Calibration {
        dataset,
        dataset_sha256,
        subjects,
        non_mated_pairs,
        ..
    } = Calibration::of(embedder);
    json!({
        "embedder": embedder.name(),
        "embedder_id": embedder.id(),
        "share": share,
        "mirror": mirror,
        "calibration": {
            "dataset": dataset,
            "dataset_sha256": dataset_sha256,
            "subjects": subjects,
            "non_mated_pairs": non_mated_pairs,
        },
    })
}

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
            "role": "embedder",
            "purpose": "turns a face into a template of 512 numbers",
            "licence": "MIT",
            "origin": "faceplugin-face-recognition-js 0.0.1",
            "sha256": "87aacdfe57510db2af90c0251df680e8eec88f122ee94712121d09bcaaaf3581",
            "at_work": true,
            "input": {
                "pictures": 1,
                "layout": "nchw",
                "channels": "bgr",
                "width": 112,
                "height": 112,
                "mean": [127.0],
                "scale": [0.0078125],
            },
            "outputs": ["output"],
            "template_values": 512,
            "templates": [
                part(Embedder::Sface, 0.2, false),
                part(Embedder::Fused, 0.7, true),
                part(Embedder::FrFeature, 1.0, false),
            ],
        })
    );
    let templates = |model: &Value| model["templates"].as_array().unwrap().len();
    let counted: Vec<usize> = models.iter().map(templates).collect();
    assert_eq!(counted, [0, 0, 3, 0, 0, 0, 1, 0, 0, 1]);
    for model in models {
        let text = |field: &str| model[field].as_str().unwrap();
        assert_eq!(text("sha256").len(), 64);
        assert!(!text("licence").is_empty() && !text("origin").is_empty());
        // Zones are not read here, and MobileFaceNet belongs to another embedder.
        let idle = ["text_detect", "text_recognise", "mobile_face_net"].contains(&text("name"));
        assert_eq!(model["at_work"], !idle);
    }
}
