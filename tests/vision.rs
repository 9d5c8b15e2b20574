//! The real models on real photographs. Numbers have tolerances: they depend on the processor's arithmetic.

#![expect(
    clippy::unwrap_used,
    reason = "a failed step of a test is a failed test"
)]

#[path = "support/orientation.rs"]
mod orientation;

use std::io::Cursor;
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::imageops::{self, FilterType};
use image::metadata::Orientation;
use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, Rgb, RgbImage};
use likeness::assets::Assets;
use likeness::config::Config;
use likeness::domain::calibration::Calibration;
use likeness::domain::decision::FaceQuality;
use likeness::domain::face::{Face, Template};
use likeness::domain::quality::score;
use likeness::vision::{
    Analysis, AnalysisRequest, Embed, FaceBackend, Graphs, ImageLimits, Layout, ModelFiles,
    OnnxBackend, Runtime, VisionError,
};
use orientation::inverse;

/// The shipped pipeline, its models fetched the first time.
fn models() -> OnnxBackend {
    models_of(Graphs::Rewritten)
}

fn models_of(graphs: Graphs) -> OnnxBackend {
    let config = Config::from_env().unwrap();
    let files = Assets::open(&config.assets)
        .unwrap()
        .ensure_inference()
        .unwrap();
    let runtime = Runtime::load(&files.runtime_library).unwrap();
    let models = ModelFiles::in_dir(&files.models);
    OnnxBackend::load_graphs(graphs, runtime, &models, ImageLimits::default()).unwrap()
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

fn analyse(backend: &mut OnnxBackend, encoded: &[u8], layout: Layout) -> Analysis {
    let request = AnalysisRequest {
        embed: Embed::All,
        liveness: true,
        pose: true,
        eyes: true,
        ..AnalysisRequest::of(layout)
    };
    backend.analyse(encoded, &request).unwrap()
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

/// Encodes a picture with its EXIF orientation in one of the formats that are read.
fn encode(image: &RgbImage, orientation: Orientation, format: ImageFormat) -> Vec<u8> {
    fn write(mut encoder: impl ImageEncoder, image: &RgbImage, orientation: Orientation) {
        // A little-endian TIFF with one entry: tag 0x0112, a short, once.
        let exif = [
            &b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"[..],
            &[orientation.to_exif(), 0, 0, 0, 0, 0, 0, 0],
        ];
        encoder.set_exif_metadata(exif.concat()).unwrap();
        let (width, height) = image.dimensions();
        encoder
            .write_image(image.as_raw(), width, height, ExtendedColorType::Rgb8)
            .unwrap();
    }
    let mut encoded = Vec::new();
    if format == ImageFormat::Jpeg {
        let encoder = JpegEncoder::new_with_quality(&mut encoded, 95);
        write(encoder, image, orientation);
    } else if format == ImageFormat::WebP {
        write(WebPEncoder::new_lossless(&mut encoded), image, orientation);
    } else {
        write(PngEncoder::new(&mut encoded), image, orientation);
    }
    encoded
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
fn how_the_camera_was_held_changes_no_score() {
    let backend = &mut models();
    let upright = photograph("astronaut.jpg");
    let document = portrait(backend, &fixture("document_astronaut.jpg"));
    let expected = similarity(&face(backend, &png(upright.clone())), &document);
    for exif in 1..=8 {
        let orientation = Orientation::from_exif(exif).unwrap();
        let mut stored = DynamicImage::from(upright.clone());
        stored.apply_orientation(inverse(orientation));
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
            let encoded = encode(&stored.to_rgb8(), orientation, format);
            let score = similarity(&face(backend, &encoded), &document);
            assert!(
                (score - expected).abs() <= 0.02,
                "{format:?} {exif}: {score}"
            );
        }
    }
}

/// A photograph as a part of a picture of 9 megapixels, so many pixels high.
fn on_a_wall(name: &str, height: u32) -> RgbImage {
    let small = photograph(name);
    let width = small.width() * height / small.height();
    let scaled = imageops::resize(&small, width, height, FilterType::CatmullRom);
    let mut wall = RgbImage::from_pixel(3400, 2600, Rgb([120, 130, 125]));
    imageops::replace(&mut wall, &scaled, 700, i64::from((2600 - height) / 3));
    wall
}

#[test]
fn a_large_jpeg_gives_the_numbers_that_it_gives_when_decoded_in_full() {
    let backend = &mut models();
    let document = portrait(backend, &fixture("document_obama.jpg"));
    let mut most = 0.0_f32;
    for (name, height, turned) in [
        ("obama.jpg", 2600, Orientation::Rotate90),
        ("obama2.jpg", 1200, Orientation::Rotate270FlipH),
        ("astronaut.jpg", 2000, Orientation::NoTransforms),
    ] {
        let mut stored = DynamicImage::from(on_a_wall(name, height));
        stored.apply_orientation(inverse(turned));
        let encoded = encode(&stored.into_rgb8(), turned, ImageFormat::Jpeg);
        let all_pixels = likeness::vision::decode(&encoded, ImageLimits::default()).unwrap();
        let [reduced, full] = [encoded, png(all_pixels)].map(|encoded| portrait(backend, &encoded));
        let scores = [&reduced, &full].map(|face| similarity(face, &document));
        let liveness = reduced.liveness.unwrap() - full.liveness.unwrap();
        let moved = (scores[0] - scores[1]).abs().max(liveness.abs());
        most = most.max(moved);
        assert!(moved <= 0.005, "{name} {height}: {scores:?}, {liveness}");
        assert!(similarity(&reduced, &full) > 0.99, "{name} {height}");
        let sizes = [&reduced, &full].map(|face| {
            let (b, eyes) = (face.bounding_box, face.quality.inter_eye_distance);
            [b.x, b.y, b.width, b.height, eyes]
        });
        let near = |(a, b): (f32, f32)| (a - b).abs() <= 0.02 * sizes[1][2];
        let mut pairs = sizes[0].into_iter().zip(sizes[1]);
        assert!(pairs.all(near), "{sizes:?}");
    }
    eprintln!("scores moved by {most} at most");
}

#[test]
fn how_many_pixels_there_are_changes_no_score() {
    let backend = &mut models();
    let small = photograph("obama.jpg");
    let document = portrait(backend, &fixture("document_obama.jpg"));
    let expected = similarity(&face(backend, &png(small.clone())), &document);
    let large = imageops::resize(&small, 3100, 3873, FilterType::CatmullRom);
    let large = encode(&large, Orientation::NoTransforms, ImageFormat::Jpeg);
    let score = similarity(&face(backend, &large), &document);
    assert!((score - expected).abs() <= 0.02, "{score} {expected}");
}

#[test]
fn colours_and_depths_of_all_kinds_show_the_same_person() {
    let backend = &mut models();
    let picture = DynamicImage::from(photograph("obama.jpg"));
    let selfie = face(backend, &png(picture.clone()));
    for variant in [
        DynamicImage::from(picture.to_luma8()),
        picture.to_luma16().into(),
        picture.to_luma_alpha8().into(),
        picture.to_rgba8().into(),
        picture.to_rgb16().into(),
    ] {
        let kind = variant.color();
        let score = similarity(&face(backend, &png(variant)), &selfie);
        assert!(score > 0.9, "{kind:?}: {score}");
    }
}

#[test]
fn turning_and_tilting_have_the_signs_that_the_pose_promises() {
    let backend = &mut models();
    // He looks towards the picture's right, with his head tilted to it.
    let picture = photograph("biden.jpg");
    let pose = face(backend, &png(picture.clone())).pose.unwrap();
    assert!(pose.yaw < -5.0 && pose.roll > 3.0, "{pose:?}");
    let mirrored = face(backend, &png(imageops::flip_horizontal(&picture)))
        .pose
        .unwrap();
    assert!(mirrored.yaw > 5.0 && mirrored.roll < -3.0, "{mirrored:?}");
    assert!((mirrored.pitch - pose.pitch).abs() < 6.0, "{mirrored:?}");
}

#[test]
fn a_worse_picture_of_the_same_face_has_worse_components_and_a_lower_score() {
    let backend = &mut models();
    let mut measure = |picture: RgbImage| {
        let quality = FaceQuality::of(&face(backend, &png(picture)));
        let details = quality.measures.details.unwrap();
        (quality.measures, details, score(&quality).unwrap())
    };
    let picture = photograph("astronaut.jpg");
    let (measures, details, good) = measure(picture.clone());
    let (blurred, _, blurred_score) = measure(imageops::blur(&picture, 4.0));
    assert!(blurred.sharpness < 0.2 * measures.sharpness);
    assert!(blurred_score < good - 5.0, "{blurred_score} {good}");
    let scaled = |light: fn(u32) -> f32| {
        let mut lit = picture.clone();
        for (x, _, pixel) in lit.enumerate_pixels_mut() {
            pixel.0 = pixel.0.map(|v| (f32::from(v) * light(x)).min(255.0) as u8);
        }
        lit
    };
    let (_, dark, _) = measure(scaled(|_| 0.3));
    assert!(
        dark.under_exposure > details.under_exposure + 0.02,
        "{dark:?}"
    );
    assert!(dark.dynamic_range < details.dynamic_range - 0.5, "{dark:?}");
    let (_, bright, _) = measure(scaled(|_| 1.8));
    assert!(
        bright.over_exposure > details.over_exposure + 0.1,
        "{bright:?}"
    );
    // The face is 84 pixels wide around 226.
    let side = scaled(|x| if x < 226 { 0.4 } else { 1.0 });
    let (_, lit, _) = measure(side);
    assert!(
        lit.illumination_uniformity < 0.7 * details.illumination_uniformity,
        "{lit:?}"
    );
    let (_, cut, _) = measure(imageops::crop_imm(&picture, 186, 0, 300, 400).to_image());
    assert!(
        cut.margin < 0.05 && details.margin > 0.5,
        "{cut:?} {details:?}"
    );
}

/// Skin from below drawn over a part of a face: over an eye it looks like a lid.
fn covered(picture: &RgbImage, centre: (f32, f32), width: f32) -> RgbImage {
    let mut covered = picture.clone();
    let reach = |share: f32| (share * width) as i32;
    for dx in -reach(0.75)..reach(0.75) {
        for dy in -reach(0.4)..reach(0.4) {
            let from = 0.625 * width + 0.44 * dy as f32;
            let x = (centre.0 as i32 + dx) as u32;
            let skin = *picture.get_pixel(x, (centre.1 + from) as u32);
            covered.put_pixel(x, (centre.1 as i32 + dy) as u32, skin);
        }
    }
    covered
}

#[test]
fn a_covered_eye_is_the_persons_own_left_or_right_one_and_the_other_stays_open() {
    let backend = &mut models();
    let picture = photograph("astronaut.jpg");
    let seen = face(backend, &fixture("astronaut.jpg"));
    let open = seen.eyes.unwrap();
    assert!(open.left > 0.9 && open.right > 0.9, "{open:?}");
    // The person's left eye is the one on the picture's right.
    let eye = seen.landmarks.right_eye;
    let winking = covered(&picture, (eye.x, eye.y), 16.4);
    let eyes = face(backend, &png(winking.clone())).eyes.unwrap();
    assert!(eyes.left < 0.1 && eyes.right > 0.9, "{eyes:?}");
    let mirrored = imageops::flip_horizontal(&winking);
    let eyes = face(backend, &png(mirrored)).eyes.unwrap();
    assert!(eyes.left > 0.9 && eyes.right < 0.1, "{eyes:?}");
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
    let (rewritten, published) = (&mut models(), &mut models_of(Graphs::Published));
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
fn broken_and_oversized_pictures_are_told_apart_and_do_no_harm() {
    let backend = &mut models();
    let whole = fixture("astronaut.jpg");
    let expected = face(backend, &whole).template;
    let request = AnalysisRequest {
        embed: Embed::All,
        liveness: true,
        pose: true,
        eyes: true,
        ..AnalysisRequest::of(Layout::Selfie)
    };
    for part in 1..32 {
        let truncated = backend.analyse(&whole[..whole.len() * part / 32], &request);
        assert!(
            matches!(truncated, Err(VisionError::CorruptImage)),
            "{part}: {truncated:?}"
        );
    }
    let mut huge = whole.clone();
    // The start of the frame: marker, length, depth, then height and width.
    let frame = huge
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap();
    huge[frame + 5..frame + 9].fill(0xFF);
    let refused = backend.analyse(&huge, &request);
    assert!(
        matches!(refused, Err(VisionError::ImageTooLarge { .. })),
        "{refused:?}"
    );
    let other = backend.analyse(b"GIF89a\x01\0\x01\0\0\0\0;", &request);
    assert!(
        matches!(other, Err(VisionError::UnsupportedImage)),
        "{other:?}"
    );
    assert_eq!(face(backend, &whole).template, expected);
}

#[test]
fn a_warm_up_runs_every_model() {
    models().warm_up().unwrap();
}
