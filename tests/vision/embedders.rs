//! The networks that templates are made of, and the templates.

use image::{Rgb, RgbImage, imageops};
use likeness::domain::calibration::Calibration;
use likeness::domain::embedder::Embedder;
use likeness::vision::Graphs;

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

#[test]
fn mobile_face_net_answers_what_tensorflow_lite_s_interpreter_answers() {
    let expected = include_str!("mobile_face_net.json");
    let expected: [Vec<f32>; 2] = serde_json::from_str(expected).unwrap();
    for graphs in [Graphs::Rewritten, Graphs::Published] {
        let parts = models::load(graphs).parts(&picture()).unwrap();
        let found = parts.mobile_face_net;
        assert_eq!(found.each_ref().map(Vec::len), [192, 192]);
        let both = found.iter().flatten().zip(expected.iter().flatten());
        let furthest = both.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(furthest <= 1e-4, "{graphs:?}: {furthest}");
    }
}

#[test]
fn a_face_and_its_mirror_image_are_nearly_one_template() {
    let backend = &mut models();
    let photograph = photograph("obama.jpg");
    let mirrored = imageops::flip_horizontal(&photograph);
    let [face, mirrored] = [photograph, mirrored].map(|picture| face(backend, &png(picture)));
    assert_eq!(template(&face).values().len(), Embedder::Fused.dimensions());
    let similarity = similarity(&face, &mirrored);
    assert!(similarity > 0.95, "{similarity}");
}

#[test]
fn the_embedder_of_before_still_makes_its_templates() {
    let backend = &mut models::load_embedder(Graphs::Rewritten, Embedder::FrFeature);
    let [obama, obama2, biden] =
        ["obama.jpg", "obama2.jpg", "biden.jpg"].map(|name| face(backend, &fixture(name)));
    let threshold = Calibration::of(Embedder::FrFeature).threshold(1e-4);
    assert_eq!(template(&obama).model_id(), Embedder::FrFeature.id());
    assert_eq!(
        template(&obama).values().len(),
        Embedder::FrFeature.dimensions()
    );
    assert!(f64::from(similarity(&obama, &obama2)) >= threshold.similarity);
    assert!(f64::from(similarity(&obama, &biden)) < threshold.similarity);
    let fused = face(&mut models(), &fixture("obama.jpg"));
    assert_eq!(template(&obama).similarity(template(&fused)), None);
}
