//! The real models on real photographs. Numbers have tolerances: they depend on the processor's arithmetic.

#![expect(
    clippy::unwrap_used,
    reason = "a failed step of a test is a failed test"
)]

mod documents;
mod embedders;
mod files;
mod liveness;
mod measures;
#[path = "../support/models.rs"]
mod models;
#[path = "../support/orientation.rs"]
mod orientation;
#[cfg(target_os = "linux")]
mod sharing;

use std::io::Cursor;
use std::path::Path;

use files::encode;
use image::imageops::{self, FilterType};
use image::metadata::Orientation;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use likeness::domain::calibration::Calibration;
use likeness::domain::face::{Face, Template};
use likeness::vision::{
    Analysis, AnalysisRequest, Embed, FaceBackend, Graphs, Layout, OnnxBackend,
};

fn models() -> OnnxBackend {
    models::load(Graphs::Rewritten)
}

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    std::fs::read(folder.join(name)).unwrap()
}

fn photograph(name: &str) -> RgbImage {
    image::load_from_memory(&fixture(name)).unwrap().into_rgb8()
}

fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    let mut encoded = Cursor::new(Vec::new());
    let image: DynamicImage = image.into();
    image.write_to(&mut encoded, ImageFormat::Png).unwrap();
    encoded.into_inner()
}

/// All that is asked for of a face.
fn everything(layout: Layout) -> AnalysisRequest {
    AnalysisRequest {
        embed: Embed::All,
        liveness: true,
        pose: true,
        eyes: true,
        ..AnalysisRequest::of(layout)
    }
}

fn analyse(backend: &mut OnnxBackend, encoded: &[u8], layout: Layout) -> Analysis {
    backend.analyse(encoded, &everything(layout)).unwrap()
}

/// The only face of a selfie.
fn face(backend: &mut OnnxBackend, encoded: &[u8]) -> Face {
    let mut faces = analyse(backend, encoded, Layout::Selfie).faces;
    assert_eq!(faces.len(), 1);
    faces.remove(0)
}

/// The largest face of a document.
fn portrait(backend: &mut OnnxBackend, encoded: &[u8]) -> Face {
    analyse(backend, encoded, Layout::Document).faces.remove(0)
}

fn template(face: &Face) -> &Template {
    face.template.as_ref().unwrap()
}

fn similarity(a: &Face, b: &Face) -> f32 {
    template(a).similarity(template(b)).unwrap()
}

/// Similarity that two people reach once in ten thousand comparisons.
fn threshold() -> f32 {
    Calibration::shipped().threshold(1e-4).similarity as f32
}

#[test]
fn photographs_of_one_person_match_and_those_of_two_people_do_not() {
    let backend = &mut models();
    let [obama, obama2, biden, astronaut] =
        ["obama.jpg", "obama2.jpg", "biden.jpg", "astronaut.jpg"]
            .map(|name| face(backend, &fixture(name)));
    assert!(similarity(&obama, &obama2) >= threshold());
    for (a, b) in [
        (&obama, &biden),
        (&obama2, &astronaut),
        (&biden, &astronaut),
    ] {
        assert!(similarity(a, b) < threshold() - 0.1);
    }
}

#[test]
fn the_portrait_on_a_document_is_found_and_matches_its_bearer_alone() {
    let backend = &mut models();
    let [obama, biden] = ["obama.jpg", "biden.jpg"].map(|name| face(backend, &fixture(name)));
    for (document, bearer, other) in [
        ("document_obama.jpg", &obama, &biden),
        ("document_biden.jpg", &biden, &obama),
    ] {
        let portrait = portrait(backend, &fixture(document));
        assert!(similarity(&portrait, bearer) >= threshold(), "{document}");
        assert!(
            similarity(&portrait, other) < threshold() - 0.1,
            "{document}"
        );
    }
}

#[test]
fn a_small_portrait_on_a_wide_scene_is_found() {
    let backend = &mut models();
    let mut table = RgbImage::from_pixel(4000, 3000, Rgb([96, 84, 70]));
    let document = imageops::resize(
        &photograph("document_obama.jpg"),
        640,
        480,
        FilterType::Triangle,
    );
    imageops::replace(&mut table, &document, 2300, 1700);
    let found = portrait(
        backend,
        &encode(&table, Orientation::NoTransforms, ImageFormat::Jpeg),
    );
    assert!(found.bounding_box.x > 2300.0 && found.bounding_box.y > 1700.0);
    let selfie = face(backend, &fixture("obama.jpg"));
    assert!(similarity(&found, &selfie) >= threshold());
}

#[test]
fn a_face_that_fills_the_frame_is_found() {
    let backend = &mut models();
    let selfie = face(backend, &fixture("obama.jpg"));
    let [x, y, width, height] = {
        let b = selfie.bounding_box;
        [b.x, b.y, b.width, b.height].map(|length| length as u32)
    };
    let crop = imageops::crop_imm(&photograph("obama.jpg"), x, y, width, height).to_image();
    let close = face(backend, &png(crop));
    assert!(close.bounding_box.width > 0.7 * width as f32);
    assert!(similarity(&close, &selfie) >= threshold());
}

#[test]
fn every_face_of_a_group_is_found_and_the_largest_comes_first() {
    let backend = &mut models();
    let faces = analyse(backend, &fixture("two_faces.jpg"), Layout::Selfie).faces;
    assert_eq!(faces.len(), 2);
    assert!(faces[0].bounding_box.area() > faces[1].bounding_box.area());
    let [obama, biden] = ["obama.jpg", "biden.jpg"].map(|name| face(backend, &fixture(name)));
    assert!(similarity(&faces[0], &biden) >= threshold());
    assert!(similarity(&faces[1], &obama) >= threshold());
}

#[test]
fn a_landscape_has_no_face() {
    let backend = &mut models();
    for layout in [Layout::Selfie, Layout::Document] {
        assert!(
            analyse(backend, &fixture("no_face.jpg"), layout)
                .faces
                .is_empty()
        );
    }
}

#[test]
fn the_same_picture_gives_the_same_numbers_from_every_backend() {
    let (first, second) = (&mut models(), &mut models());
    let encoded = fixture("obama2.jpg");
    let faces = [
        face(first, &encoded),
        face(first, &encoded),
        face(second, &encoded),
    ];
    for face in &faces {
        assert_eq!(face.template, faces[0].template);
        assert_eq!(face.liveness, faces[0].liveness);
        assert_eq!(face.pose, faces[0].pose);
    }
}

#[test]
fn rewritten_graphs_give_the_numbers_of_the_published_ones() {
    let (rewritten, published) = (&mut models(), &mut models::load(Graphs::Published));
    for name in ["obama.jpg", "biden.jpg", "document_astronaut.jpg"] {
        let encoded = fixture(name);
        let [ours, theirs] =
            [&mut *rewritten, &mut *published].map(|backend| portrait(backend, &encoded));
        let values = template(&ours).values().iter();
        let pairs = values.zip(template(&theirs).values());
        let most = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let liveness = (ours.liveness.unwrap() - theirs.liveness.unwrap()).abs();
        assert!(
            most <= 1e-5 && liveness <= 1e-5,
            "{name}: {most}, {liveness}"
        );
        let corner = |face: &Face| face.bounding_box.x;
        assert!((corner(&ours) - corner(&theirs)).abs() <= 1e-2, "{name}");
    }
}

#[test]
fn a_warm_up_runs_every_model() {
    models().warm_up().unwrap();
}
