//! Documents that do not lie straight, whole: real photographs, real models, over HTTP.

use std::io::Cursor;

use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use reqwest::StatusCode;
use reqwest::multipart::{Form, Part};
use serde_json::Value;

use crate::photographs::{app_with, fixture};
use crate::turned::{quarter_turns, rotated};

/// How a document lies: clockwise by so many quarters, and so many degrees.
#[derive(Debug, Clone, Copy)]
struct Lie {
    quarters: u8,
    degrees: f64,
}

/// Pixels of the longer side.
const WIDTH: u32 = 1000;
const STRAIGHT: Lie = Lie {
    quarters: 0,
    degrees: 0.0,
};
const LIES: [Lie; 5] = [
    Lie {
        quarters: 1,
        degrees: 0.0,
    },
    Lie {
        quarters: 2,
        degrees: 0.0,
    },
    Lie {
        quarters: 3,
        degrees: 0.0,
    },
    Lie {
        quarters: 0,
        degrees: 15.0,
    },
    Lie {
        quarters: 0,
        degrees: -15.0,
    },
];

impl Lie {
    fn picture(self, page: &RgbImage) -> Vec<u8> {
        let page = quarter_turns(page.clone(), self.quarters);
        let page = if self.degrees == 0.0 {
            page
        } else {
            rotated(&page, self.degrees)
        };
        let mut encoded = Cursor::new(Vec::new());
        let encoder = JpegEncoder::new_with_quality(&mut encoded, 92);
        page.write_with_encoder(encoder).unwrap();
        encoded.into_inner()
    }

    /// Where the middle of a box of a page of that size comes to lie, and how wide and high the box is then.
    fn carried(self, [x, y, w, h]: [f64; 4], (width, height): (f64, f64)) -> [f64; 4] {
        let (cx, cy) = (x + w / 2.0 - width / 2.0, y + h / 2.0 - height / 2.0);
        let angle = (f64::from(self.quarters) * 90.0 + self.degrees).to_radians();
        let (sin, cos) = angle.sin_cos();
        let grown = (
            width * cos.abs() + height * sin.abs(),
            width * sin.abs() + height * cos.abs(),
        );
        let (cx, cy) = (
            cx * cos - cy * sin + grown.0 / 2.0,
            cx * sin + cy * cos + grown.1 / 2.0,
        );
        let (w, h) = if self.quarters % 2 == 1 {
            (h, w)
        } else {
            (w, h)
        };
        [cx - w / 2.0, cy - h / 2.0, w, h]
    }
}

/// The area that two boxes share, in parts of what they cover together.
fn overlap(a: [f64; 4], b: [f64; 4]) -> f64 {
    let side = |at: usize| {
        let (start, end) = (a[at].max(b[at]), (a[at] + a[at + 2]).min(b[at] + b[at + 2]));
        (end - start).max(0.0)
    };
    let shared = side(0) * side(1);
    shared / (a[2] * a[3] + b[2] * b[3] - shared)
}

fn portrait_box(portrait: &Value) -> [f64; 4] {
    serde_json::from_value(portrait["box"].clone()).unwrap()
}

/// A document as it is and as it lies, drawn before the service starts: without optimisation that takes so long that the
/// service would hang up meanwhile.
struct Drawn {
    size: (f64, f64),
    straight: Vec<u8>,
    lying: Vec<(Lie, Vec<u8>)>,
}

fn drawn(document: &str) -> Drawn {
    let page = image::load_from_memory(&fixture(document)).unwrap();
    let page = page.resize(WIDTH, WIDTH, FilterType::Triangle).into_rgb8();
    Drawn {
        size: (f64::from(page.width()), f64::from(page.height())),
        straight: STRAIGHT.picture(&page),
        lying: LIES.map(|lie| (lie, lie.picture(&page))).into(),
    }
}

/// However the document lies, its portrait is found where it is, and matches its bearer.
async fn found_however_it_lies(readers: usize, document: &str, selfie: &str) {
    let drawn = drawn(document);
    let app = app_with(readers).await;
    let form = Form::new().part("document", Part::bytes(drawn.straight));
    let straight = app.post_form("/v1/documents/read", form).await;
    let straight = portrait_box(&straight.expect(StatusCode::OK)["portrait"]);
    for (lie, picture) in drawn.lying {
        let body = app.verify(fixture(selfie), picture).await;
        let body = body.expect(StatusCode::CREATED);
        let face_match = &body["checks"]["face_match"];
        let found = portrait_box(&body["checks"]["document"]["portrait"]);
        let expected = lie.carried(straight, drawn.size);
        let shared = overlap(found, expected);
        let told = format!("{document} {lie:?}: {found:?} for {expected:?}, {face_match}");
        assert_eq!(face_match["result"], "pass", "{told}");
        assert!(shared > 0.6, "{told}");
    }
}

#[tokio::test]
async fn a_passport_is_matched_however_it_lies() {
    found_however_it_lies(1, "document_obama.jpg", "obama.jpg").await;
}

#[tokio::test]
async fn the_front_of_a_card_is_matched_however_it_lies_though_no_zone_tells() {
    found_however_it_lies(1, "card_front.jpg", "astronaut.jpg").await;
}

#[tokio::test]
async fn a_document_is_matched_however_it_lies_where_zones_are_not_read() {
    found_however_it_lies(0, "document_obama.jpg", "obama.jpg").await;
}
