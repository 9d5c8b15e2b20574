//! One photograph in files of all kinds, and files that are no photograph.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::imageops::{self, FilterType};
use image::metadata::Orientation;
use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, Rgb, RgbImage};
use likeness::vision::{FaceBackend, ImageLimits, Layout, VisionError};

use crate::orientation::inverse;
use crate::{analyse, everything, face, fixture, models, photograph, png, portrait, similarity};

/// Encodes a picture with its EXIF orientation in one of the formats that are read.
pub(crate) fn encode(image: &RgbImage, orientation: Orientation, format: ImageFormat) -> Vec<u8> {
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
        let moved = (scores[0] - scores[1]).abs();
        most = most.max(moved).max(liveness.abs());
        // A tenth of what lies between the thresholds of 1e-3 and 1e-4.
        assert!(moved <= 0.005, "{name} {height}: {scores:?}");
        assert!(liveness.abs() <= 0.005, "{name} {height}: {liveness}");
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

/// `FACES=DIR cargo test --test vision -- --ignored scores_of_a_folder --nocapture`: the folder holds photographs, of which
/// the first thirty are scaled up to 12 megapixels.
#[test]
#[ignore = "it measures, and needs a folder of faces: FACES=DIR"]
fn the_scores_of_a_folder_hardly_move_with_the_way_that_it_is_decoded() {
    const PICTURES: usize = 30;
    const SIDE: u32 = 3464;
    let folder = std::fs::read_dir(std::env::var_os("FACES").unwrap()).unwrap();
    let mut paths: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let backend = &mut models();
    let mut largest = |encoded: &[u8]| {
        let faces = analyse(backend, encoded, Layout::Selfie).faces;
        faces.into_iter().next()
    };
    let mut faces = Vec::new();
    for path in paths.iter().take(PICTURES) {
        let small = image::open(path).unwrap().into_rgb8();
        let large = imageops::resize(&small, SIDE, SIDE, FilterType::CatmullRom);
        let reduced = encode(&large, Orientation::NoTransforms, ImageFormat::Jpeg);
        let full = png(likeness::vision::decode(&reduced, ImageLimits::default()).unwrap());
        faces.extend(largest(&reduced).zip(largest(&full)));
    }
    let mut moves = Vec::new();
    for (at, (reduced, full)) in faces.iter().enumerate() {
        for (_, (_, other)) in faces.iter().enumerate().filter(|(other, _)| *other != at) {
            moves.push((similarity(reduced, other) - similarity(full, other)).abs());
        }
    }
    moves.sort_by(f32::total_cmp);
    let of = |share: f64| moves[((moves.len() - 1) as f64 * share) as usize];
    let [half, most, all] = [0.5, 0.99, 1.0].map(of);
    let count = faces.len();
    eprintln!(
        "{count} faces: half of the scores moved by {half:.4} or less, 99 % by {most:.4}, one by {all:.4}"
    );
    assert!(half <= 0.001 && all <= 0.005, "{half} {all}");
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
fn broken_and_oversized_pictures_are_told_apart_and_do_no_harm() {
    let backend = &mut models();
    let whole = fixture("astronaut.jpg");
    let expected = face(backend, &whole).template;
    let request = everything(Layout::Selfie);
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
