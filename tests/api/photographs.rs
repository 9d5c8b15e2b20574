//! The promise of the service, whole: real photographs, real models, a real database, over HTTP.

use std::io::Cursor;
use std::path::Path;
use std::time::Duration;

use image::ImageFormat;
use image::imageops::{self, FilterType};
use likeness::assets::Assets;
use likeness::domain::chosen::Chosen;
use likeness::domain::embedder::Embedder;
use likeness::startup::{ensure_inference, load_backends, load_readers};
use likeness::vision::{Engine, FaceBackend, ImageLimits};
use reqwest::StatusCode;
use reqwest::multipart::{Form, Part};
use serde_json::json;

use crate::app::{App, Options, pair, reasons};
use crate::support;

pub fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures")
            .join(name),
    )
    .unwrap()
}

async fn app() -> App {
    app_with(0).await
}

/// The service with so many threads that read machine-readable zones.
pub async fn app_with(readers: usize) -> App {
    let load = move || {
        let assets = Assets::open(&support::config().assets).unwrap();
        let files = ensure_inference(&assets, Embedder::default()).unwrap();
        let limits = ImageLimits::default();
        let backends = load_backends(&files, 2, Chosen::default(), limits).unwrap();
        (backends, load_readers(&files, readers, limits).unwrap())
    };
    let (backends, readers) = tokio::task::spawn_blocking(load).await.unwrap();
    let mut engine = Engine::start(boxed(backends), 16);
    if !readers.is_empty() {
        engine = engine.with_readers(boxed(readers), 16, None);
    }
    let options = Options {
        max_image_bytes: Some(10 * 1024 * 1024),
        // Models take their time on a busy machine, and here it is not the time that counts.
        request_deadline: Some(Duration::from_secs(120)),
        ..Options::default()
    };
    App::with_engine(engine, options).await.unwrap()
}

fn boxed<B: FaceBackend + 'static>(backends: Vec<B>) -> Vec<Box<dyn FaceBackend>> {
    let boxed = backends.into_iter().map(|backend| Box::new(backend) as _);
    boxed.collect()
}

#[tokio::test]
async fn the_bearer_of_a_document_passes_and_somebody_else_is_declined() {
    let app = app().await;
    let own = app
        .verify(fixture("obama.jpg"), fixture("document_obama.jpg"))
        .await;
    let own = own.expect(StatusCode::CREATED);
    assert_eq!(own["checks"]["face_match"]["result"], "pass", "{own}");
    assert_ne!(own["decision"], "declined", "{own}");
    let other = app
        .verify(fixture("obama.jpg"), fixture("document_biden.jpg"))
        .await;
    let other = other.expect(StatusCode::CREATED);
    assert_eq!(
        (&other["decision"], reasons(&other)[0]),
        (&json!("declined"), "face_mismatch"),
        "{other}"
    );
}

#[tokio::test]
async fn a_person_on_a_watchlist_is_named_and_an_empty_list_is_clear() {
    let app = app().await;
    let (full, empty) = (
        app.watchlist("full", "alert").await,
        app.watchlist("empty", "alert").await,
    );
    let subject = app.enrol(&full, "potus-44", fixture("obama2.jpg")).await;
    app.enrol(&full, "potus-46", fixture("biden.jpg")).await;
    let form = pair(fixture("obama.jpg"), fixture("document_obama.jpg"));
    let form = form.text("watchlist_ids", json!([full, empty]).to_string());
    let body = app
        .post_form("/v1/verifications", form)
        .await
        .expect(StatusCode::CREATED);
    let watchlist = &body["checks"]["watchlist"];
    assert_eq!(watchlist["result"], "hit");
    let hits = watchlist["hits"].as_array().unwrap();
    assert_eq!(
        (hits.len(), &hits[0]["subject_id"]),
        (1, &json!(subject)),
        "{watchlist}"
    );

    let image = Form::new().part("image", Part::bytes(fixture("obama.jpg")));
    let path = format!("/v1/watchlists/{empty}/search");
    assert_eq!(
        app.post_form(&path, image).await.expect(StatusCode::OK)["hits"],
        json!([])
    );
}

#[tokio::test]
async fn a_crowd_and_a_landscape_are_no_selfies() {
    let app = app().await;
    let crowd = app
        .verify(fixture("two_faces.jpg"), fixture("document_obama.jpg"))
        .await;
    crowd.expect_problem(422, "multiple_faces");
    let landscape = app
        .verify(fixture("no_face.jpg"), fixture("document_obama.jpg"))
        .await;
    landscape.expect_problem(422, "no_face");
    let torn = fixture("obama.jpg");
    let torn = app
        .verify(
            torn[..torn.len() / 2].to_vec(),
            fixture("document_obama.jpg"),
        )
        .await;
    torn.expect_problem(422, "corrupt_image");
}

#[tokio::test]
async fn a_thumbnail_a_blurred_and_a_badly_exposed_photograph_are_not_enrolled() {
    let whole = image::load_from_memory(&fixture("obama.jpg"))
        .unwrap()
        .to_rgb8();
    let scaled = |width: u32| {
        let height = width * whole.height() / whole.width();
        imageops::resize(&whole, width, height, FilterType::Triangle)
    };
    let exposed = |factor: f32| {
        let mut picture = scaled(400);
        for value in picture.iter_mut() {
            *value = (f32::from(*value) * factor).min(255.0) as u8;
        }
        picture
    };
    // Drawn before the service starts: that takes so long without optimisation that it would hang up meanwhile.
    let spoiled = [
        (scaled(100), "inter_eye_distance"),
        (imageops::blur(&scaled(400), 6.0), "sharpness"),
        (exposed(0.16), "brightness"),
        (exposed(1.8), "brightness"),
    ]
    .map(|(picture, component)| {
        let mut png = Cursor::new(Vec::new());
        picture.write_to(&mut png, ImageFormat::Png).unwrap();
        (png.into_inner(), component)
    });
    let app = app().await;
    let list = app.watchlist("strict", "alert").await;
    let path = format!("/v1/watchlists/{list}/subjects");
    for (picture, component) in spoiled {
        let form = Form::new().part("image", Part::bytes(picture));
        let refused = app.post_form(&path, form).await;
        refused.expect_problem(422, "quality_too_low");
        let fault = format!("image:{component}");
        assert!(refused.faults().contains(&fault), "{}", refused.body);
    }
    for name in ["obama.jpg", "obama2.jpg", "biden.jpg", "astronaut.jpg"] {
        app.enrol(&list, name, fixture(name)).await;
    }
}
