//! In every legal format a picture gets the score that it has as a plain JPEG.

use image::{DynamicImage, imageops};

use crate::cases::jpeg;
use crate::encode::jpeg::{Colour, Jpeg};
use crate::encode::png::{Header, chunk, png};
use crate::encode::webp;
use crate::formats::{is_refused, jpegs};
use crate::machine::{alone, fixture, photograph, real_app, similarity};

/// How far a score may move with the format.
const TOLERANCE: f64 = 0.02;

/// The JPEG that a variant is held to.
#[derive(Clone, Copy)]
enum Plain {
    Colour,
    Grey,
}

#[tokio::test]
async fn the_score_is_that_of_the_plain_jpeg_in_every_legal_format() {
    let _alone = alone().await;
    let document = fixture("document_obama.jpg");
    let picture = photograph("obama.jpg", 460);
    let grey = DynamicImage::from(imageops::grayscale(&picture)).into_rgb8();
    let header = |depth, colour, interlaced| {
        let (width, height) = picture.dimensions();
        Header {
            width,
            height,
            depth,
            colour,
            interlaced,
        }
    };
    let level = |x, y, c: usize| u16::from(picture.get_pixel(x, y).0[c]);
    let wide = |x, y, c| level(x, y, c) << 8 | level(x, y, c);
    let grey_level = |x, y, _: usize| u16::from(grey.get_pixel(x, y).0[0]);
    let opaque = |x, y, c| if c == 3 { 255 } else { level(x, y, c) };
    let ramp: Vec<u8> = (0..=255).flat_map(|i| [i; 3]).collect();
    let mut variants = vec![
        (
            "PNG",
            png(header(8, 2, false), &[], level, &[]),
            Plain::Colour,
        ),
        (
            "interlaced PNG",
            png(header(8, 2, true), &[], level, &[]),
            Plain::Colour,
        ),
        (
            "PNG of 16 bits",
            png(header(16, 2, false), &[], wide, &[]),
            Plain::Colour,
        ),
        (
            "PNG with alpha",
            png(header(8, 6, true), &[], opaque, &[]),
            Plain::Colour,
        ),
        (
            "grey PNG",
            png(header(8, 0, false), &[], grey_level, &[]),
            Plain::Grey,
        ),
        (
            "palette PNG",
            png(
                header(8, 3, false),
                &[chunk(b"PLTE", &ramp)],
                grey_level,
                &[],
            ),
            Plain::Grey,
        ),
        (
            "WebP",
            webp::riff(&[webp::lossless(&picture)]),
            Plain::Colour,
        ),
        (
            "grey JPEG",
            Jpeg {
                colour: Colour::Grey,
                ..Jpeg::default()
            }
            .encode(&grey),
            Plain::Grey,
        ),
    ];
    let jpegs = jpegs();
    // Restarts are all told apart by the pixels above; one kind of them will do here.
    variants.extend(
        jpegs
            .iter()
            .filter(|(name, way)| name.ends_with("restart 7") && !is_refused(way))
            .map(|(name, way)| (name.as_str(), way.encode(&picture), Plain::Colour)),
    );
    // Everything is encoded by now: a connection that is idle meanwhile would be closed.
    let app = real_app().await;
    let score = |encoded: Vec<u8>| similarity(&app, encoded, document.clone());
    let (plain, plain_grey) = (score(jpeg(&picture)).await, score(jpeg(&grey)).await);
    assert!(plain > 0.6, "{plain}");
    let count = variants.len();
    let (mut most, mut wrong) = ((0.0, ""), Vec::new());
    for (name, encoded, expected) in variants {
        let expected = match expected {
            Plain::Colour => plain,
            Plain::Grey => plain_grey,
        };
        let change = (score(encoded).await - expected).abs();
        if change > most.0 {
            most = (change, name);
        }
        if change > TOLERANCE {
            wrong.push(format!("{name}: {change:.3}"));
        }
    }
    eprintln!("{count} formats: the score of {plain} moved by {most:?} at most");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
