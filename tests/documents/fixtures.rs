//! The documents in `fixtures`, as they are and turned.

use std::path::Path;

use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use likeness::domain::embedder::Embedder;
use likeness::domain::mrz::{Format, IssueCode};
use likeness::vision::document::ZoneReader;
use likeness::vision::{AnalysisRequest, FaceBackend as _, Graphs, ImageLimits, Layout};

use crate::spoil::scaled;
use crate::turned::{quarter_turns, rotated};
use crate::{models, read, reader};

fn photograph(name: &str) -> RgbImage {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name);
    image::open(path).unwrap().into_rgb8()
}

#[test]
fn the_zone_of_every_format_is_read_whole() {
    let reader = &mut reader();
    for (name, format, number, surname) in [
        ("document_obama.jpg", Format::Td3, "UX4821937", "VALE"),
        ("document_biden.jpg", Format::Td3, "UX7093512", "HOLM"),
        (
            "document_astronaut.jpg",
            Format::Td3,
            "UX1568204",
            "LINDQUIST",
        ),
        ("card_back.jpg", Format::Td1, "UX1568204K47", "LINDQUIST"),
        ("card_td2.jpg", Format::Td2, "UX1568204", "LINDQUIST"),
        ("visa_a.jpg", Format::MrvA, "UX1568204", "LINDQUIST"),
        ("visa_b.jpg", Format::MrvB, "UX1568204", "LINDQUIST"),
    ] {
        let mrz = read(reader, &photograph(name)).unwrap_or_else(|| panic!("{name} has a zone"));
        assert_eq!(mrz.format, format, "{name}");
        assert!(mrz.check_digits_hold(), "{name}: {mrz:?}");
        assert_eq!(mrz.fields.document_number, number, "{name}");
        assert_eq!(mrz.fields.names.primary, surname, "{name}");
        let other = mrz
            .issues
            .iter()
            .find(|issue| issue.code != IssueCode::SpecimenState);
        assert_eq!(other, None, "{name}");
    }
}

#[test]
fn rewritten_graphs_read_what_the_published_ones_do() {
    let (runtime, files) = models::files(Embedder::default());
    let mut readers = [Graphs::Rewritten, Graphs::Published].map(|graphs| {
        ZoneReader::load_graphs(graphs, runtime, &files, ImageLimits::default()).unwrap()
    });
    for name in ["document_obama.jpg", "card_back.jpg", "visa_b.jpg"] {
        let page = photograph(name);
        let [ours, theirs] = readers
            .each_mut()
            .map(|reader| reader.read(&page).unwrap().unwrap());
        assert_eq!(ours.lines, theirs.lines, "{name}");
        let apart = (ours.confidence - theirs.confidence).abs();
        assert!(apart <= 1e-5, "{name}: {apart}");
    }
}

#[test]
fn a_turned_and_skewed_document_is_read_and_says_how_it_lies() {
    let reader = &mut reader();
    for (name, quarters, skew, scale) in [
        ("document_obama.jpg", 1, 0.0, 1600),
        ("document_obama.jpg", 2, 0.0, 1000),
        ("document_obama.jpg", 3, 9.0, 1300),
        ("card_back.jpg", 2, -15.0, 1200),
        ("visa_b.jpg", 1, 15.0, 1200),
        ("document_biden.jpg", 0, 15.0, 800),
    ] {
        let turned = rotated(&scaled(&photograph(name), scale), skew);
        let turned = quarter_turns(turned, quarters);
        let zone = reader.read(&turned).unwrap();
        let zone = zone.unwrap_or_else(|| panic!("{name} {quarters} {skew}"));
        let expected = f32::from(quarters) * 90.0 + skew as f32;
        let difference = (zone.turn_degrees - expected).rem_euclid(360.0);
        assert!(
            !(5.0..=355.0).contains(&difference),
            "{name}: {} {expected}",
            zone.turn_degrees
        );
        let mrz = read(reader, &turned).unwrap();
        assert!(mrz.check_digits_hold(), "{name} {quarters} {skew}: {mrz:?}");
    }
}

#[test]
fn the_corners_of_the_zone_lie_around_its_text() {
    let page = photograph("visa_a.jpg");
    let zone = reader().read(&page).unwrap().unwrap();
    let [a, b, c, d] = zone.corners;
    // The lines of the page run level, so the corners do too.
    assert!(
        (a.y - b.y).abs() < 40.0 && (c.y - d.y).abs() < 40.0,
        "{:?}",
        zone.corners
    );
    assert!(
        a.x < b.x && d.x < c.x && a.y < d.y && b.y < c.y,
        "{:?}",
        zone.corners
    );
    assert!(b.x - a.x > 700.0 && d.y - a.y > 60.0, "{:?}", zone.corners);
}

#[test]
fn the_zone_of_a_large_photograph_is_read_as_from_all_of_its_pixels() {
    let reader = &mut reader();
    let request = AnalysisRequest::of(Layout::Document);
    for (name, width, (left, top)) in [
        ("document_obama.jpg", 4000, (0, 0)),
        ("card_back.jpg", 1700, (700, 500)),
        // So small that only all pixels show its characters well.
        ("document_obama.jpg", 1300, (700, 500)),
    ] {
        let mut table = RgbImage::from_pixel(4000, 3000, image::Rgb([90, 80, 70]));
        let document = scaled(&photograph(name), width);
        image::imageops::replace(&mut table, &document, left, top);
        let mut encoded = Vec::new();
        JpegEncoder::new_with_quality(&mut encoded, 90)
            .encode_image(&table)
            .unwrap();
        let full = reader.read(&table).unwrap();
        let full = full.unwrap_or_else(|| panic!("{name} {width}: all of its pixels"));
        let seen = reader.analyse(&encoded, &request).unwrap();
        assert_eq!((seen.width, seen.height), (4000, 3000));
        let zone = seen.zone.unwrap_or_else(|| panic!("{name} {width}"));
        assert_eq!(zone.lines, full.lines, "{name} {width}");
        let height = f64::from(full.corners[3].y - full.corners[0].y);
        for (found, expected) in zone.corners.iter().zip(full.corners) {
            let distance = f64::from(found.x - expected.x).hypot((found.y - expected.y).into());
            assert!(
                distance < height / 3.0,
                "{name} {width}: {distance} {height}"
            );
        }
    }
}

#[test]
fn pictures_without_a_zone_have_none() {
    let reader = &mut reader();
    for name in [
        "card_front.jpg",
        "no_face.jpg",
        "obama.jpg",
        "two_faces.jpg",
    ] {
        assert_eq!(reader.read(&photograph(name)).unwrap(), None, "{name}");
    }
    let blank = RgbImage::from_pixel(900, 600, image::Rgb([200; 3]));
    assert_eq!(reader.read(&blank).unwrap(), None);
    for (width, height) in [(1, 1), (3, 700), (700, 3)] {
        let tiny = RgbImage::from_pixel(width, height, image::Rgb([0; 3]));
        assert_eq!(reader.read(&tiny).unwrap(), None, "{width}x{height}");
    }
}
