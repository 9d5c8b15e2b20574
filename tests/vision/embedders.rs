//! The networks that templates are made of, and the templates.

use image::{Rgb, RgbImage, imageops};
use likeness::domain::calibration::Calibration;
use likeness::domain::detector::Detector;
use likeness::domain::embedder::Embedder;
use likeness::vision::{Graphs, ImageLimits, OnnxBackend};

use crate::{face, fixture, models, photograph, png, similarity, template};

const SIDE: u32 = 112;

/// The same as in `mobile_face_net.py`.
fn picture() -> RgbImage {
    RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let channel = |c: u32| {
            let sum = x * (7 + 4 * c) + y * (13 - 3 * c) + x * y / (5 + c) + 61 * c;
            (sum % 256) as u8
        };
        Rgb([0, 1, 2].map(channel))
    })
}

/// One that gives what every shipped network answers.
fn load_for_parts(graphs: Graphs) -> OnnxBackend {
    let files_of = |embedder| models::files(embedder);
    let [_, (runtime, files)] = [Embedder::Sface, Embedder::Fused].map(files_of);
    let limits = ImageLimits::default();
    OnnxBackend::load_for_parts(graphs, runtime, &files, Detector::default(), limits).unwrap()
}

/// What another interpreter answers of the picture and of its mirror image.
fn expected(json: &str) -> [Vec<f32>; 2] {
    serde_json::from_str(json).unwrap()
}

fn lengths(answers: &[Vec<f32>; 2]) -> [usize; 2] {
    answers.each_ref().map(Vec::len)
}

fn furthest(found: &[Vec<f32>; 2], expected: &[Vec<f32>; 2]) -> f32 {
    assert_eq!(lengths(found), lengths(expected));
    let both = found.iter().flatten().zip(expected.iter().flatten());
    both.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn the_networks_answer_what_the_interpreters_of_their_own_formats_answer() {
    let mobile_face_net = expected(include_str!("mobile_face_net.json"));
    let sface = expected(include_str!("sface.json"));
    for graphs in [Graphs::Rewritten, Graphs::Published] {
        let parts = load_for_parts(graphs).parts(&picture()).unwrap();
        assert_eq!(lengths(&parts.mobile_face_net), [192, 192]);
        assert_eq!(lengths(&parts.sface), [128, 128]);
        let off = furthest(&parts.mobile_face_net, &mobile_face_net);
        assert!(off <= 1e-4, "TensorFlow Lite, {graphs:?}: {off}");
        let off = furthest(&parts.sface, &sface);
        assert!(off <= 1e-4, "OpenCV, {graphs:?}: {off}");
    }
}

#[test]
fn a_face_and_its_mirror_image_are_nearly_one_template() {
    let backend = &mut models();
    let photograph = photograph("obama.jpg");
    let mirrored = imageops::flip_horizontal(&photograph);
    let [face, mirrored] = [photograph, mirrored].map(|picture| face(backend, &png(picture)));
    assert_eq!(
        template(&face).values().len(),
        Embedder::default().dimensions()
    );
    let similarity = similarity(&face, &mirrored);
    assert!(similarity > 0.95, "{similarity}");
}

#[test]
fn embedders_that_are_not_the_default_make_templates_of_their_own() {
    let default = face(&mut models(), &fixture("obama.jpg"));
    for embedder in [Embedder::Fused, Embedder::FrFeature] {
        let backend = &mut models::load_embedder(Graphs::Rewritten, embedder);
        let [obama, obama2, biden] =
            ["obama.jpg", "obama2.jpg", "biden.jpg"].map(|name| face(backend, &fixture(name)));
        assert_eq!(template(&obama).model_id(), embedder.id());
        assert_eq!(template(&obama).values().len(), embedder.dimensions());
        let threshold = Calibration::of(embedder).threshold(1e-4).similarity;
        assert!(f64::from(similarity(&obama, &obama2)) >= threshold);
        assert!(f64::from(similarity(&obama, &biden)) < threshold);
        assert_eq!(template(&obama).similarity(template(&default)), None);
        assert!(obama.quality.embedding_length.is_some());
    }
}
